// Reactions across the fleet: whether they run, what holds them, what ran.

import { newActions } from "./actions.js";
import { get } from "./api.js";
import { age, section } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count, duration, seriesName } from "./format.js";
import { icon } from "./icons.js";
import { newLatches } from "./latches.js";
import { newLimits } from "./reaction-limits.js";
import { serverLink } from "./route.js";
import { newRunList } from "./run-list.js";
import { paced } from "./slices.js";
import { newStopForm } from "./stop-form.js";

const GAP = 1500;
const REFRESH = 10000;
const RELEVANT = new Set(["fired", "control", "mended", "not_mended", "alarmed", "recovered"]);
const MODES = new Map([
  ["on", ["On", "reactions run", "normal"]],
  ["dry-run", ["Dry run", "what would run is written down, nothing is sent", "message"]],
  ["off", ["Off", "no reaction runs", "disconnected"]],
]);

/** The page's module interface: see router.js. */
export function mount(root, { store, signal, every }) {
  const mode = el("p", { class: "mode", role: "status" });
  const problem = el("p", { class: "callout", role: "alert", hidden: true });
  const running = el("ul", { class: "running", "aria-label": "Running now" });
  const idle = el("p", { class: "note" }, "Nothing runs now.");
  const waiting = el("ul", { class: "running", "aria-label": "Waiting" });
  const held = el("p", { class: "note-small" });
  const latched = el("p", { class: "note-small" });
  const rules = el("ol", { class: "rules", "aria-label": "Modes" });
  const stop = newStopForm();
  const latches = newLatches(store, () => load());
  const limits = newLimits();
  const runs = newRunList(store, signal);
  const actions = newActions(null, store, signal);
  const run = el("a", { class: "button needs-act", href: "#/run" }, "Run…");

  root.classList.add("sheet");
  root.append(
    el("div", { class: "page-head" }, el("h1", {}, "Reactions"), mode, el("span", { class: "controls" }, run, stop.button)),
    stop.node,
    problem,
    el(
      "div",
      { class: "page-columns" },
      el("div", { class: "page-main" }, section("Latched", null, latches.node), section("Latest", null, actions.nodes)),
      el("div", { class: "page-side" }, section("Running now", null, running, idle, held, waiting), section("Limits", null, limits.node, latched), section("Run by hand", null, runs.node), section("Modes", null, rules)),
    ),
  );

  const load = paced(async () => {
    try {
      const [found] = await Promise.all([get("/reactions", {}, signal), runs.load(), actions.load()]);
      show(found);
      setShown(problem, false);
    } catch (error) {
      if (signal.aborted) return;
      setText(problem, `The reactions can't be read: ${error.message}`);
      setShown(problem, true);
    }
  }, GAP, signal);

  function show(found) {
    const [, meaning] = modeOf(found);
    fill(mode, found.stopped ? el("span", { class: "mark", "data-status": "alarmed" }, icon("stopped"), "Stopped") : modeMark(found), el("span", { class: "sub" }, found.stopped ? "nothing runs until somebody resumes" : meaning));
    latches.show(found.latches);
    limits.show(limitsOf(found));
    fill(running, found.running.map((one) => item(one, store, "fired", one.by ? ["by ", data(one.by)] : "")));
    setShown(idle, found.running.length === 0);
    setText(held, found.waiting ? `${count(found.waiting)} ${found.waiting === 1 ? "waits" : "wait"} for what holds ${found.waiting === 1 ? "it" : "them"} to pass:` : "");
    setShown(held, found.waiting > 0);
    fill(waiting, found.held.map((one) => item(one, store, "stale", ["held: ", data(one.guard)])));
    fill(latched, `What ran ${count(found.latch.runs)} times on a server within ${duration(found.latch.within)} is latched.`);
    fill(rules, [...found.first_rules.map(ruleItem), lastRule(found)]);
  }

  function follow(stats) {
    const stopped = Boolean(stats?.reactions_stopped);
    setShown(stop.button, !stopped);
    if (stopped) setShown(stop.node, false);
  }

  store.on("stats", follow);
  follow(store.stats);
  store.on("events", (added) => {
    if (added.some((event) => RELEVANT.has(event.type))) load();
  });
  every(REFRESH, () => {
    if (!document.hidden) load();
  });
  load();
}

function item(one, store, picture, more) {
  const name = store.servers.get(one.server)?.hostname || one.hostname || one.server;
  return el(
    "li",
    { class: "running-item" },
    icon(picture),
    el("span", {}, data(seriesName({ name: one.sensor, instance: one.instance })), " on ", el("a", { href: serverLink(one.server) }, data(name)), " ", el("span", { class: "sub" }, one.step === 2 ? "fallback " : "", more)),
    one.since ? age(one.since, store.now()) : "",
  );
}

function limitsOf({ at_once: atOnce, share }) {
  const within = `reacted on within ${duration(share.within)}`;
  return [
    { name: "Servers at once", detail: "on which something runs", ...atOnce },
    { name: "Servers of the fleet", detail: `${within}, of ${count(share.fleet.of)}`, ...share.fleet },
    ...share.labels.map((one) => ({ name: `Servers of ${one.label}=${one.value}`, detail: `${within}, of ${count(one.of)}`, ...one })),
  ];
}

const modeOf = ({ mode }) => MODES.get(mode) ?? [String(mode), "", "unknown"];

function modeMark(one) {
  const [word, , status] = modeOf(one);
  return el("span", { class: "mark", "data-status": status }, icon(status), word);
}

function ruleItem(rule) {
  const where = Object.entries(rule.match).flatMap(([key, value]) => (typeof value === "object" ? Object.entries(value).map(([name, text]) => `${name} ${text}`) : [`${key} ${value}`]));
  return el("li", { class: "rule" }, modeMark(rule), el("span", {}, data(rule.sensors.join(", ")), " on ", data(where.join(", ") || "all servers")));
}

function lastRule(found) {
  const left = found.rules - found.first_rules.length;
  return el("li", { class: "rule" }, modeMark(found), el("span", {}, left > 0 ? `everything else, but for ${count(left)} more rules` : found.rules ? "everything else" : "all sensors on all servers"));
}
