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
import { stepWord } from "./run-words.js";
import { paced } from "./slices.js";
import { newStopForm } from "./stop-form.js";

const GAP = 1500;
const REFRESH = 10000;
const RELEVANT = new Set(["fired", "control", "mended", "not_mended", "alarmed", "recovered"]);
const MODES = new Map([
  ["on", ["On", "reactions run", "normal"]],
  ["dry-run", ["Dry run", "what would run is written down, nothing is sent", "warned"]],
  ["off", ["Off", "no reaction runs", "disconnected"]],
]);

/** The page's module interface: see router.js. */
export function mount(root, { store, signal, every }) {
  const mode = el("p", { class: "mode", role: "status" });
  const problem = el("p", { class: "callout", role: "alert", hidden: true });
  const running = el("ul", { class: "running", "aria-label": "Running now" });
  const idle = el("p", { class: "note" }, "Nothing runs now.");
  const rules = el("div");
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
      el("div", { class: "page-side" }, section("Running now", null, running, idle), section("Limits", null, limits.node), section("Run by hand", null, runs.node), section("Rules", null, rules)),
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
    const [word, meaning, status] = MODES.get(found.mode) ?? [String(found.mode), "", "unknown"];
    fill(mode, el("span", { class: "mark", "data-status": status }, icon(status), word), el("span", { class: "sub" }, meaning));
    latches.show(found.latches);
    limits.show(limitsOf(found));
    fill(running, found.running.map((one) => runningItem(one, store)));
    setShown(idle, found.running.length === 0);
    fill(rules, rulesOf(found));
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

function runningItem(one, store) {
  const name = store.servers.get(one.server)?.hostname || one.server;
  return el(
    "li",
    { class: "running-item" },
    icon("fired"),
    el("span", {}, data(seriesName({ name: one.sensor, instance: one.instance })), " on ", el("a", { href: serverLink(one.server) }, data(name)), one.step === 2 ? el("span", { class: "sub" }, ` ${stepWord(2)}`) : "", one.by ? el("span", { class: "sub" }, " by ", data(one.by)) : ""),
    one.at ? age(one.at, store.now()) : "",
  );
}

function limitsOf({ limits, used }) {
  const within = duration(limits.share.within);
  const shares = (used.labels ?? []).map((one) => ({ name: `Servers of ${one.label}=${one.value}`, detail: `within ${within}`, used: one.reacted, most: one.most }));
  return [
    { name: "Servers at once", detail: "on which something runs", used: used.at_once, most: limits.at_once },
    { name: "Servers of the fleet", detail: `within ${within}`, used: used.fleet.reacted, most: used.fleet.most },
    ...shares,
  ];
}

function rulesOf({ mode, rules, limits }) {
  const rows = [...rules, { sensors: ["*"], match: {}, mode, last: true }];
  const latch = `A reaction that ran ${count(limits.latch.runs)} times on a server within ${duration(limits.latch.within)} is latched.`;
  return [
    el("ol", { class: "rules" }, rows.map(ruleItem)),
    el("p", { class: "note-small" }, "The first that matches counts. ", latch),
  ];
}

function ruleItem({ mode, sensors, match, last }) {
  const [word, , status] = MODES.get(mode) ?? [String(mode), "", "unknown"];
  const where = Object.entries(match ?? {}).flatMap(([key, value]) => (key === "labels" || key === "facts" ? Object.entries(value ?? {}).map(([name, glob]) => `${name}=${glob}`) : value && value !== "*" ? [`${key} ${value}`] : []));
  return el(
    "li",
    { class: "rule" },
    el("span", { class: "mark", "data-status": status }, icon(status), word),
    last ? el("span", {}, "everything else") : el("span", {}, data(sensors.join(", ")), " on ", data(where.join(", ") || "all servers")),
  );
}
