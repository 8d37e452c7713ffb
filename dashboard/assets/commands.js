// What the console understands: each command's name, what it takes, what it does.

import { post } from "./api.js";
import { deskCommands } from "./desk-commands.js";
import { count } from "./format.js";
import { word } from "./levels.js";
import { isPinned, pinned, setPinned } from "./pins.js";
import { compile, KEYS, LEVELS } from "./query.js";
import { linkTo, sensorLink, serverLink } from "./route.js";
import { canSpeak, setSpeaking } from "./speech.js";
import { resumeReactions, stopReactions } from "./stopped.js";
import { setTheme, THEMES } from "./theme.js";

const MOST_LISTED = 20;
const MOST_OFFERED = 30;

/** The commands, for `store`; `shell` opens what isn't a page: {search(text), help(), wall(),
 * clear(), close()}; `pages` are [label, link]. Each is {name, takes, does, run(text), offers(), scope}; `run`
 * answers with lines of text, or throws an Error that says what is wrong. */
export function createCommands(store, shell, pages) {
  const hostnames = () => namesOf(store.servers.values());
  const pinnedNames = () => ["all", ...namesOf(pinned().map((id) => store.servers.get(id)).filter(Boolean))];
  const go = (link) => {
    location.hash = link;
  };
  // What is seen on the page leaves nothing to say.
  const silent = (action) => (text) => {
    action(text);
    return [];
  };

  function one(text) {
    const found = matching(store, text);
    if (!found.length) throw new Error(`No server is called ${text}.`);
    if (found.length > 1) throw new Error(`${count(found.length)} servers match: ${listed(found)}`);
    return found[0];
  }

  function open(text) {
    const page = pages.find(([label]) => label.toLowerCase() === text.toLowerCase());
    if (page) go(page[1]);
    else if (sensorNames(store).includes(text)) go(sensorLink(text));
    else go(serverLink(one(text).id));
    shell.close();
    return [];
  }

  function pin(text, wanted) {
    if (!wanted && text === "all") {
      const amount = pinned().length;
      pinned().slice().forEach((id) => setPinned(id, false));
      return [`${count(amount)} unpinned.`];
    }
    const server = one(text);
    if (isPinned(server.id) === wanted) return [`${nameOf(server)} ${wanted ? "is pinned already" : "isn't pinned"}.`];
    setPinned(server.id, wanted);
    return [`${nameOf(server)} ${wanted ? "pinned to the overview" : "unpinned"}.`];
  }

  function filter(text) {
    go(linkTo("/fleet", { q: text }));
    const amount = [...store.servers.values()].filter(compile(text)).length;
    return [`${count(amount)} of ${count(store.servers.size)} servers in the fleet.`];
  }

  function speak(wanted) {
    if (wanted && !canSpeak()) throw new Error("This browser has no speech synthesis.");
    setSpeaking(wanted);
    return [wanted ? "Alarms are spoken." : "Alarms are muted."];
  }

  async function sweep(text) {
    const { items } = await post("/sweeps", text ? { range: text } : {});
    return items.length ? items.map((started) => `Sweeping ${started.range}.`) : ["Nothing to sweep."];
  }

  async function stop(reason) {
    await stopReactions(reason);
    return [`Reactions are stopped: ${reason}`];
  }

  async function resume() {
    await resumeReactions();
    return ["Reactions may run again."];
  }

  function alarms() {
    const found = [...store.servers.values()].filter((server) => server.status === "alarmed");
    if (!found.length) return ["No server is alarmed."];
    const more = found.length - MOST_LISTED;
    return [...found.slice(0, MOST_LISTED).map((server) => `${nameOf(server)}: ${worst(server)}`), ...(more > 0 ? [`and ${count(more)} more`] : [])];
  }

  function status() {
    const levels = LEVELS.filter((level) => !["queued", "failing", "attention", "silenced"].includes(level) && store.counts.get(level));
    return [
      `${count(store.servers.size)} servers: ${levels.map((level) => `${count(store.counts.get(level))} ${word(level).toLowerCase()}`).join(", ") || "none yet"}.`,
      `The daemon is ${store.connection.state === "live" ? "there" : "not answering"}.`,
    ];
  }

  const commands = [
    { name: "alarms", takes: "", does: "list the alarmed servers", run: alarms },
    { name: "clear", takes: "", does: "empty the console", run: silent(shell.clear) },
    { name: "close", takes: "", does: "close the console", run: silent(shell.close) },
    { name: "filter", takes: "EXPRESSION", does: "show these servers in the fleet: words, level:alarmed, os:debian, range:10.0.0.0/24, label=value", run: filter, offers: () => [...LEVELS.map((level) => `level:${level}`), ...KEYS.slice(1).map((key) => `${key}:`)] },
    { name: "help", takes: "", does: "this list", run: () => commands.map(({ name, takes, does }) => `${`${name} ${takes}`.trimEnd().padEnd(24)} ${does}`) },
    { name: "keys", takes: "", does: "what single keys do", run: silent(shell.help) },
    { name: "mute", takes: "", does: "don't speak alarms", run: () => speak(false) },
    { name: "open", takes: "NAME", does: "open a server, a sensor or a page", needs: true, run: open, offers: () => [...pages.map(([label]) => label.toLowerCase()), ...sensorNames(store), ...hostnames()] },
    { name: "pin", takes: "SERVER", does: "keep a server in the overview", needs: true, run: (text) => pin(text, true), offers: hostnames },
    { name: "pins", takes: "", does: "list the pinned servers", run: () => pinnedNames().slice(1).concat(pinned().length ? [] : ["Nothing is pinned."]) },
    { name: "resume", takes: "", does: "let reactions run again", scope: "act", run: resume },
    { name: "search", takes: "TEXT", does: "find servers and sensors", run: silent(shell.search) },
    { name: "status", takes: "", does: "how the fleet is", run: status },
    { name: "stop", takes: "REASON", does: "stop all reactions", scope: "act", needs: true, run: stop },
    { name: "sweep", takes: "[RANGE]", does: "sweep a configured range now, or all of them", scope: "sweep", run: sweep, offers: () => [...new Set(store.sweeps.map((swept) => swept.range))] },
    { name: "theme", takes: THEMES.join("|"), does: "dark, light, or as the system's", needs: true, run: chooseTheme, offers: () => THEMES },
    { name: "unmute", takes: "", does: "speak alarms", run: () => speak(true) },
    { name: "unpin", takes: "SERVER|all", does: "no longer keep it there", needs: true, run: (text) => pin(text, false), offers: pinnedNames },
    { name: "wall", takes: "", does: "the whole screen for the fleet", run: silent(() => {
      shell.close();
      shell.wall();
    }) },
  ];
  commands.push(...deskCommands(store, go, shell.close));
  commands.sort((a, b) => (a.name < b.name ? -1 : 1));
  return commands;
}

