// The history of one series: its chart is there only while it is in view.

import { get } from "./api.js";
import { newChart } from "./chart.js";
import { el, fill, setAttribute, setText } from "./dom.js";
import { instant, reading, seriesName, time } from "./format.js";

const MOST_POINTS = 480;
const FEWEST_POINTS = 120;
const FRESH_S = 15;
const MOST_LIVE = 600;

/** A chart of the server `id`'s sensor, as `latest` gives it, over the time of `frame`
 * (timeframe.js). `shared` has `now()`, the daemon's time, and `marks(name)` for its events. */
export function newHistory(id, latest, frame, shared) {
  const place = el("div", { class: "chart" });
  const readout = el("p", { class: "chart-readout" });
  const node = el("figure", { class: "history", tabindex: "0", role: "group", focus: listenTo, blur: stopListening, keydown: steer }, place, readout);
  let chart = null;
  let making = false;
  let repaint = false;
  let visible = false;
  let asking = null;
  let told = { points: [], version: -1, at: 0, asked: 0 };
  let arrived = [];
  let drawnAt = 0;
  let grown = false;
  let pointed = false;
  let summary = "";

  const watching = new IntersectionObserver(
    (entries) => {
      const seen = entries.at(-1).isIntersecting;
      if (seen === visible) return;
      visible = seen;
      if (visible) appear();
      else disappear();
    },
    { rootMargin: "160px" },
  );
  watching.observe(node);
  setAttribute(node, "aria-label", `History of ${seriesName(latest())}`);

  const outdated = () => told.version !== frame.version;
  const step = () => frame.span / Math.max(told.asked, FEWEST_POINTS);

  function appear() {
    if (outdated()) load();
    else draw();
  }

  function disappear() {
    asking?.abort();
    asking = null;
    stop();
  }

  async function load() {
    if (!visible || document.hidden) return;
    asking?.abort();
    const leaving = new AbortController();
    asking = leaving;
    const { version } = frame;
    const asked = Math.min(MOST_POINTS, Math.max(FEWEST_POINTS, Math.round(place.clientWidth / 2)));
    const [from, to] = aligned(frame.window(), asked);
    const sensor = latest();
    const [server, name] = [id, sensor.name].map((text) => encodeURIComponent(text.toWellFormed()));
    try {
      const query = { instance: sensor.instance, from, to, points: asked };
      const { points } = await get(`/servers/${server}/sensors/${name}/history`, query, leaving.signal);
      if (leaving.signal.aborted) return;
      told = { points, version, at: shared.now(), asked };
      draw();
    } catch (error) {
      if (!leaving.signal.aborted) fail(error);
    } finally {
      if (asking === leaving) asking = null;
    }
  }

  function fail(error) {
    // Not again until it is asked for, or a while has passed.
    told = { ...told, version: frame.version, at: shared.now() };
    summary = `No chart: ${error.message}`;
    setText(readout, summary);
  }

  async function draw() {
    if (!visible || making) return;
    making = true;
    try {
      chart ??= await newChart(place, latest(), `server ${id}`, { point: point, select: frame.zoom, back: frame.back });
    } catch (error) {
      fail(error);
    } finally {
      making = false;
    }
    if (!visible || repaint) stop();
    else if (chart) show();
    if (!repaint) return;
    repaint = false;
    draw();
  }

  function show() {
    const [from, to] = frame.window();
    const sensor = latest();
    const points = shownPoints();
    const marks = shared.marks(seriesName(sensor)).filter((mark) => mark.at >= from && mark.at <= to);
    drawnAt = to;
    grown = false;
    chart.show({ points, from, to, marks, every: sensor.every ?? 0, asked: told.asked });
    describe(points, from);
  }

  // What came since the answer, as it came.
  function shownPoints() {
    if (!frame.live) return told.points;
    const last = told.points.at(-1)?.[0] ?? 0;
    return [...told.points, ...arrived.filter(([at]) => at > last)];
  }

  function point(at, mark) {
    pointed = Boolean(at ?? mark);
    setText(readout, mark && !at ? mark.text : at ? `${pointText(at)}${mark ? ` · ${mark.text}` : ""}` : summary);
    setAttribute(readout, "title", at ? instant(at[0]) : false);
  }

  function pointText([at, low, mean, high]) {
    const { unit } = latest();
    const range = low === high ? "" : ` (${reading(low, unit)} to ${reading(high, unit)})`;
    return `${time(at)}: ${reading(mean, unit)}${range}`;
  }

  function describe(points, from) {
    const { unit } = latest();
    const seen = points.filter(([at]) => at >= from);
    const low = reading(Math.min(...seen.map((one) => one[1])), unit);
    const high = reading(Math.max(...seen.map((one) => one[3])), unit);
    const mean = reading(seen.reduce((sum, one) => sum + one[2], 0) / seen.length, unit);
    if (!seen.length) summary = "Nothing was read in this time.";
    else summary = low === high ? `Always ${low}` : `Between ${low} and ${high}, mean ${mean}`;
    if (!pointed) setText(readout, summary);
  }

  function stop() {
    chart?.end();
    chart = null;
    pointed = false;
    fill(place);
  }

  // The cursor moves over all charts of the page; the one that has the focus speaks.
  function listenTo() {
    setAttribute(readout, "aria-live", "polite");
  }

  function stopListening() {
    setAttribute(readout, "aria-live", false);
    setText(readout, summary);
  }

  function steer(event) {
    if (event.target !== node || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = KEYS.get(`${event.shiftKey && event.key.startsWith("Arrow") ? "Shift+" : ""}${event.key}`);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action(frame, chart);
  }

  return {
    node,
    /** A reading has just arrived: the next tick draws it. */
    take(value, at) {
      if (typeof value !== "number" || at <= (arrived.at(-1)?.[0] ?? 0)) return;
      arrived = [...arrived.slice(-MOST_LIVE), [at, value, value, value]];
      grown = true;
    },
    /** Let time go on: the picture by a pixel, the data when it has aged. */
    tick() {
      if (!visible || document.hidden || asking) return;
      const now = shared.now();
      if (outdated() || (frame.live && now - told.at >= Math.max(FRESH_S, step()))) load();
      else if (chart && frame.live && (grown || now - drawnAt >= frame.span / chart.width)) show();
    },
    /** Its marks have changed. */
    remark() {
      if (chart && !outdated()) show();
    },
    /** The time that is shown is another. */
    reframe: () => load(),
    /** Draw anew, in the colours and with the thresholds there are now. */
    redraw() {
      repaint = making;
      stop();
      if (visible && !outdated()) draw();
    },
    end() {
      watching.disconnect();
      asking?.abort();
      visible = false;
      stop();
    },
  };
}

// To the same times in all charts, and from one answer to the next: so they can be compared, and
// a line doesn't shiver while time goes on.
function aligned([from, to], parts) {
  const step = (to - from) / parts;
  const end = Math.ceil(to / step) * step;
  return [end - (to - from), end];
}

const KEYS = new Map([
  ["ArrowLeft", (_, chart) => chart?.move(-1)],
  ["ArrowRight", (_, chart) => chart?.move(1)],
  ["PageUp", (_, chart) => chart?.move(-10)],
  ["PageDown", (_, chart) => chart?.move(10)],
  ["Shift+ArrowLeft", (frame) => frame.shift(-0.5)],
  ["Shift+ArrowRight", (frame) => frame.shift(0.5)],
  ["+", (frame) => frame.scale(0.5)],
  ["-", (frame) => frame.scale(2)],
  ["Backspace", (frame) => frame.back()],
]);
