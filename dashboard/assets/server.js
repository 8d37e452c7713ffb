// The page of one server: who it is, how it is reached, all its sensors, what happened.

import { get } from "./api.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { fillEvents } from "./events.js";
import { ago, count, duration, instant, reading, time } from "./format.js";
import { RANGES } from "./history.js";
import { icon } from "./icons.js";
import { statusClass, word } from "./levels.js";
import { newSensors } from "./sensors.js";
import { keyOf } from "./store.js";
import { explanation } from "./tile.js";

const REFRESH = 15000;
const YOUNG = 1800;
const MOST_EVENTS = 50;

/** The page's module interface: see router.js. */
export const mount = (root, { store, params }) => mountServer(store, params.id, root, "#/fleet");

/** Show the server `id` of `store` in `place`. Returns a function that ends it. */
export function mountServer(store, id, place, back) {
  const view = build(back);
  fill(place, view.node);
  view.heading.focus({ preventScroll: true });
  const sensors = newSensors(id, view.sensors, store.now);
  const leaving = new AbortController();
  let detail = null;
  let happened = [];

  function choose(name) {
    for (const button of view.ranges.children) button.setAttribute("aria-pressed", String(button.dataset.range === name));
    sensors.setSpan(RANGES.get(name));
  }

  for (const name of RANGES.keys()) {
    view.ranges.append(el("button", { type: "button", class: "chip", "data-range": name, click: () => choose(name) }, name));
  }
  // Of a server that was found just now, an hour would be an empty picture.
  const known = store.servers.get(id);
  choose(known && store.now() - known.first_seen < YOUNG ? "15m" : "1h");

  async function load() {
    const path = `/servers/${encodeURIComponent(id.toWellFormed())}`;
    try {
      detail = await get(path, {}, leaving.signal);
      const [events, actions] = await Promise.all([
        get("/events", { server: id, limit: MOST_EVENTS }, leaving.signal),
        get("/actions", { server: id, limit: 20 }, leaving.signal),
      ]);
      if (leaving.signal.aborted) return;
      setShown(view.problem, false);
      addEvents(events.items);
      fill(view.actions, actions.items.map(actionItem));
      setShown(view.noActions, actions.items.length === 0);
      show();
    } catch (error) {
      if (leaving.signal.aborted) return;
      setText(view.problem, `This server can't be shown: ${error.message}`);
      setShown(view.problem, true);
    }
  }

  // An answer asked for before an event must not take the event away again.
  function addEvents(added) {
    happened = [...new Map([...happened, ...added].map((event) => [event.id, event])).values()]
      .sort((a, b) => b.id - a.id)
      .slice(0, MOST_EVENTS);
    fillEvents(view.events, happened);
    setShown(view.noEvents, happened.length === 0);
  }

  function show() {
    const live = store.servers.get(id);
    if (!detail && !live) return;
    const server = { ...detail, ...live, channels: { ...detail?.channels, ...live?.channels } };
    showHead(view, server, store.now());
    fill(view.facts, factRows(server));
    fill(view.channels, channelRows(server));
    sensors.show(joined(detail, live));
    const unsupported = Object.entries(server.unsupported ?? {});
    fill(view.unsupported, unsupported.map(([name, reason]) => el("div", {}, el("dt", {}, data(name)), el("dd", {}, data(reason)))));
    setText(view.unsupportedCount, count(unsupported.length));
    setShown(view.unsupportedBox, unsupported.length > 0);
  }

  const stops = [
    store.on("servers", (ids) => {
      if (ids === null || ids.has(id)) show();
      if (ids === null) load();
    }),
    store.on("events", (added) => {
      addEvents(added.filter((event) => event.server === id));
    }),
  ];
  const timers = [
    setInterval(() => {
      load();
      sensors.refresh();
    }, REFRESH),
    setInterval(() => {
      if (store.connection.state === "live") sensors.tick();
    }, 1000),
  ];
  document.addEventListener("themechange", sensors.redraw);
  show();
  load();
  return () => {
    leaving.abort();
    stops.forEach((stop) => stop());
    timers.forEach(clearInterval);
    document.removeEventListener("themechange", sensors.redraw);
    sensors.end();
  };
}

// The live values, with what only the full answer tells (thresholds, description).
function joined(detail, live) {
  const known = new Map((detail?.sensors ?? []).map((sensor) => [keyOf(sensor), sensor]));
  if (!live) return [...known.values()];
  return [...live.series].map(([key, sensor]) => ({ ...known.get(key), ...sensor }));
}

