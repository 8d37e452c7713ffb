// The whole screen for the fleet, to be read from across a room: no controls, large type. What
// needs attention, the map, the counters, the last events.

import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { eventIcon, eventWord, said } from "./event-words.js";
import { newFleetMap } from "./fleet-map.js";
import { count, instant, time } from "./format.js";
import { mountCounters, mountPulse } from "./header.js";
import { icon } from "./icons.js";
import { needsAttention } from "./levels.js";
import { newLevelBar } from "./level-bar.js";
import { isPinned } from "./pins.js";
import { serverLink } from "./route.js";
import { newSelection } from "./selection.js";
import { newTiles } from "./tiles.js";

const MOST_EVENTS = 6;
const STILL_MS = 3000;
// Pixels: a screen below the first scrolls, on others the line "and N more" takes the second.
const NARROW = 900;
const MORE_ROOM = 40;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** The page's module interface: see router.js. */
export function mount(root, context) {
  const { store } = context;
  document.body.classList.add("walled");
  const counters = el("dl", { class: "counters", "aria-label": "Counters" });
  const pulse = el("div", { class: "pulse" });
  const now = el("time", { class: "wall-clock" });
  const list = el("ul", { class: "tiles", "aria-label": "Servers that need attention" });
  const more = el("p", { class: "wall-more" });
  const clear = el("div", { class: "all-clear", "data-clear": "true" });
  const events = el("ol", { class: "events wall-events", "aria-label": "Latest events" });
  const leave = el("button", { type: "button", class: "button wall-leave", click: end }, "Leave wall mode");
  const lost = el("span", { class: "state", role: "status" });
  const map = newFleetMap(store, { open: (id) => void (location.hash = serverLink(id)), chosen() {}, narrow() {}, fit, largest: Math.max(30, Math.round(innerWidth / 44)) });
  const mapPlace = el("div", { class: "wall-map" }, map.node);
  root.append(
    el("h1", { class: "unseen" }, "Wall"),
    el("div", { class: "wall-head" }, counters, pulse, lost, now, leave),
    newLevelBar(store).node,
    el("div", { class: "wall-columns" }, el("section", { class: "wall-servers", "aria-label": "Needs attention" }, list, more, clear), el("div", { class: "wall-side" }, mapPlace, events)),
  );
  mountCounters(store, counters);
  mountPulse(store, pulse);

  let drawn = { shown: 0, left: 0 };
  const tiles = newTiles(store, list, (now) => {
    drawn = now;
    trim();
    setShown(clear, drawn.shown === 0);
    fill(clear, icon(store.loaded ? "normal" : "discovery"), el("p", { class: "all-clear-title" }, store.loaded ? "All clear" : "Waiting for the fleet…"));
  });
  tiles.setFilter((server) => needsAttention(server) || isPinned(server.id));
  const selection = newSelection(store, () => map.show(selection.groups, null));

  // Nobody scrolls a wall: a tile that would be cut off is counted instead.
  function trim() {
    const all = [...list.children];
    all.forEach((tile) => setShown(tile, true));
    const room = innerWidth > NARROW ? list.parentElement.clientHeight - MORE_ROOM : Infinity;
    const cut = all.filter((tile) => tile.offsetTop + tile.offsetHeight - list.offsetTop > room);
    cut.forEach((tile) => setShown(tile, false));
    const left = drawn.left + cut.length;
    setText(more, left > 0 ? `and ${count(left)} more` : "");
  }

  // The button to leave is there while the pointer moves.
  let still = 0;
  root.addEventListener("pointermove", () => {
    root.classList.add("pointed");
    clearTimeout(still);
    still = setTimeout(() => root.classList.remove("pointed"), STILL_MS);
  });

  function fit() {
    return Math.max(120, innerHeight - mapPlace.getBoundingClientRect().top - events.offsetHeight - 40);
  }

  function showEvents() {
    fill(events, store.events.slice(0, MOST_EVENTS).map((event) => {
      const hostname = store.servers.get(event.server)?.hostname ?? "";
      return el(
        "li",
        { class: "event", "data-type": event.type },
        icon(eventIcon(event.type)),
        el("div", { class: "event-body" }, el("span", { class: "event-type" }, eventWord(event.type)), " ", data(hostname), " ", data(said(event, hostname), { class: "event-message" })),
        el("time", { datetime: new Date(event.at * 1000).toISOString(), title: instant(event.at) }, time(event.at)),
      );
    }));
  }

  function showClock() {
    setText(now, clock.format(new Date()));
    setAttribute(now, "datetime", new Date().toISOString());
  }

  function showConnection({ state }) {
    lost.dataset.state = state;
    setText(lost, { live: "Live", lost: "Disconnected", connecting: "Connecting…" }[state]);
  }

  // The browser takes Escape for itself while the page is full-screen.
  const leftScreen = () => {
    if (!document.fullscreenElement) end();
  };
  addEventListener("resize", trim, { signal: context.signal });
  document.addEventListener("fullscreenchange", leftScreen, { signal: context.signal });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) end();
  }, { signal: context.signal });
  store.on("events", showEvents);
  store.on("servers", (ids) => {
    if (ids === null) showEvents();
    else map.refresh(ids);
  });
  store.on("connection", showConnection);
  context.every(1000, showClock);
  context.every(10_000, tiles.tick);
  showClock();
  showConnection(store.connection);
  showEvents();
  selection.set({ text: "", group: "none" });
  return () => {
    clearTimeout(still);
    document.body.classList.remove("walled");
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    tiles.end();
    selection.end();
    map.end();
  };
}

function end() {
  location.hash = "#/";
}
