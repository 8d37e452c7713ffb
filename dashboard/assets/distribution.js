// How many servers have which value: a histogram, with median and thresholds.

import { el, fill, setText, svg } from "./dom.js";
import { count, reading } from "./format.js";
import { histogram, marks, quantile } from "./statistics.js";

const BARS = 40;
const WIDTH = 800;
const HEIGHT = 150;
const FOOT = 20;

/** A histogram: {node, show(sorted)}. `limits` is the sensor's definition, filled in later. */
export function newDistribution(limits) {
  const picture = svg("svg", { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}`, preserveAspectRatio: "none", role: "img" });
  const axis = el("div", { class: "histogram-axis", "aria-hidden": "true" });
  const summary = el("p", { class: "readout" });
  const node = el("figure", {}, el("div", { class: "histogram-box" }, picture, axis), summary);
  let usual = "";
  let drawn = "";

  picture.addEventListener("pointermove", (event) => {
    const bar = event.target.closest?.("[data-said]");
    setText(summary, bar ? bar.dataset.said : usual);
  });
  picture.addEventListener("pointerleave", () => setText(summary, usual));

  return {
    node,
    show(sorted) {
      const bars = histogram(sorted, BARS);
      const unit = limits.unit;
      usual = saying(sorted, unit);
      const now = JSON.stringify([bars, limits, usual]);
      if (now === drawn) return;
      drawn = now;
      if (!picture.matches(":hover")) setText(summary, usual);
      picture.setAttribute("aria-label", `Distribution. ${usual}`);
      if (!bars.length) {
        fill(picture);
        fill(axis);
        return;
      }
      const [low, high] = [bars[0].from, bars[bars.length - 1].to + (bars[0].from === bars[0].to && bars.length > 1 ? 1 : 0)];
      const x = (value) => (high > low ? ((value - low) / (high - low)) * WIDTH : WIDTH / 2);
      const top = Math.max(...bars.map((bar) => bar.count));
      fill(picture, bars.map((bar, index) => drawBar(bar, index, bars.length, top, level(bar, limits), unit)), lines(limits, low, high, x), medianLine(sorted, x));
      const share = (value) => `${(x(value) / WIDTH) * 100}%`;
      fill(axis, (high > low ? marks(low, high, 5) : [low]).map((at) => placed(el("span", {}, reading(at, unit)), share(at))));
    },
  };
}

function placed(node, left) {
  node.style.left = left;
  return node;
}

function drawBar(bar, index, bars, top, kind, unit) {
  const wide = WIDTH / bars;
  // A single server must be seen beside nine thousand.
  const tall = bar.count ? Math.max(3, (bar.count / top) * (HEIGHT - 6)) : 0;
  const span = bar.from === bar.to ? reading(bar.from, unit) : `${reading(bar.from, unit)} to ${reading(bar.to, unit)}`;
  const said = `${span}: ${count(bar.count)} series`;
  const thin = bars === 1 ? WIDTH / 3 : 0;
  return svg(
    "g",
    { "data-said": said },
    svg("rect", { class: "histogram-space", x: index * wide, y: 0, width: wide, height: HEIGHT }),
    svg("rect", { class: `histogram-bar is-${kind}`, x: index * wide + wide * 0.06 + thin, y: HEIGHT - tall, width: wide * 0.88 - 2 * thin, height: tall }),
  );
}

function level(bar, { warning, alarm, inverted }) {
  const middle = (bar.from + bar.to) / 2;
  const trips = (limit) => typeof limit === "number" && (inverted ? middle <= limit : middle >= limit);
  return trips(alarm) ? "alarmed" : trips(warning) ? "warned" : "normal";
}

function lines(limits, low, high, x) {
  return [["warning", "warned"], ["alarm", "alarmed"]]
    .filter(([key]) => typeof limits[key] === "number" && limits[key] >= low && limits[key] <= high)
    .map(([key, kind]) => svg("line", { class: `histogram-limit is-${kind}`, x1: x(limits[key]), x2: x(limits[key]), y1: 0, y2: HEIGHT }));
}

function medianLine(sorted, x) {
  const at = x(quantile(sorted, 0.5));
  return svg("line", { class: "histogram-median", x1: at, x2: at, y1: 0, y2: HEIGHT });
}

function saying(sorted, unit) {
  if (!sorted.length) return "No numbers have been read yet.";
  const at = (part) => reading(quantile(sorted, part), unit);
  if (sorted.length === 1) return `One series, at ${at(0)}.`;
  return `${count(sorted.length)} series from ${at(0)} to ${at(1)}; half are at ${at(0.5)} or less, nine tenths at ${at(0.9)} or less.`;
}
