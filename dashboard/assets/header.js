// The head of the page: counters, heartbeat, and whether the daemon is there.

import { el, fill, setAttribute, setShown, setText, svg } from "./dom.js";
import { ago, count, number, time } from "./format.js";

const COUNTERS = [
  ["servers", "Servers", "known now"],
  ["sensors", "Sensors", "read on all servers"],
  ["warned", "Warned", "in the last 24 hours"],
  ["alarmed", "Alarmed", "in the last 24 hours"],
  ["fired", "Reactions", "fired in the last 24 hours"],
  ["feeds", "Feeds", "items in the last 24 hours"],
];
const WIDTH = 120;
const HEIGHT = 28;

/** Fill the page's header and banner from `store`. `retry` asks for the daemon at once. */
export function mountHeader(store, { counters, pulse, state, banner }, retry) {
  const values = new Map();
  for (const [key, label, meaning] of COUNTERS) {
    const value = el("dd", { class: "counter-value" }, "–");
    values.set(key, value);
    counters.append(
      el("div", { class: `counter counter-${key}`, title: `${label}: ${meaning}` }, el("dt", {}, label), value),
    );
  }
  const beat = mountPulse(pulse);
  store.on("stats", (stats) => {
    for (const [key, value] of values) {
      setText(value, count(stats[key]));
      setAttribute(value.parentNode, "data-zero", !stats[key]);
    }
    beat(store.beats);
  });
  mountConnection(store, state, banner, retry);
}

function mountPulse(pulse) {
  const area = svg("path", { class: "pulse-area" });
  const line = svg("path", { class: "pulse-line" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  picture.append(area, line);
  const value = el("span", { class: "pulse-value" }, "–");
  pulse.append(picture, el("span", { class: "pulse-text" }, value, " events/s"));
  return (beats) => {
    setText(value, number(beats.at(-1)));
    if (beats.length < 2) return;
    const top = Math.max(1, ...beats);
    const points = beats.map((beat, index) => {
      const x = WIDTH - (beats.length - 1 - index) * (WIDTH / 119);
      return `${x.toFixed(1)},${(HEIGHT - 2 - (beat / top) * (HEIGHT - 5)).toFixed(1)}`;
    });
    line.setAttribute("d", `M${points.join("L")}`);
    area.setAttribute("d", `M${points[0].split(",")[0]},${HEIGHT}L${points.join("L")}L${WIDTH},${HEIGHT}Z`);
  };
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
