// One incident: reading, level, reaction, outcome, recovery, in order, over its readings.

import { get } from "./api.js";
import { mark, moment, section } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { eventIcon, eventWord, said } from "./event-words.js";
import { duration, instant, reading, seriesName } from "./format.js";
import { icon } from "./icons.js";
import { newIncidentChart } from "./incident-chart.js";
import { newIncidentDesk } from "./incident-desk.js";
import { flags, hasReadings, nameOf, titleOf } from "./incident-words.js";
import { linkTo, sensorLink, serverLink } from "./route.js";
import { paced } from "./slices.js";

const GAP = 2000;
const REFRESH = 15000;
const KINDS = new Map([
  ["reading", ["Reading", "sensor"]],
  ["level", ["Level", "warned"]],
  ["note", ["Note", "note"]],
  ["acknowledged", ["Acknowledged", "acknowledged"]],
  ["unacknowledged", ["Given back", "undo"]],
  ["reaction", ["Reaction", "fired"]],
  ["outcome", ["Outcome", "normal"]],
  ["recovery", ["Recovery", "normal"]],
]);

/** The page's module interface: see router.js. */
export function mount(root, { store, params, signal, every, title }) {
  const heading = el("h1", {}, "Incident");
  const state = el("p", { class: "page-counts" });
  const about = el("p", { class: "page-about" });
  const problem = el("p", { class: "callout", role: "alert", hidden: true });
  const steps = el("ol", { class: "steps", "aria-label": "Timeline" });
  const chart = newIncidentChart(signal);
  const readings = section("Readings", null, chart.node);
  const desk = newIncidentDesk(store, () => load());
  let id = null;
  let shown = "";

  root.classList.add("sheet");
  root.append(
    el("article", {}, el("a", { class: "back", href: "#/incidents" }, icon("back"), "All incidents"), el("header", { class: "page-title" }, heading, state, about), problem, desk.node, readings, section("Timeline", null, steps)),
  );
  setShown(readings, false);
  setShown(desk.node, false);

  const load = paced(async () => {
    try {
      const found = await get(`/incidents/${encodeURIComponent(params.id)}`, {}, signal);
      setShown(problem, false);
      show(found);
    } catch (error) {
      if (signal.aborted) return;
      setText(problem, `This incident can't be shown: ${error.message}`);
      setShown(problem, true);
    }
  }, GAP, signal);

  function show(found) {
    id = found.id;
    title(titleOf(found));
    const [first, rest] = nameOf(found);
    fill(heading, data(first), [rest].flat().map((part) => (part instanceof Node ? data(part.textContent) : part)));
    const open = found.state === "open";
    const length = duration(Math.max(1, Math.round((found.ended ?? store.now()) - found.started)));
    fill(
      state,
      open ? mark(found.level) : mark("normal", "Recovered"),
      el("span", {}, open ? "since " : "from ", moment(found.started), found.ended ? [" to ", moment(found.ended)] : [], `, ${open ? "for" : "lasted"} ${length}`),
      open && hasReadings(found) && found.now !== null ? el("span", {}, "now ", data(reading(found.now, found.unit))) : "",
      flags(found),
    );
    fill(about, links(found).flatMap((link, index) => (index ? [" · ", link] : [link])));
    desk.show(found);
    setShown(desk.node, true);
    setShown(readings, hasReadings(found));
    if (hasReadings(found)) chart.show(found);
    const now = JSON.stringify(found.steps);
    if (now === shown) return;
    shown = now;
    // Outputs that were opened stay open.
    const opened = new Set([...steps.querySelectorAll("details[open]")].map((box) => box.dataset.key));
    fill(steps, found.steps.map((step) => stepItem(step, found, opened)));
  }

  store.on("events", (events) => {
    if (events.some((event) => event.incident === id || event.type === "silenced" || (event.server && event.sensor))) load();
  });
  every(REFRESH, load);
  load();
}

// Where else there is something about it.
function links({ server, sensor, instance }) {
  const series = sensor === null ? null : seriesName({ name: sensor, instance });
  return [
    server ? el("a", { href: serverLink(server) }, "Server") : [],
    sensor === null ? [] : el("a", { href: sensorLink(sensor) }, "Sensor"),
    el("a", { href: linkTo("/events", { server, sensor: series }) }, "Events"),
  ].flat();
}

function stepItem(step, incident, opened) {
  const [word, picture] = kindOf(step, incident);
  const status = step.kind === "level" ? (step.level ?? "said") : step.kind;
  const shape = step.kind === "level" && step.level ? step.level : step.kind === "outcome" && step.status !== 0 ? "failed" : picture;
  return el(
    "li",
    { class: "step", "data-kind": status },
    el("span", { class: "step-mark" }, icon(shape)),
    el("div", { class: "step-body" }, el("div", { class: "step-head" }, el("span", { class: "step-kind" }, word), moment(step.at), step.by ? el("span", { class: "step-by" }, "by ", data(step.by)) : "", el("span", { class: "sub", title: instant(step.at) }, after(step.at - incident.started))), ...stepText(step, incident, opened)),
  );
}

// What was said, without who said it of what: that stands beside and above it.
function spoken({ text, by }, hostname) {
  for (const before of by ? [` ${by} notes: `, ` is acknowledged by ${by}: `] : []) {
    if (text.includes(before)) return [text.slice(text.indexOf(before) + before.length)];
  }
  return by && (text.endsWith(` is acknowledged by ${by}`) || text.endsWith(` acknowledged, says ${by}`)) ? [] : [said({ message: text }, hostname)];
}

// What has no level and is nobody's note is called as the event that said so.
function kindOf(step, { events }) {
  const known = KINDS.get(step.kind) ?? ["Note", "message"];
  if (step.kind !== "note" && (step.kind !== "level" || step.level)) return known;
  const event = events.find((one) => one.at === step.at && one.message === step.text);
  return event ? [eventWord(event.type), eventIcon(event.type)] : known;
}

const after = (seconds) => (seconds < 0.5 ? "" : `after ${duration(seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds))}`);

function stepText(step, { unit, hostname }, opened) {
  if (step.kind === "reading") return [el("p", { class: "step-value" }, data(reading(step.value, unit)))];
  if (step.kind === "reaction") return [el("p", {}, data(step.text)), el("pre", { class: "code", tabindex: "0" }, data(step.command))];
  if (step.kind !== "outcome") return spoken(step, hostname).map((text) => el("p", { class: "step-text" }, data(text)));
  const words = step.status === null ? step.text : `${step.text}, exit status ${step.status}`;
  const key = `${step.action}`;
  const output = step.output
    ? el("details", { "data-key": key, open: opened.has(key) }, el("summary", {}, "Output"), el("pre", { class: "code", tabindex: "0" }, data(step.output)))
    : el("p", { class: "sub" }, "It printed nothing.");
  return [el("p", {}, data(words)), output];
}
