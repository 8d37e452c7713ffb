// One series of a server: its value, age and level, what its thresholds are, and its history.

import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { ago, duration, instant, reading } from "./format.js";
import { newHistory } from "./history.js";
import { icon } from "./icons.js";
import { statusClass, word } from "./levels.js";
import { linkTo, sensorLink } from "./route.js";

/** A card for a sensor of the server `id`. See history.js for `frame` and `shared`. */
export function newCard(id, first, frame, shared) {
  const status = el("span", { class: "level" });
  const value = data("", { class: "sensor-value" });
  const age = el("time", { class: "sensor-age" });
  const every = el("span", { class: "sensor-age" });
  const reason = data("", { class: "sensor-reason" });
  const silenced = el("p", { class: "sensor-about sensor-silenced", hidden: true });
  const about = el("p", { class: "sensor-about" });
  const run = el("a", { class: "sensor-run needs-act", href: linkTo("/run", { server: id, sensor: first.name, instance: first.instance }), hidden: true }, "Run its reaction…");
  const name = sensorName(first.name);
  const instance = first.instance === null ? [] : data(first.instance, { class: "sensor-instance" });
  const node = el(
    "li",
    { class: "sensor", tabindex: "-1" },
    el("div", { class: "sensor-head" }, el("h4", {}, name, instance), status),
    el("div", { class: "sensor-now" }, value, age, every),
    reason,
    silenced,
    about,
    run,
  );
  let now = first;
  let history = null;

  function chart(sensor) {
    if (history || typeof sensor.value !== "number") return;
    history = newHistory(id, () => now, frame, shared);
    node.insertBefore(history.node, about);
    setAttribute(node, "data-chart", true);
  }

  function tick() {
    if (now.at) {
      setText(age, ago(shared.now() - now.at));
      setAttribute(age, "title", instant(now.at));
      setAttribute(age, "datetime", new Date(now.at * 1000).toISOString());
    } else setText(age, "no reading yet");
    history?.tick();
  }

  return {
    node,
    tick,
    get sensor() {
      return now;
    },
    show(sensor) {
      if (sensor === now && status.dataset.shown) return;
      // Live readings come without thresholds; the full answer brings them a moment later.
      const limited = now.warning !== sensor.warning || now.alarm !== sensor.alarm;
      const newer = sensor.at !== now.at;
      now = sensor;
      const shown = statusClass(sensor.status);
      if (status.dataset.shown !== shown) {
        status.dataset.shown = node.dataset.status = shown;
        fill(status, icon(shown), word(shown));
      }
      setText(value, reading(sensor.value, sensor.unit));
      setText(reason, sensor.reason ?? "");
      setShown(reason, Boolean(sensor.reason));
      setShown(silenced, Boolean(sensor.silenced));
      if (sensor.silenced) fill(silenced, icon("silenced"), " Silenced");
      setText(every, sensor.every ? `every ${duration(sensor.every)}` : "");
      setText(about, aboutText(sensor));
      setShown(about, about.textContent !== "");
      setShown(run, Boolean(sensor.reactive));
      chart(sensor);
      if (limited) history?.redraw();
      if (newer && sensor.status !== "failed") history?.take(sensor.value, sensor.at);
      tick();
    },
    /** Whether it stands under its name, among other instances. */
    within: (family) => setAttribute(node, "data-member", family),
    redraw: () => history?.redraw(),
    remark: () => history?.remark(),
    reframe: () => history?.reframe(),
    end() {
      history?.end();
      node.remove();
    },
  };
}

/** A sensor's name, leading to its page. */
export const sensorName = (name) => el("a", { class: "sensor-name", href: sensorLink(name), title: "This sensor on all servers" }, data(name));

/** What a sensor measures and when it is bad. */
export function aboutText(sensor) {
  const reaction = sensor.reactive ? "Has a reaction." : "";
  return [sentence(sensor.description), thresholds(sensor), reaction].filter(Boolean).join(" ");
}

const sentence = (text) => (text && !/[.!?]$/.test(text) ? `${text}.` : text);

function thresholds(sensor) {
  const sign = sensor.inverted ? "≤" : "≥";
  const parts = [];
  if (typeof sensor.warning === "number") parts.push(`warning ${sign} ${reading(sensor.warning, sensor.unit)}`);
  if (typeof sensor.alarm === "number") parts.push(`alarm ${sign} ${reading(sensor.alarm, sensor.unit)}`);
  if (typeof sensor.clear === "number") parts.push(`left at ${reading(sensor.clear, sensor.unit)}`);
  if (sensor.for_s) parts.push(`after ${duration(sensor.for_s)}`);
  else if (sensor.for > 1) parts.push(`after ${sensor.for} readings in a row`);
  if (!parts.length) return "";
  const text = parts.join(", ");
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}