function build(back) {
  const heading = el("h1", { tabindex: "-1", class: "server-name" });
  const parts = {
    heading,
    status: el("span", { class: "level level-large" }),
    where: el("p", { class: "server-where" }),
    warning: el("div", { class: "callout", hidden: true }),
    problem: el("p", { class: "callout", role: "alert", hidden: true }),
    ranges: el("div", { class: "chips", role: "group", "aria-label": "How far back" }),
    sensors: el("ul", { class: "sensors" }),
    facts: el("dl", { class: "facts" }),
    channels: el("dl", { class: "facts" }),
    events: el("ol", { class: "events" }),
    actions: el("ol", { class: "actions" }),
    noEvents: el("p", { class: "note", hidden: true }, "Nothing happened yet."),
    noActions: el("p", { class: "note", hidden: true }, "No reaction ran here."),
    unsupported: el("dl", { class: "facts unsupported" }),
    unsupportedCount: el("span", { class: "chip-count" }),
  };
  parts.unsupportedBox = el(
    "details",
    { class: "panel", hidden: true },
    el("summary", {}, el("h2", {}, "Sensors that don't apply "), parts.unsupportedCount),
    parts.unsupported,
  );
  parts.node = el(
    "article",
    { class: "server" },
    el("a", { class: "back", href: back }, icon("back"), "All servers"),
    el("header", { class: "server-head" }, el("div", { class: "server-title" }, heading, parts.status), parts.where),
    parts.problem,
    parts.warning,
    el(
      "div",
      { class: "server-columns" },
      el(
        "section",
        { "aria-labelledby": "sensors-title", class: "server-main" },
        el("div", { class: "section-head" }, el("h2", { id: "sensors-title" }, "Sensors"), parts.ranges),
        parts.sensors,
        parts.unsupportedBox,
      ),
      el(
        "div",
        { class: "server-side" },
        el("section", { class: "panel" }, el("h2", {}, "Machine"), parts.facts),
        el("section", { class: "panel" }, el("h2", {}, "Channel pool"), parts.channels),
        el("section", { class: "panel" }, el("h2", {}, "Reactions"), parts.noActions, parts.actions),
        el("section", { class: "panel" }, el("h2", {}, "Events"), parts.noEvents, parts.events),
      ),
    ),
  );
  return parts;
}

function showHead(view, server, now) {
  setText(view.heading, server.hostname || server.id);
  if (view.status.dataset.shown !== server.status) {
    view.status.dataset.shown = server.status;
    view.node.dataset.status = statusClass(server.status);
    fill(view.status, icon(statusClass(server.status)), word(server.status));
  }
  const seen = server.connected ? "connected" : `last seen ${ago(now - server.last_seen)}`;
  setText(view.where, [...server.addresses.slice(0, 8), `port ${server.port ?? "unknown"}`, seen].join(" · "));
  const reasons = [];
  if (server.reason) reasons.push(el("p", {}, el("strong", {}, `${word(server.status)}: `), data(server.reason)));
  if (server.queued_up) reasons.push(el("p", {}, el("strong", {}, "Queued up: "), data(explanation(server))));
  fill(view.warning, reasons);
  setShown(view.warning, reasons.length > 0);
}

function rows(pairs) {
  return pairs
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value instanceof Node ? value : data(value))));
}

function factRows(server) {
  const { facts = {}, identity = {}, labels = {} } = server;
  const endpoints = (server.endpoints ?? []).map((end) => `${end.address} port ${end.port}`);
  return rows([
    ["Operating system", facts.os],
    ["Kernel", facts.kernel],
    ["Architecture", facts.architecture],
    ["CPUs", facts.cpus],
    ["Memory", facts.memory_bytes ? reading(facts.memory_bytes, "B") : ""],
    ["SSH server", facts.ssh_version],
    ["Logs in as", server.user],
    ["Reached at", endpoints.join(", ")],
    ["Its addresses", (facts.addresses ?? []).join(", ")],
    ["MAC", (facts.macs ?? identity.macs ?? []).join(", ")],
    ["Labels", Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(", ")],
    ["Host key", identity.host_key],
    ["Machine id", identity.machine_id],
    ["Boot id", identity.boot_id],
    ["First seen", when(server.first_seen)],
    ["Last seen", when(server.last_seen)],
    ["Id", server.id],
  ]);
}

const when = (at) => (at ? el("time", { title: instant(at) }, time(at)) : "");

function channelRows({ channels }) {
  return rows([
    ["Allowed at once", channels.limit],
    ["Busy", channels.busy],
    ["Waiting", channels.queued],
    ["Longest wait", channels.oldest_wait_s === undefined ? "" : duration(channels.oldest_wait_s)],
    ["Missed ticks", channels.missed === undefined ? "" : count(channels.missed)],
    ["Refused opens", channels.refused === undefined ? "" : count(channels.refused)],
    ["Run alone", (channels.alone ?? []).join(", ")],
  ]);
}

function actionItem(action) {
  const outcome = action.status === null || action.status === undefined ? action.outcome : `${action.outcome}, exit status ${action.status}`;
  return el(
    "li",
    { class: "action" },
    el("div", { class: "event-head" }, el("span", { class: "event-type" }, data(outcome)), when(action.at)),
    data(action.reason, { class: "event-message" }),
    el("code", {}, data(action.command)),
    action.output ? el("details", {}, el("summary", {}, "Output"), el("pre", { tabindex: "0" }, data(action.output))) : [],
  );
}
