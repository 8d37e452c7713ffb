// A series' history: its mean as a line, minimum to maximum as a band, thresholds dashed, level
// changes as marks. Charts with one `group` share their cursor.

import { axisTime, reading } from "./format.js";
import { joined } from "./gaps.js";
import { increments, valueRange } from "./scale.js";

const HEIGHT = 140;
const MARK = 4;
const NEAR = 6;
const SHARED = new Set(["mousemove", "mouseleave"]);

let library = null;

/** uPlot, fetched when the first chart is drawn. Rejects if the package was built without it. */
function load() {
  library ??= import("/vendor/uPlot.esm.js").then((module) => module.default);
  // A failure is not remembered: the daemon may be back at the next chart.
  library.catch(() => (library = null));
  return library;
}

/** Draw a chart in `place`. `sensor` gives unit and thresholds. `on.point(point, mark)` is called
 * with the [at, min, mean, max] and the mark under the pointer, or nulls; `on.select(from, to)`
 * with the seconds that were dragged over; `on.back()` after a double click.
 *
 * Returns {show, end, move, width}: `show({points, from, to, every, marks})` with marks as
 * [{at, kind, text}]; `move(steps)` moves the cursor by so many points. */
export async function newChart(place, sensor, group, on) {
  const UPlot = await load();
  const colours = getComputedStyle(document.documentElement);
  const colour = (name) => colours.getPropertyValue(`--${name}`).trim();
  const lines = thresholds(sensor).map((line) => ({ ...line, colour: colour(line.level) }));
  let shown = { points: [], from: 0, to: 1, every: 0, marks: [] };

  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const plain = { stroke: "transparent", points: { show: false } };
  const options = {
    width: Math.max(120, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 7 },
      drag: { x: true, y: false, setScale: false, dist: 8 },
      bind: { dblclick: () => () => on.back() },
      // Only the cursor is shared; a drag is over one chart.
      sync: { key: group, scales: ["x", null], filters: { pub: (type) => SHARED.has(type), sub: (type) => SHARED.has(type) } },
    },
    padding: [12, 8, 0, 0],
    scales: {
      x: { time: true, range: () => [shown.from, shown.to] },
      y: { range: (_plot, low, high) => valueRange(low, high, lines.map((line) => line.at), sensor.unit) },
    },
    axes: [
      { ...axis, size: 24, space: 80, values: (_plot, marks, _axis, _space, step) => marks.map((mark) => axisTime(mark, step)) },
      { ...axis, size: 62, space: 34, gap: 4, incrs: increments(sensor.unit), values: (_plot, marks) => marks.map((mark) => reading(mark, sensor.unit)) },
    ],
    series: [
      {},
      { ...plain, label: "min" },
      { label: "mean", stroke: colour("chart"), width: 1.5, points: { size: 4, fill: colour("chart"), show: false, filter: lonely } },
      { ...plain, label: "max" },
    ],
    bands: [{ series: [3, 1], fill: colour("chart-band") }],
    hooks: {
      draw: [(plot) => drawThresholds(plot, lines, colour("surface")), (plot) => drawMarks(plot, shown.marks, colour)],
      setCursor: [(plot) => on.point(pointAt(plot), markAt(plot, shown.marks))],
      setSelect: [(plot) => selected(plot, on.select)],
    },
  };
  const plot = new UPlot(options, [[], [], [], []], place);
  const resizing = new ResizeObserver(() => {
    const width = place.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  });
  resizing.observe(place);
  return {
    show(what) {
      shown = what;
      plot.setData(joined(what.points, Math.max(what.every, (what.to - what.from) / Math.max(1, what.asked))));
    },
    /** In pixels, known without asking the page for its layout. */
    get width() {
      return plot.width;
    },
    move: (steps) => moveCursor(plot, steps),
    end() {
      resizing.disconnect();
      plot.destroy();
    },
  };
}

function thresholds(sensor) {
  return [["warning", "warned", [4, 4], "left"], ["alarm", "alarmed", [9, 4], "right"]]
    .filter(([key]) => typeof sensor[key] === "number")
    .map(([key, level, dash, align]) => ({ at: sensor[key], level, dash, align, text: `${key} ${reading(sensor[key], sensor.unit)}` }));
}

// Points without neighbours make no line that could be seen.
function lonely(plot) {
  const means = plot.data[2];
  const found = means.flatMap((mean, index) => (mean !== null && means[index - 1] == null && means[index + 1] == null ? [index] : []));
  return found.length ? found : null;
}

function pointAt(plot) {
  const { idx } = plot.cursor;
  if (idx === null || idx === undefined || plot.data[2][idx] == null) return null;
  return plot.data.map((column) => column[idx]);
}

function markAt(plot, marks) {
  const { left } = plot.cursor;
  if (left === undefined || left < 0) return null;
  return marks.find((mark) => Math.abs(plot.valToPos(mark.at, "x") - left) <= NEAR) ?? null;
}

function selected(plot, tell) {
  const { left, width } = plot.select;
  if (width <= 0) return;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  tell(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
}

function moveCursor(plot, steps) {
  const last = plot.data[0].length - 1;
  if (last < 0) return;
  const { idx, left } = plot.cursor;
  const at = left >= 0 && idx !== null && idx !== undefined ? idx + steps : last;
  let index = Math.min(last, Math.max(0, at));
  // Over a gap to its other side.
  while (plot.data[2][index] == null && index > 0 && index < last) index += Math.sign(steps) || 1;
  plot.setCursor({ left: plot.valToPos(plot.data[0][index], "x"), top: HEIGHT / 2 });
}

// The alarm is labelled at the right and the warning at the left, so that they never collide.
function drawThresholds(plot, lines, ground) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${10 * ratio}px system-ui, sans-serif`;
  for (const { at, colour, dash, text, align } of lines) {
    const y = Math.round(plot.valToPos(at, "y", true)) + (ratio % 2) / 2;
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = colour;
    ctx.lineWidth = ratio;
    ctx.setLineDash(dash.map((length) => length * ratio));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.textAlign = align;
    const x = align === "right" ? bbox.left + bbox.width - 3 * ratio : bbox.left + 3 * ratio;
    const crowded = lines.some((other) => other.at > at && plot.valToPos(at, "y") - plot.valToPos(other.at, "y") < 13);
    write(ctx, text, x, crowded || y < 12 * ratio ? y + 11 * ratio : y - 4.5 * ratio, colour, ground);
  }
  ctx.restore();
}

// With the ground around the letters they can be read over a line.
function write(ctx, text, x, y, colour, ground) {
  ctx.setLineDash([]);
  ctx.lineJoin = "round";
  ctx.lineWidth = 3 * devicePixelRatio;
  ctx.strokeStyle = ground;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = colour;
  ctx.fillText(text, x, y);
}

// Up for trouble, down for its end: not only the colour tells them apart.
function drawMarks(plot, marks, colour) {
  const { ctx, bbox } = plot;
  const size = MARK * devicePixelRatio;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const { at, kind } of marks) {
    const x = Math.round(plot.valToPos(at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const better = kind === "recovered";
    const [tip, base] = better ? [bbox.top + size, bbox.top - size] : [bbox.top - size, bbox.top + size];
    ctx.fillStyle = ctx.strokeStyle = colour(better ? "normal" : kind);
    ctx.globalAlpha = 0.45;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + size);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.moveTo(x, tip);
    ctx.lineTo(x - size, base);
    ctx.lineTo(x + size, base);
    ctx.fill();
  }
  ctx.restore();
}
