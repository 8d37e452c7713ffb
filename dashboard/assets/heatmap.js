// A sensor over time: a row for each series that sticks out, a colour for each mean, and above
// them where all series lay.

import { get } from "./api.js";
import { newChoice } from "./bits.js";
import { onColours, ramp, tokens } from "./colours.js";
import { plain, el, setText } from "./dom.js";
import { axisTime, count, reading, time } from "./format.js";
import { serverLink } from "./route.js";

const RANGES = new Map([["1h", [3600, 60]], ["6h", [21600, 24]], ["24h", [86400, 96]], ["7d", [604800, 84]], ["30d", [2592000, 120]]]);
const USUAL = "24h";
// Columns of less than a quarter of an hour take the daemon long where there are many servers.
const FINE = "1h";
const MOST_FINE = 300;
const ROWS = 40;
const ORDERS = [["highest", "Highest"], ["lowest", "Lowest"], ["name", "By name"]];
const REFRESH = 60000;
const SPREAD = 64;
const ROW = 14;
const FOOT = 18;
const STEPS = 24;

/** {controls, node, show, end} for the sensor `name`. `limits` is its definition, filled in later. */
export function newHeatMap(name, limits, { store, query, setQuery, onQuery, signal }) {
  const view = { range: query.get("range"), rows: query.get("rows") };
  const canvas = el("canvas", { class: "heat", tabindex: "0", role: "img", "aria-label": "Heat map" });
  const readout = el("p", { class: "readout", role: "status" }, "Asking for the history…");
  const legend = el("p", { class: "note-small" });
  const box = el("div", { class: "heat-box" }, canvas);
  const ranges = newChoice("How far back", [...RANGES.keys()].map((one) => [one, one]), (range) => choose({ range }));
  const orders = newChoice("Which rows", ORDERS, (rows) => choose({ rows }));
  const leaving = new AbortController();
  const ended = AbortSignal.any([signal, leaving.signal]);
  let map = null;
  let shape = null;
  let at = null;
  let asking = null;
  let timer = 0;
  let usual = USUAL;

  const range = () => (RANGES.has(view.range) ? view.range : usual);
  const order = () => (ORDERS.some(([one]) => one === view.rows) ? view.rows : limits.inverted ? "lowest" : "highest");

  function choose(changes) {
    Object.assign(view, changes);
    setQuery(changes);
    at = null;
    load();
  }

  async function load() {
    clearTimeout(timer);
    ranges.show(range());
    orders.show(order());
    asking?.abort();
    asking = new AbortController();
    const mine = asking;
    const [span, columns] = RANGES.get(range());
    // Quarters of an hour are whole, so that a column means the same at the next look.
    const step = span / columns;
    const to = Math.ceil(store.now() / step) * step;
    try {
      const asked = { from: to - span, to, columns, rows: ROWS, order: order() };
      const found = await get(`/sensors/${encodeURIComponent(name.toWellFormed())}/heatmap`, asked, AbortSignal.any([mine.signal, ended]));
      if (mine.signal.aborted || ended.aborted) return;
      map = found;
      draw();
      tell();
      if (shorten()) return;
    } catch (error) {
      if (!mine.signal.aborted && !ended.aborted) setText(readout, `No heat map: ${error.message}`);
    }
    if (!ended.aborted && mine === asking) timer = setTimeout(() => (document.hidden ? (timer = setTimeout(load, REFRESH)) : load()), REFRESH);
  }

  // A daemon that has just started has nothing to show for a day.
  function shorten() {
    if (RANGES.has(view.range) || usual !== USUAL || !map.total) return false;
    const first = map.spread.findIndex(Boolean) / map.columns;
    const hours = 24 * (1 - first);
    if (hours > 5) return false;
    usual = hours <= 1 && store.servers.size <= MOST_FINE ? FINE : "6h";
    load();
    return true;
  }

  function draw() {
    if (!map || !box.clientWidth) return;
    shape = layout(map, box.clientWidth, limits);
    paint(canvas, map, shape, limits, at);
    canvas.setAttribute("aria-label", `Heat map: ${saying()} Arrow keys go through it, Enter opens the server.`);
    setText(legend, legendOf(map, shape, limits));
  }

  const saying = () => (map.rows.length === map.total ? `${count(map.total)} series, ${range()}.` : `the ${count(map.rows.length)} ${order() === "name" ? "first" : order()} of ${count(map.total)} series, ${range()}.`);

  function tell() {
    if (!at) {
      setText(readout, map.total ? saying().replace(/^./, (first) => first.toUpperCase()) : "Nothing was read in this time.");
      return;
    }
    setText(readout, at.row < 0 ? spreadSaid(map, at.column, limits.unit) : cellSaid(map, at, limits.unit));
  }

  function point(next) {
    if (at?.row === next?.row && at?.column === next?.column) return;
    at = next;
    draw();
    tell();
  }

  function open() {
    const row = map?.rows[at?.row];
    if (row) location.hash = serverLink(row.server);
  }

  canvas.addEventListener("pointermove", (event) => map && shape && point(placeAt(event.offsetX, event.offsetY, shape, map)));
  canvas.addEventListener("pointerleave", () => map && point(null));
  canvas.addEventListener("blur", () => map && point(null));
  canvas.addEventListener("click", open);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.key === "Enter") open();
    if (!step || !map?.total || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const from = at ?? { row: -1, column: map.columns };
    point({ row: clamp(from.row + step[0], -1, map.rows.length - 1), column: clamp(from.column + step[1], 0, map.columns - 1) });
  });
  onQuery((now) => {
    view.range = now.get("range");
    view.rows = now.get("rows");
    load();
  });
  onColours(draw, ended);
  const resizing = new ResizeObserver(draw);
  resizing.observe(box);

  const fine = ranges.node.firstElementChild;
  return {
    controls: el("div", { class: "controls" }, ranges.node, orders.node),
    node: el("figure", {}, box, readout, legend),
    show() {
      fine.hidden = store.servers.size > MOST_FINE && range() !== FINE;
      if (!map) load();
    },
    end() {
      leaving.abort();
      asking?.abort();
      clearTimeout(timer);
      resizing.disconnect();
    },
  };
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

