// The head of the page: counters, heartbeat, and whether the daemon is there.

import { el, fill, setAttribute, setShown, setText, svg } from "./dom.js";
import { ago, count, instant, number, time } from "./format.js";

// The counters of the header: key of the stats, name, what it counts.
const COUNTERS = [
  ["warned", "Warnings", "Warnings of the last 24 hours"],
  ["alarmed", "Alarms", "Alarms of the last 24 hours"],
  ["fired", "Reactions", "Reactions of the last 24 hours"],
  ["feeds", "Feeds", "Feed items of the last 24 hours"],
  ["servers", "Servers", "Servers known now"],
  ["sensors", "Sensors", "Sensors read on all servers"],
];
const WIDTH = 120;
const HEIGHT = 28;

/** Fill the page's header and banner from `store`. `retry` asks for the daemon at once. */
export function mountHeader(store, { counters, pulse, state, banner }, retry) {
  mountCounters(store, counters);
  mountPulse(store, pulse);
  mountConnection(store, state, banner, retry);
}

/** The counters of `store` into the list `place`. */
export function mountCounters(store, place) {
  const values = new Map();
  for (const [key, label, meaning] of COUNTERS) {
    const value = el("dd", { class: "counter-value" }, "–");
    values.set(key, value);
    place.append(el("div", { class: `counter counter-${key}`, title: meaning }, el("dt", {}, label), value));
  }
  const show = (stats) => {
    for (const [key, value] of values) {
      setText(value, count(stats[key]));
      setAttribute(value.parentNode, "data-zero", !stats[key]);
    }
  };
  store.on("stats", show);
  if (store.stats) show(store.stats);
}

/** The events per second of the last two minutes, as a line and a number, into `place`. */
export function mountPulse(store, place) {
  const area = svg("path", { class: "pulse-area" });
  const line = svg("path", { class: "pulse-line" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  picture.append(area, line);
  const value = el("span", { class: "pulse-value" }, "–");
  place.append(picture, el("span", { class: "pulse-text" }, value, " events/s"));

  function show() {
    const { beats } = store;
    if (!beats.length) return;
    setText(value, number(beats.at(-1)));
    if (beats.length < 2) return;
    const top = Math.max(1, ...beats);
    const points = beats.map((beat, index) => {
      const x = WIDTH - (beats.length - 1 - index) * (WIDTH / 119);
      return `${x.toFixed(1)},${(HEIGHT - 2 - (beat / top) * (HEIGHT - 5)).toFixed(1)}`;
    });
    line.setAttribute("d", `M${points.join("L")}`);
    area.setAttribute("d", `M${points[0].split(",")[0]},${HEIGHT}L${points.join("L")}L${WIDTH},${HEIGHT}Z`);
  }

  store.on("stats", show);
  show();
}

function mountConnection(store, state, banner, retry) {
  const headline = el("strong", { role: "alert" });
  const detail = el("span");
  const again = el("button", { type: "button", class: "button", click: retry }, "Try now");
  fill(banner, el("span", { class: "banner-text" }, headline, " ", detail), again);

  function show() {
    const { connection } = store;
    const lost = connection.state === "lost";
    document.documentElement.dataset.connection = connection.state;
    setText(state, { live: "Live", lost: "Disconnected", connecting: "Connecting…" }[connection.state]);
    setAttribute(state, "title", connection.heard ? `Last heard from the daemon ${instant(connection.heard / 1000)}` : false);
    state.dataset.state = connection.state;
    setShown(banner, lost);
    if (!lost) return;
    setText(headline, connection.heard ? "The daemon does not answer." : "The daemon can't be reached.");
    setText(detail, `${asOf(connection)} ${nextTry(connection)}`.trim());
  }

  store.on("connection", show);
  setInterval(() => {
    if (store.connection.state === "lost") show();
  }, 1000);
  show();
}

function asOf({ heard }) {
  if (!heard) return "";
  return `What you see is from ${time(heard / 1000)}, ${ago((Date.now() - heard) / 1000)}.`;
}

function nextTry({ retryAt }) {
  const left = Math.round((retryAt - Date.now()) / 1000);
  return left > 0 ? `Trying again in ${left} s.` : "Trying again…";
}
