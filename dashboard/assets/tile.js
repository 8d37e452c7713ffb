// One server at a glance.

import { mutedMark } from "./bits.js";
import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { ago, count, instant, reading, seriesName } from "./format.js";
import { icon } from "./icons.js";
import { isMuted, sensorRank, statusClass, usual, word } from "./levels.js";
import { newPinButton } from "./pins.js";
import { serverLink } from "./route.js";

const MOST_CELLS = 6;

/** A tile for `server`: its node, and `show(server, now)` to bring it up to date. */
export function newTile(server) {
  const mark = el("span", { class: "level" });
  const status = el("span", { class: "level" });
  const name = data("", { class: "tile-name" });
  const link = el("a", { class: "tile-link", href: serverLink(server.id) }, name);
  const address = data("", { class: "tile-address" });
  const seen = el("span", { class: "tile-seen" });
  const quiet = el("span", { class: "muted-mark", hidden: true }, icon("silenced"), "Silenced");
  const queued = newQueuedUp();
  const reason = data("", { class: "tile-reason" });
  const failing = el("span");
  const failed = el("p", { class: "tile-failing", hidden: true }, icon("failed"), failing);
  const cells = el("dl", { class: "cells" });
  const pin = newPinButton(server.id, server.hostname || server.addresses[0] || server.id);
  const node = el(
    "li",
    { class: "tile" },
    el("div", { class: "tile-head" }, mark, el("h2", { class: "tile-title" }, link), pin.node),
    el("div", { class: "tile-sub" }, address, el("span", { class: "tile-state" }, status, seen, " ", quiet)),
    queued.node,
    reason,
    failed,
    cells,
  );
  const shown = [];
  let statusShown = "";

  function show(now, clock) {
    if (statusShown !== now.status) {
      statusShown = now.status;
      node.dataset.status = statusClass(now.status);
      fill(mark, icon(statusClass(now.status)));
      setText(status, word(now.status));
    }
    setText(name, now.hostname || now.addresses[0] || now.id);
    setAttribute(link, "title", now.hostname);
    const more = now.addresses.length - 1;
    setText(address, `${now.addresses[0] ?? "no address"}${more > 0 ? ` +${more}` : ""}`);
    setAttribute(address, "title", now.addresses.slice(0, 20).join(", "));
    setShown(seen, !now.connected);
    if (!now.connected) {
      setText(seen, `, seen ${ago(clock - now.last_seen)}`);
      setAttribute(seen, "title", `Last seen ${instant(now.last_seen)}`);
    }
    setShown(quiet, Boolean(now.quiet));
    setAttribute(node, "data-quiet", Boolean(now.quiet));
    queued.show(now);
    pin.show();
    setText(reason, now.reason ?? "");
    setShown(reason, Boolean(now.reason));
    setText(failing, now.failing === 1 ? "1 sensor fails" : `${count(now.failing)} sensors fail`);
    setShown(failed, now.failing > 0);
    showCells(cells, shown, choose(now.series), now);
  }

  return { node, show };
}

function newQueuedUp() {
  const why = el("p");
  const node = el(
    "details",
    { class: "queued", hidden: true },
    el("summary", {}, icon("queued"), "Queued up"),
    why,
  );
  return {
    node,
    show(server) {
      setShown(node, Boolean(server.queued_up));
      const text = explanation(server);
      setText(why, text);
      setAttribute(node, "title", text);
    },
  };
}

/** Why a server's sensors can't be read as often as they are due, and what would cure it. */
export function explanation(server) {
  const told = server.channels?.queued_up || (typeof server.queued_up === "string" && server.queued_up);
  return told || "Its channels can't run the sensors as often as they are due.";
}

// What is wrong comes first, then what people usually look at; of several normal instances of
// a sensor only the highest.
function choose(series) {
  const normal = new Map();
  const chosen = [];
  for (const sensor of series.values()) {
    if (sensor.status !== "normal") {
      chosen.push(sensor);
      continue;
    }
    const best = normal.get(sensor.name);
    if (!best || sensor.value > best.value) normal.set(sensor.name, sensor);
  }
  return [...chosen, ...normal.values()]
    .map((sensor) => [sensorRank(sensor.status), usual(sensor), sensor.name, sensor])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0))
    .slice(0, MOST_CELLS)
    .map(([, , , sensor]) => sensor);
}

function showCells(list, shown, sensors, server) {
  while (shown.length > sensors.length) shown.pop().node.remove();
  while (shown.length < sensors.length) {
    const cell = newCell();
    shown.push(cell);
    list.append(cell.node);
  }
  sensors.forEach((sensor, index) => shown[index].show(sensor, !server.quiet && isMuted(server, seriesName(sensor))));
}

function newCell() {
  const label = data("");
  const value = data("", { class: "cell-value" });
  const mark = el("span", { class: "cell-mark" });
  const bar = el("span", { class: "cell-bar" });
  const gauge = el("span", { class: "cell-gauge", "aria-hidden": "true" }, bar);
  const node = el("div", { class: "cell" }, el("dt", {}, label), el("dd", {}, mark, value), gauge);
  let statusShown = "";
  let widthShown = -1;
  return {
    node,
    show(sensor, muted) {
      setText(label, sensor.instance === null ? sensor.name : `${sensor.name} ${sensor.instance}`);
      setText(value, reading(sensor.value, sensor.unit));
      if (statusShown !== `${sensor.status}${muted}`) {
        statusShown = `${sensor.status}${muted}`;
        node.dataset.status = statusClass(sensor.status);
        const quiet = sensor.status === "normal";
        const level = quiet ? [] : [icon(statusClass(sensor.status)), el("span", { class: "unseen" }, word(sensor.status))];
        fill(mark, [...level, ...(muted ? mutedMark() : [])]);
      }
      setAttribute(node, "title", titleOf(sensor, muted));
      const share = sensor.unit === "%" && typeof sensor.value === "number";
      setShown(gauge, share);
      const width = share ? Math.round(Math.min(100, Math.max(0, sensor.value))) : 0;
      if (width !== widthShown) {
        widthShown = width;
        bar.style.width = `${width}%`;
      }
    },
  };
}

function titleOf(sensor, muted) {
  const silenced = muted ? " (silenced)" : "";
  if (sensor.status === "normal") return `${seriesName(sensor)}${silenced}`;
  return `${seriesName(sensor)}${silenced}: ${word(sensor.status)}${sensor.reason ? `: ${sensor.reason}` : ""}`;
}
