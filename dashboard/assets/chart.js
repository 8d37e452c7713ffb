// A series' history: its mean as a line, minimum to maximum as a band, thresholds dashed.

import { axisTime, reading } from "./format.js";

const HEIGHT = 132;
const GAP = 3;

let library = null;

/** uPlot, fetched when the first chart is drawn. Rejects if the package was built without it. */
function load() {
  library ??= import("/vendor/uPlot.esm.js").then((module) => module.default);
  return library;
}

/** Draw a chart in `place`. `sensor` gives unit and thresholds; `pointed` is called with the
 * point [at, min, mean, max] under the pointer, or null. Returns {show(points, from, to), end}. */
export async function newChart(place, sensor, pointed) {
  const UPlot = await load();
  const colours = getComputedStyle(document.documentElement);
  const colour = (name) => colours.getPropertyValue(`--${name}`).trim();
  const lines = [["warning", "warned"], ["alarm", "alarmed"]]
    .filter(([key]) => typeof sensor[key] === "number")
    .map(([key, level]) => ({ at: sensor[key], colour: colour(level) }));
  let range = [0, 1];

  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const plain = { stroke: "transparent", points: { show: false } };
  const options = {
    width: Math.max(120, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, sync: { key: "server" }, points: { size: 7 }, drag: { x: false, y: false } },
    padding: [8, 6, 0, 0],
    scales: { x: { time: true, range: () => range }, y: { range: (_plot, low, high) => yRange(low, high, lines, sensor.unit) } },
    axes: [
      { ...axis, size: 24, space: 80, values: (_plot, marks, _axis, _space, step) => marks.map((mark) => axisTime(mark, step)) },
      { ...axis, size: 62, space: 34, gap: 4, values: (_plot, marks) => marks.map((mark) => reading(mark, sensor.unit)) },
    ],
    series: [
      {},
      { ...plain, label: "min" },
      { label: "mean", stroke: colour("chart"), width: 1.5, points: { size: 4, fill: colour("chart"), show: few } },
      { ...plain, label: "max" },
    ],
    bands: [{ series: [3, 1], fill: colour("chart-band") }],
    hooks: {
      draw: [(plot) => drawThresholds(plot, lines)],
      setCursor: [(plot) => pointed(pointAt(plot))],
    },
  };
  const plot = new UPlot(options, [[], [], [], []], place);
  const resizing = new ResizeObserver(() => {
    if (place.clientWidth > 0) plot.setSize({ width: place.clientWidth, height: HEIGHT });
  });
  resizing.observe(place);
  return {
    show(points, from, to) {
      range = [from, to];
      plot.setData(columns(points));
    },
    end() {
      resizing.disconnect();
      plot.destroy();
    },
  };
}

// So few readings make no line that could be seen.
const few = (plot) => plot.data[2].filter((mean) => mean !== null).length <= 6;

function pointAt(plot) {
  const { idx } = plot.cursor;
  if (idx === null || idx === undefined || plot.data[2][idx] == null) return null;
  return plot.data.map((column) => column[idx]);
}

// Where readings are missing for much longer than they usually are apart, the line breaks.
function columns(points) {
  const steps = points.slice(1).map((point, index) => point[0] - points[index][0]).sort((a, b) => a - b);
  const usual = steps[Math.floor(steps.length / 2)] ?? 0;
  const result = [[], [], [], []];
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && usual && point[0] - before[0] > GAP * usual) {
      result[0].push(before[0] + usual);
      for (const column of result.slice(1)) column.push(null);
    }
    result.forEach((column, part) => column.push(point[part]));
  });
  return result;
}

// A threshold belongs into the picture unless it is so far off that it would flatten the line.
function yRange(low, high, lines, unit) {
  if (low === null || high === null) return unit === "%" ? [0, 100] : [0, 1];
  if (low === 0 && high === 0) return [0, 1];
  if (unit === "%" && low >= 0 && high <= 100) return [0, 100];
  const size = Math.max(high - low, Math.abs(high) * 0.1, 1e-9);
  const near = lines.map((line) => line.at).filter((at) => at < high + 2 * size && at > low - 2 * size);
  const top = Math.max(high, ...near);
  const bottom = low >= 0 && low < size * 2 ? 0 : Math.min(low, ...near);
  const margin = (top - bottom || 1) * 0.08;
  return [bottom === 0 ? 0 : bottom - margin, top + margin];
}

function drawThresholds(plot, lines) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const { at, colour } of lines) {
    const y = Math.round(plot.valToPos(at, "y", true)) + (devicePixelRatio % 2) / 2;
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = colour;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}
