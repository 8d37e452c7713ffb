// One sensor across the fleet: its values sorted, how they are spread, who sticks out, how it was
// over time, who has it, and what it is.

import { get } from "./api.js";
import { facts, mark, section } from "./bits.js";
import { newCoverage } from "./coverage.js";
import { newDistribution } from "./distribution.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count, duration, reading } from "./format.js";
import { newGroups } from "./groups.js";
import { newHeatMap } from "./heatmap.js";
import { icon } from "./icons.js";
import { newOutliers } from "./outliers.js";
import { newOverridden } from "./overridden.js";
import { breathe, inSlices, paced } from "./slices.js";
import { newValueList } from "./value-list.js";

const EVERY = 1000;
const REFRESH = 60000;
const STATUSES = ["alarmed", "fired", "warned", "failed", "stale", "unknown", "normal"];

/** The page's module interface: see router.js. */
export function mount(root, context) {
  const { store, params, signal, every, title } = context;
  const name = params.name;
  const view = build(name);
  const limits = { unit: "", warning: null, alarm: null, inverted: false };
  const parts = { list: newValueList(context, limits), distribution: newDistribution(limits), outliers: newOutliers(limits) };
  const groups = newGroups();
  let heat = null;
  let kind = "";

  title(name);
  root.classList.add("sheet", "sensor-page");
  root.append(view.node);

  // Numbers and texts are looked at in different ways; what it is shows with the first values.
  function lay(wanted) {
    if (kind === wanted) return;
    kind = wanted;
    heat?.end();
    heat = null;
    if (kind === "text") {
      fill(view.main, section("Values", null, groups.node));
      return;
    }
    heat = newHeatMap(name, limits, context);
    fill(view.main, section("Distribution", null, parts.distribution.node), section("Over time", heat.controls, heat.node), section("Values", parts.list.controls, parts.list.node));
    view.aside.prepend(view.outliers);
    fill(view.outliers, section("Outliers", null, parts.outliers.node));
  }

  async function load() {
    try {
      const sensor = await get(`/sensors/${encodeURIComponent(name.toWellFormed())}`, {}, signal);
      Object.assign(limits, { unit: sensor.unit, warning: sensor.warning, alarm: sensor.alarm, inverted: sensor.inverted });
      setText(view.description, sensor.description);
      fill(view.definition, definition(sensor));
      view.coverage.show(sensor.coverage);
      setShown(view.problem, false);
      if (!kind) lay(sensor.parse === "text" ? "text" : "number");
      heat?.show();
      recount();
      await showOverrides();
    } catch (error) {
      fail("This sensor can't be shown", error);
    }
  }

  async function showOverrides() {
    try {
      const { items } = await get("/overrides", {}, signal);
      setShown(view.changed, view.overridden.show(items));
    } catch (error) {
      fail("Its overrides can't be shown", error);
    }
  }

  function fail(what, error) {
    if (signal.aborted) return;
    setText(view.problem, `${what}: ${error.message}`);
    setShown(view.problem, true);
  }

  const recount = paced(async () => {
    const series = [];
    const whole = await inSlices(store.servers.values(), (server) => {
      for (const sensor of server.series.values()) {
        if (sensor.name === name) series.push(seriesOf(server, sensor));
      }
    }, signal);
    if (!whole) return;
    const numbers = series.filter((one) => typeof one.value === "number");
    const texts = series.filter((one) => typeof one.value === "string");
    if (series.length) lay(texts.length > numbers.length ? "text" : kind || "number");
    showCounts(view.counts, series);
    if (kind === "text") {
      groups.show(texts);
      return;
    }
    await breathe();
    const sorted = Float64Array.from(numbers, (one) => one.value).sort();
    for (const show of [() => parts.distribution.show(sorted), () => parts.outliers.show(sorted, numbers), () => parts.list.show(series, sorted)]) {
      await breathe();
      if (signal.aborted) return;
      show();
    }
  }, EVERY, signal);

  store.on("servers", recount);
  every(REFRESH, load);
  recount();
  load();
  return () => heat?.end();
}

const seriesOf = (server, { instance, value, unit, status, at, reason }) => ({
  key: `${server.id}\n${instance ?? ""}`, id: server.id, hostname: server.hostname || server.id, connected: server.connected, instance, value, unit, status, at, reason,
});

function showCounts(place, series) {
  const counts = new Map();
  for (const { status } of series) counts.set(status, (counts.get(status) ?? 0) + 1);
  const marks = STATUSES.filter((status) => counts.get(status)).map((status) => mark(status, `${count(counts.get(status))} ${status === "unknown" ? "without a reading" : status}`));
  const said = marks.map((one) => one.textContent).join();
  if (place.dataset.said === said) return;
  place.dataset.said = said;
  fill(place, marks.length ? marks : "No server that is known has it.");
}

function build(name) {
  const parts = {
    description: data("", { class: "page-about" }),
    counts: el("p", { class: "page-counts" }),
    problem: el("p", { class: "callout", role: "alert", hidden: true }),
    main: el("div", { class: "page-main" }),
    aside: el("div", { class: "page-side" }),
    outliers: el("div"),
    definition: el("div"),
    coverage: newCoverage(name),
    overridden: newOverridden(name),
  };
  parts.changed = section("Overrides", null, parts.overridden.node);
  parts.changed.hidden = true;
  parts.aside.append(section("Coverage", null, parts.coverage.node), parts.changed, section("Definition", null, parts.definition));
  parts.node = el(
    "article",
    {},
    el("a", { class: "back", href: "#/sensors" }, icon("back"), "All sensors"),
    el("header", { class: "page-title" }, el("h1", {}, data(name)), parts.description, parts.counts),
    parts.problem,
    el("div", { class: "page-columns" }, parts.main, parts.aside),
  );
  return parts;
}

function definition(sensor) {
  const sign = sensor.inverted ? "≤" : "≥";
  const limit = (value) => (typeof value === "number" ? `${sign} ${reading(value, sensor.unit)}` : "");
  const code = (text) => (text ? el("pre", { class: "code", tabindex: "0" }, data(text)) : "");
  return facts([
    ["Command", code(sensor.cmd)],
    ["Verifier", code(sensor.verifier) || "none: it applies everywhere"],
    ["Warning", limit(sensor.warning)],
    ["Alarm", [limit(sensor.alarm), sensor.zero ? "0" : ""].filter(Boolean).join(", or ")],
    ["Left again at", typeof sensor.clear === "number" ? reading(sensor.clear, sensor.unit) : ""],
    ["Entered after", sensor.for_s ? duration(sensor.for_s) : sensor.for > 1 ? `${sensor.for} readings in a row` : ""],
    ["Read every", duration(sensor.every)],
    ["Given up after", sensor.timeout ? duration(sensor.timeout) : ""],
    ["Reaction", code(sensor.reactive)],
    ["Fallback", code(sensor.fallback)],
    ["Cooldown", sensor.reactive ? duration(sensor.cooldown) : ""],
    ["Kind", sensor.rate ? "increase per second of a counter" : sensor.parse],
    ["Defined in", sensor.source],
    ["Elsewhere", sensor.coverage.changed ? `changed by an override on ${count(sensor.coverage.changed)} servers` : ""],
  ]);
}

