// The servers that need attention, those that are pinned, and what happened last.

import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { eventItem } from "./events.js";
import { count, duration, number } from "./format.js";
import { icon } from "./icons.js";
import { needsAttention } from "./levels.js";
import { newLevelBar } from "./level-bar.js";
import { isPinned, onPins, pinned } from "./pins.js";
import { linkTo } from "./route.js";
import { newTiles } from "./tiles.js";

const MOST_EVENTS = 40;

const FILTERS = new Map([
  ["attention", ["Needs attention", (server) => needsAttention(server) || isPinned(server.id)]],
  ["alarmed", ["Alarmed", (server) => server.status === "alarmed"]],
  ["warned", ["Warned", (server) => server.status === "warned"]],
  ["both", ["Alarmed or warned", (server) => server.status === "alarmed" || server.status === "warned"]],
  ["disconnected", ["Disconnected", (server) => server.status === "disconnected"]],
  ["quarantined", ["Quarantined", (server) => server.status === "quarantined"]],
  ["queued", ["Queued up", (server) => Boolean(server.queued_up)]],
  ["failing", ["Sensors fail", (server) => server.failing > 0]],
  ["silenced", ["Silenced", (server) => Boolean(server.quiet)]],
  ["pinned", ["Pinned", (server) => isPinned(server.id)]],
]);

/** The page's module interface: see router.js. */
export function mount(root, context) {
  const { store, query } = context;
  const bar = newLevelBar(store);
  const chips = el("div", { class: "chips", role: "group", "aria-label": "Which servers are shown" });
  const list = el("ul", { class: "tiles", "aria-label": "Servers" });
  const more = el("p", { class: "note", role: "status" });
  const clear = el("div", { class: "all-clear" });
  const sweeps = el("ul", { class: "sweep-lines", "aria-label": "Sweeps under way" });
  const events = el("ol", { class: "events" });
  root.append(
    el("h1", { class: "unseen" }, "Overview"),
    bar.node,
    newUntold(store),
    el(
      "div",
      { class: "overview-columns" },
      el("section", { class: "servers", "aria-label": "Servers that need attention" }, el("div", { class: "section-head" }, chips), list, more, clear),
      el("aside", { class: "panel aside", "aria-labelledby": "recent-title" }, sweeps, el("h2", { id: "recent-title" }, "Latest events"), events),
    ),
  );

  const tiles = newTiles(store, list, ({ shown, left }) => {
    setShown(more, left > 0);
    setText(more, `and ${count(left)} more`);
    setShown(clear, shown === 0);
    if (shown === 0) showClear(clear, store, filter);
  });
  let filter = FILTERS.has(query.get("show")) ? query.get("show") : "attention";
  const buttons = mountChips(chips, (name) => choose(name, true));

  function choose(name, push) {
    filter = name;
    if (push) context.setQuery({ show: name === "attention" ? "" : name }, { push });
    for (const [one, { button }] of buttons) setAttribute(button, "aria-pressed", String(one === name));
    tiles.setFilter(FILTERS.get(name)[1]);
  }

  function recount() {
    const { counts } = store;
    const of = (key) => counts.get(key) ?? 0;
    const known = pinned().map((id) => store.servers.get(id)).filter(Boolean);
    const amounts = {
      attention: of("attention") + known.filter((server) => !needsAttention(server)).length,
      alarmed: of("alarmed"),
      warned: of("warned"),
      both: of("alarmed") + of("warned"),
      disconnected: of("disconnected"),
      quarantined: of("quarantined"),
      queued: of("queued"),
      failing: of("failing"),
      silenced: of("silenced"),
      pinned: known.length,
    };
    for (const [name, { button, amount }] of buttons) {
      setText(amount, count(amounts[name]));
      setAttribute(button, "data-zero", amounts[name] === 0);
    }
  }

  const showEvents = () => fill(events, store.events.slice(0, MOST_EVENTS).map((event) => eventItem(event, store.servers.get(event.server)?.hostname ?? "")));
  const showSweeps = () => fill(sweeps, store.sweeps.filter((sweep) => sweep.finished === null).slice(0, 3).map(sweepLine));

  store.on("shapes", recount);
  store.on("events", showEvents);
  store.on("sweeps", showSweeps);
  store.on("servers", (ids) => {
    if (ids === null) showEvents();
  });
  const stopPins = onPins(() => {
    recount();
    tiles.refilter();
  });
  context.onQuery((now) => choose(FILTERS.has(now.get("show")) ? now.get("show") : "attention", false));
  context.every(10_000, tiles.tick);
  choose(filter, false);
  recount();
  showEvents();
  showSweeps();
  return () => {
    stopPins();
    tiles.end();
  };
}

function mountChips(place, choose) {
  const buttons = new Map();
  for (const [name, [label]] of FILTERS) {
    const amount = el("span", { class: "chip-count" }, "0");
    const button = el("button", { type: "button", class: `chip chip-${name}`, click: () => choose(name) }, label, " ", amount);
    buttons.set(name, { button, amount });
    place.append(button);
  }
  return buttons;
}

function showClear(place, store, filter) {
  const waits = !store.loaded;
  const empty = store.loaded && store.servers.size === 0;
  const attention = filter === "attention";
  const title = waits ? "Waiting for the fleet…" : empty ? "No servers yet" : attention ? "All clear" : "None of these";
  const detail = waits ? "" : empty
    ? "They appear here as the sweep finds them."
    : attention
      ? allClear(store)
      : `None of ${count(store.servers.size)} servers is in this state.`;
  place.dataset.clear = String(!waits && !empty);
  fill(place, icon(waits || empty ? "discovery" : "normal"), el("p", { class: "all-clear-title" }, title), el("p", { class: "all-clear-detail" }, detail));
}

// That people aren't told of what is wrong, while it is so.
function newUntold(store) {
  const text = el("span");
  const node = el("p", { class: "untold", role: "status", hidden: true }, icon("notices"), text);
  let said = "";

  function show({ targets_failing: failing = 0, notices_waiting: waiting = 0 }) {
    setShown(node, failing > 0);
    const now = `${failing} ${waiting}`;
    if (said === now || !failing) return;
    said = now;
    const who = failing === 1 ? "1 target of notices can't be reached" : `${count(failing)} targets of notices can't be reached`;
    const left = waiting === 1 ? "1 notice waits" : `${count(waiting)} notices wait`;
    fill(text, el("a", { href: linkTo("/notices") }, who), waiting ? `; ${left}.` : ".");
  }

  store.on("stats", show);
  if (store.stats) show(store.stats);
  return node;
}

// What is silenced may be as ill as it likes: it isn't said to be well.
function allClear({ servers, counts }) {
  const silenced = counts.get("silenced") ?? 0;
  if (!silenced) return `All ${count(servers.size)} servers are connected and normal.`;
  return `${count(silenced)} of ${count(servers.size)} servers ${silenced === 1 ? "is" : "are"} silenced, the others are connected and normal.`;
}

function sweepLine(sweep) {
  const share = sweep.total ? Math.min(1, sweep.done / sweep.total) : 0;
  const left = sweep.left_s === null ? "" : `${duration(Math.max(0, Math.round(sweep.left_s)))} left`;
  const parts = [`${Math.floor(share * 100)} %`, `${number(sweep.rate)}/s`, `${count(sweep.found)} found`, left];
  return el(
    "li",
    { class: "sweep-line" },
    el("span", {}, "Sweeping ", data(sweep.range)),
    el("progress", { max: 1, value: share, "aria-label": `Sweep of ${sweep.range}` }),
    el("span", { class: "sweep-text" }, parts.filter(Boolean).join(" · ")),
  );
}