// Where things stand on the canvas, in CSS pixels.
function layout(map, width, limits) {
  const names = width < 560 ? 92 : Math.min(240, width * 0.28);
  // What is over a threshold has a colour of its own.
  const values = map.rows.flatMap((row) => row.cells.filter((cell) => cell !== null && !levelOf(cell, limits))).sort((a, b) => a - b);
  return {
    width,
    names,
    height: SPREAD + map.rows.length * ROW + FOOT,
    step: (width - names) / map.columns,
    // The few furthest don't decide what all the others look like.
    low: values[Math.floor(values.length * 0.02)] ?? 0,
    high: values[Math.ceil(values.length * 0.98) - 1] ?? 1,
  };
}

function placeAt(x, y, shape, map) {
  const column = Math.floor((x - shape.names) / shape.step);
  const row = y < SPREAD ? -1 : Math.floor((y - SPREAD) / ROW);
  if (column >= map.columns || row >= map.rows.length) return null;
  return column < 0 ? (row < 0 ? null : { row, column: 0 }) : { row, column };
}

function paint(canvas, map, shape, limits, at) {
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(shape.width * scale);
  canvas.height = Math.round(shape.height * scale);
  canvas.style.height = `${shape.height}px`;
  const ctx = canvas.getContext("2d");
  ctx.scale(scale, scale);
  const colour = tokens();
  ctx.font = "11px system-ui, sans-serif";
  paintSpread(ctx, map, shape, limits, colour);
  paintRows(ctx, map, shape, limits, colour);
  paintTimes(ctx, map, shape, colour);
  if (at) paintPointer(ctx, shape, at, colour);
}

function paintSpread(ctx, map, shape, limits, colour) {
  const parts = map.spread.filter(Boolean);
  if (!parts.length) return;
  const low = Math.min(0, ...parts.map((part) => part[0]));
  const top = Math.max(...parts.map((part) => part[4]));
  const y = (value) => SPREAD - 8 - ((value - low) / (top - low || 1)) * (SPREAD - 18);
  const x = (column) => shape.names + (column + 0.5) * shape.step;
  const area = (first, last, style) => {
    ctx.fillStyle = style;
    map.spread.forEach((part, column) => {
      if (part) ctx.fillRect(shape.names + column * shape.step, y(part[last]), shape.step + 0.5, Math.max(1, y(part[first]) - y(part[last])));
    });
  };
  ctx.globalAlpha = 0.45;
  area(0, 4, colour("line"));
  ctx.globalAlpha = 1;
  area(1, 3, colour("chart-band"));
  ctx.strokeStyle = colour("chart");
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  let drawing = false;
  map.spread.forEach((part, column) => {
    if (part) ctx[drawing ? "lineTo" : "moveTo"](x(column), y(part[2]));
    drawing = Boolean(part);
  });
  ctx.stroke();
  ctx.fillStyle = colour("muted");
  ctx.textBaseline = "middle";
  const name = (text, height) => ctx.fillText(fitted(ctx, text, shape.names - 8), 0, height);
  name(`all, to ${reading(top, limits.unit)}`, y(top) + 4);
  name(`from ${reading(low, limits.unit)}`, y(low) - 2);
}

