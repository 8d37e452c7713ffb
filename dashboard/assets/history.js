// The history of one series: fetched when its card comes into view, and kept fresh there.

import { get } from "./api.js";
import { newChart } from "./chart.js";
import { el, fill, setText } from "./dom.js";
import { reading, time } from "./format.js";

/** The choices of how far back, in seconds. */
export const RANGES = new Map([["15m", 900], ["1h", 3600], ["6h", 21600], ["24h", 86400], ["7d", 604800]]);
const POINTS = 240;

/** A chart of the server `id`'s sensor, as `latest` gives it. `clock` gives the daemon's time. */
export function newHistory(id, latest, clock) {
  const sensor = latest();
  const place = el("div", { class: "chart" });
  const readout = el("p", { class: "chart-readout" });
  const node = el("figure", { class: "history" }, place, readout);
  let chart = null;
  let span = RANGES.get("1h");
  let visible = false;
  let ended = null;
  let summary = "";

  const watching = new IntersectionObserver(
    (entries) => {
      visible = entries.at(-1).isIntersecting;
      if (visible) refresh();
    },
    { rootMargin: "120px" },
  );
  watching.observe(node);

  async function refresh() {
    if (!visible || ended || document.hidden) return;
    const asked = span;
    const to = clock();
    const leaving = new AbortController();
    ended = leaving;
    try {
      const query = { instance: sensor.instance, from: to - asked, to, points: POINTS };
      const [server, name] = [id, sensor.name].map((text) => encodeURIComponent(text.toWellFormed()));
      const path = `/servers/${server}/sensors/${name}/history`;
      const { points } = await get(path, query, leaving.signal);
      if (leaving.signal.aborted) return;
      chart ??= await newChart(place, latest(), (point) => setText(readout, point ? told(point) : summary));
      if (leaving.signal.aborted) {
        stop();
        return;
      }
      chart.show(points, to - asked, to);
      describe(points);
    } catch (error) {
      if (!leaving.signal.aborted) setText(readout, `No chart: ${error.message}`);
    } finally {
      if (ended === leaving) ended = null;
    }
    if (span !== asked) refresh();
  }

  const told = ([at, low, mean, high]) => {
    const range = low === high ? "" : ` (${reading(low, sensor.unit)} to ${reading(high, sensor.unit)})`;
    return `${time(at)}: ${reading(mean, sensor.unit)}${range}`;
  };

  function describe(points) {
    const lows = points.map((point) => point[1]);
    const highs = points.map((point) => point[3]);
    const low = reading(Math.min(...lows), sensor.unit);
    const high = reading(Math.max(...highs), sensor.unit);
    if (!points.length) summary = "Nothing was read in this time.";
    else summary = low === high ? `Always ${low}` : `Between ${low} and ${high}`;
    setText(readout, summary);
  }

  function stop() {
    chart?.end();
    chart = null;
  }

  return {
    node,
    refresh,
    setSpan(seconds) {
      span = seconds;
      refresh();
    },
    /** Draw anew, in the colours there are now. */
    redraw() {
      stop();
      fill(place);
      refresh();
    },
    end() {
      watching.disconnect();
      ended?.abort();
      ended = new AbortController();
      stop();
    },
  };
}