function chooseTheme(text) {
  if (!THEMES.includes(text)) throw new Error(`The themes are ${THEMES.join(", ")}.`);
  setTheme(text);
  return [`Theme: ${text}.`];
}

/** What the line of a console could go on as: whole lines, in order. */
export function completions(commands, line) {
  const [name, ...rest] = line.trimStart().split(/\s/);
  if (!rest.length) return commands.map((command) => command.name).filter((one) => one.startsWith(name.toLowerCase())).map((one) => `${one} `);
  const command = commands.find((one) => one.name === name.toLowerCase());
  const last = rest.at(-1).toLowerCase();
  const before = [name, ...rest.slice(0, -1)].join(" ");
  return [...new Set(command?.offers?.() ?? [])]
    .filter((offer) => offer.toLowerCase().startsWith(last))
    .slice(0, MOST_OFFERED)
    .map((offer) => `${before} ${offer}`);
}

/** Run `line`; the answer is lines of text. Throws an Error that says what is wrong. */
export async function runLine(commands, line) {
  const [, name, text] = /^(\S*)\s*(.*)$/s.exec(line.trim());
  const command = commands.find((one) => one.name === name.toLowerCase());
  if (!command) throw new Error(`There is no command ${name}: help lists them.`);
  if (command.needs && !text) throw new Error(`${command.name} takes ${command.takes}.`);
  return command.run(text);
}

const nameOf = (server) => server.hostname || server.addresses[0] || server.id;

const namesOf = (servers) => [...servers].map(nameOf);

function sensorNames(store) {
  const found = new Set();
  for (const server of store.servers.values()) for (const { name } of server.series.values()) found.add(name);
  return [...found].sort();
}

// A name that is exactly one server's, whatever others contain it.
function matching(store, text) {
  const lower = text.toLowerCase();
  const exact = [];
  const begins = [];
  const others = [];
  const wanted = compile(text);
  for (const server of store.servers.values()) {
    const name = nameOf(server).toLowerCase();
    if (name === lower || server.addresses.includes(text) || server.id === text) exact.push(server);
    else if (name.startsWith(lower)) begins.push(server);
    else if (wanted(server)) others.push(server);
  }
  return exact.length ? exact : begins.length ? begins : others;
}

function listed(servers) {
  const first = servers.slice(0, 5).map(nameOf).join(", ");
  return servers.length > 5 ? `${first} …` : `${first}.`;
}

function worst(server) {
  const bad = [...server.series.values()].filter((sensor) => ["alarmed", "fired"].includes(sensor.status));
  return bad.map((sensor) => `${sensor.name} ${sensor.value ?? ""}`.trim()).slice(0, 4).join(", ") || word(server.status).toLowerCase();
}