function paintRows(ctx, map, shape, limits, colour) {
  const usual = ramp(colour("accent-ground"), colour("accent"), STEPS);
  const { low, high } = shape;
  ctx.textBaseline = "middle";
  map.rows.forEach((row, index) => {
    const top = SPREAD + index * ROW;
    ctx.fillStyle = colour("text");
    ctx.fillText(fitted(ctx, nameOf(row), shape.names - 8), 0, top + ROW / 2);
    row.cells.forEach((cell, column) => {
      if (cell === null) return;
      const level = levelOf(cell, limits);
      const share = high > low ? clamp((cell - low) / (high - low), 0, 1) : 0.5;
      ctx.fillStyle = level ? colour(level) : usual[Math.round(share * (STEPS - 1))];
      const left = shape.names + column * shape.step;
      ctx.fillRect(left, top + 1, Math.max(1, shape.step - (shape.step > 4 ? 1 : 0)), ROW - 2);
      if (level !== "alarmed") return;
      // An alarm has a notch, for those who can't tell its colour.
      ctx.fillStyle = colour("surface");
      ctx.fillRect(left + shape.step / 2 - 1, top + ROW / 2 - 1, 2, 2);
    });
  });
}

const levelOf = (value, { warning, alarm, inverted }) => {
  const trips = (limit) => typeof limit === "number" && (inverted ? value <= limit : value >= limit);
  return trips(alarm) ? "alarmed" : trips(warning) ? "warned" : "";
};

function paintTimes(ctx, map, shape, colour) {
  const step = (map.to - map.from) / map.columns;
  const wide = Math.max(2, Math.floor((shape.width - shape.names) / 90));
  // Marks at whole local hours or days.
  const zone = -new Date(map.to * 1000).getTimezoneOffset() * 60;
  const nice = [900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 604800].find((one) => (map.to - map.from) / one <= wide) ?? 864000;
  ctx.fillStyle = colour("muted");
  ctx.textAlign = "center";
  for (let at = Math.ceil((map.from + zone) / nice) * nice - zone; at < map.to; at += nice) {
    const x = shape.names + ((at - map.from) / step) * shape.step;
    const text = axisTime(at, nice);
    const half = ctx.measureText(text).width / 2;
    if (x - half >= shape.names - 4 && x + half <= shape.width) ctx.fillText(text, x, shape.height - FOOT / 2 + 2);
  }
  ctx.textAlign = "left";
}

function paintPointer(ctx, shape, { row, column }, colour) {
  ctx.strokeStyle = colour("text");
  ctx.lineWidth = 1.5;
  const [top, tall] = row < 0 ? [2, SPREAD - 6] : [SPREAD + row * ROW, ROW];
  ctx.strokeRect(shape.names + column * shape.step - 0.5, top + 0.5, shape.step + 1, tall - 1);
}

const nameOf = (row) => plain(row.instance === null ? row.hostname : `${row.hostname} ${row.instance}`);

function fitted(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let length = Math.min(text.length, 60);
  while (length > 1 && ctx.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
  return `${text.slice(0, length)}…`;
}

const spanSaid = (map, column) => {
  const step = (map.to - map.from) / map.columns;
  return `${time(map.from + column * step)} to ${time(map.from + (column + 1) * step)}`;
};

function cellSaid(map, { row, column }, unit) {
  const one = map.rows[row];
  const cell = one.cells[column];
  return `${nameOf(one)}, ${spanSaid(map, column)}: ${cell === null ? "nothing was read" : reading(cell, unit)}`;
}

function spreadSaid(map, column, unit) {
  const part = map.spread[column];
  if (!part) return `All series, ${spanSaid(map, column)}: nothing was read`;
  const [low, tenth, half, most, high] = part.map((value) => reading(value, unit));
  return `All series, ${spanSaid(map, column)}: ${low} to ${high}, most of them ${tenth} to ${most}, half at ${half} or less`;
}

function legendOf(map, { low, high }, limits) {
  if (!map.total) return "";
  const tripping = [limits.warning, limits.alarm].some((limit) => typeof limit === "number");
  const colours = `From faint (${reading(low, limits.unit)}) to strong (${reading(high, limits.unit)})`;
  return `${colours}${tripping ? "; amber is over the warning threshold, red with a notch over the alarm's" : ""}. A gap means that nothing was read. Above: median, the middle eight tenths, and the extremes of all series.`;
}

