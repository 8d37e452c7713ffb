// The page of one server: who it is, how it is reached, all its sensors, what happened.

import { newActions } from "./actions.js";
import { get } from "./api.js";
import { newChannelTime } from "./channels.js";
import { setShown, setText } from "./dom.js";
import { newPinButton, onPins } from "./pins.js";
import { newSensors } from "./sensors.js";
import { newServerEvents } from "./server-events.js";
import { newServerSilence } from "./server-silence.js";
import { build, showHead, showPanels } from "./server-view.js";
import { keyOf } from "./store.js";
import { newTimebar } from "./timebar.js";
import { createTimeframe } from "./timeframe.js";

const REFRESH = 15000;
const YOUNG = 1800;

/** The page's module interface: see router.js. */
export function mount(root, context) {
  const { store, params, query, setQuery, onQuery, every, signal, title } = context;
  const { id } = params;
  // Of a server that was found just now, an hour would be an empty picture.
  const known = store.servers.get(id);
  const young = known && store.now() - known.first_seen < YOUNG;
  const frame = createTimeframe(query, store.now, young ? "15m" : "1h");
  const happened = newServerEvents(id, store, signal);
  const reactions = newActions(id, store, signal);
  const timebar = newTimebar(frame);
  const sensors = newSensors(id, frame, { now: store.now, marks: happened.marks }, context);
  const pin = newPinButton(id, known?.hostname || id);
  const silence = newServerSilence();
  const view = build(id, { pin, silence, timebar, sensors, happened, reactions });
  const channelTime = newChannelTime(view.prominent, view.aside);
  const joined = newJoin();
  let detail = null;
  root.append(view.node);
  const header = keepUnderHeader(view.node);

  async function load() {
    try {
      detail = await get(`/servers/${encodeURIComponent(id.toWellFormed())}`, {}, signal);
      await Promise.all([happened.load(), reactions.load()]);
      if (signal.aborted) return;
      setShown(view.problem, false);
      show();
      sensors.remark();
    } catch (error) {
      if (signal.aborted) return;
      setText(view.problem, `This server can't be shown: ${error.message}`);
      setShown(view.problem, true);
    }
  }

  function show() {
    const live = store.servers.get(id);
    setShown(view.body, Boolean(detail || live));
    if (!detail && !live) return;
    const server = { ...detail, ...live, channels: { ...detail?.channels, ...live?.channels } };
    title(server.hostname || id);
    showHead(view, server, store.now());
    showPanels(view, server);
    channelTime.show(server);
    if (detail) silence.show(detail);
    sensors.show(joined(detail, live));
  }

  let queued = known?.queued_up;
  store.on("servers", (ids) => {
    if (ids !== null && !ids.has(id)) return;
    show();
    const now = store.servers.get(id)?.queued_up;
    if (ids === null || now !== queued) load();
    queued = now;
  });
  store.on("events", (added) => {
    if (added.some((event) => event.type === "silenced")) load();
    const ours = added.filter((event) => event.server === id);
    if (!ours.length) return;
    happened.add(ours);
    sensors.remark();
    if (ours.some((event) => event.type === "fired")) reactions.load().catch(() => {}); // tried again soon
  });
  every(REFRESH, () => {
    if (!document.hidden) load();
  });
  every(1000, () => {
    if (store.connection.state !== "live") return;
    sensors.tick();
    timebar.tick();
  });
  frame.on(() => setQuery(frame.query(), { push: true }));
  onQuery((changed) => {
    frame.read(changed);
    sensors.read(changed);
  });
  document.addEventListener("themechange", sensors.redraw, { signal });
  const unpin = onPins(pin.show);
  show();
  load();
  return () => {
    unpin();
    header.disconnect();
    sensors.end();
  };
}

// The live values, with what only the full answer tells (thresholds, description). What changed
// in neither is the same object as before, so that its card need not look at it.
function newJoin() {
  let before = new Map();
  return (detail, live) => {
    const known = new Map((detail?.sensors ?? []).map((sensor) => [keyOf(sensor), sensor]));
    const parts = live ? [...live.series] : [...known];
    before = new Map(parts.map(([key, sensor]) => [key, kept(before.get(key), known.get(key), sensor)]));
    return [...before.values()].map(({ joined }) => joined);
  };
}

function kept(old, full, newest) {
  if (old && old.full === full && old.newest === newest) return old;
  return { full, newest, joined: { ...full, ...newest } };
}

// What sticks to the top of the window does so below the page's header, where that does too.
function keepUnderHeader(node) {
  const header = document.querySelector("header.top");
  const bars = document.getElementById("bars");
  const watching = new ResizeObserver(() => {
    const height = getComputedStyle(header).position === "sticky" ? header.offsetHeight : 0;
    node.style.setProperty("--under-header", `${height + bars.offsetHeight}px`);
  });
  watching.observe(header);
  watching.observe(bars);
  return watching;
}
