// A server's sensors, each as a card with its value, level and history.

import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { ago, instant, reading, seriesName } from "./format.js";
import { newHistory } from "./history.js";
import { icon } from "./icons.js";
import { sensorRank, statusClass, usual, word } from "./levels.js";
import { keyOf } from "./store.js";

/** Cards for the sensors of the server `id`, in `list`. `clock` gives the daemon's time. */
export function newSensors(id, list, clock) {
  const cards = new Map();
  let span = 3600;

  return {
    /** Bring the cards up to date with these sensors, the most urgent first. */
    show(sensors) {
      const wanted = new Set(sensors.map(keyOf));
      for (const [key, card] of cards) {
        if (wanted.has(key)) continue;
        card.end();
        cards.delete(key);
      }
      for (const sensor of [...sensors].sort(order)) {
        const key = keyOf(sensor);
        if (!cards.has(key)) {
          const card = newCard(id, sensor, clock);
          card.setSpan(span);
          cards.set(key, card);
          list.append(card.node);
        }
        cards.get(key).show(sensor);
      }
    },
    tick: () => cards.forEach((card) => card.tick()),
    refresh: () => cards.forEach((card) => card.refresh()),
    redraw: () => cards.forEach((card) => card.redraw()),
    setSpan(seconds) {
      span = seconds;
      cards.forEach((card) => card.setSpan(seconds));
    },
    end: () => cards.forEach((card) => card.end()),
  };
}

// Those with a chart stand before those without, so that the grid has no holes.
function order(a, b) {
  const urgency = sensorRank(a.status) - sensorRank(b.status) || usual(a) - usual(b);
  return urgency || seriesName(a).localeCompare(seriesName(b), undefined, { numeric: true });
}

function newCard(id, first, clock) {
  const status = el("span", { class: "level" });
  const value = data("", { class: "sensor-value" });
  const age = el("span", { class: "sensor-age" });
  const reason = data("", { class: "sensor-reason" });
  const about = el("p", { class: "sensor-about" });
  const title = el("h3", {}, data(first.name), first.instance === null ? [] : data(first.instance, { class: "sensor-instance" }));
  const node = el(
    "li",
    { class: "sensor" },
    el("div", { class: "sensor-head" }, title, status),
    el("div", { class: "sensor-now" }, value, age),
    reason,
    about,
  );
  let now = first;
  let history = null;
  let span = 3600;

  function chart(sensor) {
    if (history || typeof sensor.value !== "number") return;
    history = newHistory(id, () => now, clock);
    history.setSpan(span);
    node.append(history.node);
    setAttribute(node, "data-chart", true);
  }

  function tick() {
    if (!now.at) return setText(age, "no reading yet");
    setText(age, `${ago(clock() - now.at)}`);
    return setAttribute(age, "title", instant(now.at));
  }

  return {
    node,
    tick,
    show(sensor) {
      // Live readings come without thresholds; the full answer brings them a moment later.
      const limited = now.warning !== sensor.warning || now.alarm !== sensor.alarm;
      now = sensor;
      if (limited) history?.redraw();
      node.dataset.status = statusClass(sensor.status);
      if (status.dataset.shown !== sensor.status) {
        status.dataset.shown = statusClass(sensor.status);
        fill(status, icon(statusClass(sensor.status)), word(sensor.status));
      }
      setText(value, reading(sensor.value, sensor.unit));
      setText(reason, sensor.reason ?? "");
      setShown(reason, Boolean(sensor.reason));
      setText(about, [sentence(sensor.description), thresholds(sensor)].filter(Boolean).join(" "));
      setShown(about, about.textContent !== "");
      chart(sensor);
      tick();
    },
    refresh: () => history?.refresh(),
    redraw: () => history?.redraw(),
    setSpan(seconds) {
      span = seconds;
      history?.setSpan(seconds);
    },
    end() {
      history?.end();
      node.remove();
    },
  };
}

const sentence = (text) => (text && !/[.!?]$/.test(text) ? `${text}.` : text);

function thresholds(sensor) {
  const sign = sensor.inverted ? "≤" : "≥";
  const parts = [];
  if (typeof sensor.warning === "number") parts.push(`warning ${sign} ${reading(sensor.warning, sensor.unit)}`);
  if (typeof sensor.alarm === "number") parts.push(`alarm ${sign} ${reading(sensor.alarm, sensor.unit)}`);
  if (!parts.length) return "";
  const text = parts.join(", ");
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}
