// The readings around an incident, its thresholds, and when what happened.

import { onColours, tokens } from "./colours.js";
import { el, setText } from "./dom.js";
import { axisTime, reading, time } from "./format.js";
import { marks } from "./statistics.js";

const HEIGHT = 210;
const FOOT = 20;
const LEFT = 64;
const TOP = 10;
const MARKS = new Map([["level", "warned"], ["reaction", "fired"], ["outcome", "fired"], ["recovery", "normal"]]);

/** {node, show(incident)}. Ends with `signal`. */
export function newIncidentChart(signal) {
  const canvas = el("canvas", { class: "incident-chart", role: "img", "aria-label": "Readings around the incident" });
  const readout = el("p", { class: "readout" });
  const box = el("div", { class: "heat-box" }, canvas);
  const node = el("figure", {}, box, readout);
  let incident = null;
  let usual = "";
  let place = null;

  function draw() {
    if (!incident || !box.clientWidth) return;
    place = layout(incident, box.clientWidth);
    paint(canvas, incident, place);
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!place?.points.length) return;
    const at = place.from + ((event.offsetX - LEFT) / (place.width - LEFT)) * (place.to - place.from);
    const near = place.points.reduce((best, point) => (Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best));
    setText(readout, `${time(near[0])}: ${reading(near[2], incident.unit)}${near[1] === near[3] ? "" : ` (${reading(near[1], incident.unit)} to ${reading(near[3], incident.unit)})`}`);
  });
  canvas.addEventListener("pointerleave", () => setText(readout, usual));
  const resizing = new ResizeObserver(draw);
  resizing.observe(box);
  signal.addEventListener("abort", () => resizing.disconnect());
  onColours(draw, signal);

  return {
    node,
    show(found) {
      incident = found;
      const values = found.readings.points;
      usual = values.length ? `Between ${reading(Math.min(...values.map((point) => point[1])), found.unit)} and ${reading(Math.max(...values.map((point) => point[3])), found.unit)}` : "Its readings are no longer kept, or are no numbers.";
      setText(readout, usual);
      canvas.setAttribute("aria-label", `Readings around the incident. ${usual}`);
      canvas.hidden = !values.length;
      draw();
    },
  };
}

function layout({ readings, warning, alarm }, width) {
  const points = readings.points;
  const limits = [warning, alarm].filter((limit) => typeof limit === "number");
  const low = Math.min(0, ...points.map((point) => point[1]));
  const high = Math.max(...points.map((point) => point[3]), ...limits, low + 1e-9);
  return { width, points, from: readings.from, to: Math.max(readings.to, readings.from + 1), low, high: high + (high - low) * 0.06 };
}

function paint(canvas, incident, place) {
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(place.width * scale);
  canvas.height = HEIGHT * scale;
  canvas.style.height = `${HEIGHT}px`;
  const ctx = canvas.getContext("2d");
  ctx.scale(scale, scale);
  ctx.font = "11px system-ui, sans-serif";
  const colour = tokens();
  const x = (at) => LEFT + ((at - place.from) / (place.to - place.from)) * (place.width - LEFT);
  const y = (value) => HEIGHT - FOOT - ((value - place.low) / (place.high - place.low)) * (HEIGHT - FOOT - TOP);
  paintAxes(ctx, incident, place, { x, y, colour });
  paintTime(ctx, incident, place, { x, y, colour });
  paintSeries(ctx, place.points, { x, y, colour });
  paintLimits(ctx, incident, place, { x, y, colour });
  paintSteps(ctx, incident, { x, y, colour });
}

function paintAxes(ctx, { unit }, place, { y, colour }) {
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  for (const at of marks(place.low, place.high, 4)) {
    ctx.fillStyle = colour("line");
    ctx.fillRect(LEFT, Math.round(y(at)), place.width - LEFT, 1);
    ctx.fillStyle = colour("muted");
    ctx.fillText(reading(at, unit), LEFT - 6, y(at));
  }
}

function paintTime(ctx, incident, place, { x, colour }) {
  // The time that it lasted.
  ctx.fillStyle = colour(incident.worst === "alarmed" ? "alarmed-ground" : "warned-ground");
  const end = incident.ended ?? place.to;
  ctx.globalAlpha = 0.7;
  ctx.fillRect(x(incident.started), TOP, Math.max(1, x(end) - x(incident.started)), HEIGHT - FOOT - TOP);
  ctx.globalAlpha = 1;
  const span = place.to - place.from;
  const step = [15, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 604800].find((one) => span / one <= (place.width - LEFT) / 90) ?? 2592000;
  ctx.fillStyle = colour("muted");
  ctx.textAlign = "center";
  for (let at = Math.ceil(place.from / step) * step; at <= place.to; at += step) {
    const text = axisTime(at, step);
    const half = ctx.measureText(text).width / 2;
    if (x(at) - half >= LEFT && x(at) + half <= place.width) ctx.fillText(text, x(at), HEIGHT - FOOT / 2 + 2);
  }
}

function paintSeries(ctx, points, { x, y, colour }) {
  const gaps = points.slice(1).map((point, index) => point[0] - points[index][0]).sort((a, b) => a - b);
  const gap = 3 * (gaps[Math.floor(gaps.length / 2)] ?? Infinity);
  ctx.fillStyle = colour("chart-band");
  ctx.strokeStyle = colour("chart");
  ctx.lineWidth = 1.75;
  ctx.lineJoin = "round";
  ctx.beginPath();
  points.forEach((point, index) => {
    const before = points[index - 1];
    const joined = before && point[0] - before[0] <= gap;
    ctx[joined ? "lineTo" : "moveTo"](x(point[0]), y(point[2]));
    if (joined && (point[1] !== point[3] || before[1] !== before[3])) ctx.fillRect(x(before[0]), y(point[3]), x(point[0]) - x(before[0]), y(point[1]) - y(point[3]));
    if (points.length < 4) ctx.fillRect(x(point[0]) - 2, y(point[2]) - 2, 4, 4);
  });
  ctx.stroke();
}

function paintLimits(ctx, incident, place, { y, colour }) {
  ctx.setLineDash([5, 4]);
  ctx.lineWidth = 1;
  for (const [key, level] of [["warning", "warned"], ["alarm", "alarmed"]]) {
    if (typeof incident[key] !== "number") continue;
    ctx.strokeStyle = colour(level);
    ctx.beginPath();
    ctx.moveTo(LEFT, Math.round(y(incident[key])) + 0.5);
    ctx.lineTo(place.width, Math.round(y(incident[key])) + 0.5);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

function paintSteps(ctx, { steps }, { x, colour }) {
  for (const step of steps) {
    const level = step.kind === "level" ? step.level : MARKS.get(step.kind);
    if (!level) continue;
    ctx.fillStyle = colour(level);
    ctx.fillRect(Math.round(x(step.at)) - 0.5, TOP, 1.5, HEIGHT - FOOT - TOP);
    ctx.beginPath();
    ctx.arc(x(step.at), TOP, 3.5, 0, 7);
    ctx.fill();
  }
}
