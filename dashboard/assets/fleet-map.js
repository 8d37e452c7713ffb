// All servers as cells on a canvas: 10,000 at a glance. What is under the pointer or chosen by
// the arrow keys is said in words beside it.

import { mutedMark } from "./bits.js";
import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { count, reading, seriesName } from "./format.js";
import { icon } from "./icons.js";
import { isMuted, sensorRank, statusClass, word } from "./levels.js";
import { cell, cellAt, layout, neighbour } from "./map-layout.js";
import { drawShape, drawSilenced, shapeOf } from "./silhouettes.js";

const COLOURS = ["normal", "warned", "alarmed", "disconnected", "quarantined", "queued"];
const MOVES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);
const LEAST_HEIGHT = 260;

/** The map; `store` knows the servers, `open(id)` opens one, `chosen(id)` is told of the one at
 * the cursor, `narrow(group)` shows one group alone; `fit()` gives the height
 * there is, and `largest` a cell's most pixels, where the page knows better. The answer's
 * `show(groups, id)` draws. */
export function newFleetMap(store, { open, chosen, narrow, fit, largest }) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const labels = el("div", { class: "map-labels" });
  const option = el("div", { id: "map-option", class: "unseen", role: "option", "aria-selected": "true" });
  const box = el("div", { class: "map-box", role: "listbox", tabindex: "0", "aria-label": "Map of the servers, by arrow keys", "aria-activedescendant": "map-option" }, canvas, option);
  const tip = el("div", { class: "map-tip", hidden: true });
  const node = el("div", { class: "map" }, labels, box, tip);
  let groups = [];
  let map = layout([], 1, 1, 1);
  let at = -1;
  let wished = null;
  let drawing = 0;

  function show(next, id) {
    groups = next;
    wished = id ?? (at >= 0 ? cell(map, at)?.server.id : null) ?? null;
    at = -1;
    redraw();
  }

  function redraw() {
    drawing ||= requestAnimationFrame(draw);
  }

  function draw() {
    drawing = 0;
    const width = node.clientWidth;
    if (!width) return;
    const top = node.getBoundingClientRect().top + scrollY;
    map = layout(groups, width, fit ? fit() : Math.max(LEAST_HEIGHT, innerHeight - top - 64), largest ?? (width > 1500 ? 40 : 30));
    if (wished !== null) at = numberOf(wished);
    wished = null;
    paint(width);
    showLabels();
    showTip();
  }

  function paint(width) {
    const scale = devicePixelRatio || 1;
    const height = Math.max(1, map.height);
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const colours = palette();
    const gap = map.size > 14 ? 3 : map.size > 8 ? 2 : 1;
    for (const { group, x, y, columns } of map.blocks) {
      group.servers.forEach((old, index) => {
        const server = store.servers.get(old.id) ?? old;
        const left = x + (index % columns) * map.size;
        const upper = y + Math.floor(index / columns) * map.size;
        const shape = shapeOf(server);
        if (server.quiet) drawSilenced(context, shape, left, upper, map.size - gap, colours[shape]);
        else drawShape(context, shape, left, upper, map.size - gap, colours[shape]);
      });
    }
    const now = at >= 0 ? cell(map, at) : null;
    if (!now) return;
    context.strokeStyle = colours.cursor;
    context.lineWidth = 2;
    context.strokeRect(now.x - 1, now.y - 1, map.size - gap + 2, map.size - gap + 2);
  }

  function showLabels() {
    const named = map.blocks.filter(({ group }) => group.name);
    fill(labels, named.map(({ group, x, y }) => {
      const label = el("button", { type: "button", class: "map-label", title: `Show ${group.name} alone`, click: () => narrow(group) }, data(group.name), " ", el("span", { class: "map-label-count" }, count(group.servers.length)));
      label.style.left = `${x}px`;
      label.style.top = `${y - 26}px`;
      return label;
    }));
  }

  function showTip() {
    const now = at >= 0 ? cell(map, at) : null;
    setShown(tip, Boolean(now));
    setText(option, now ? sentence(store.servers.get(now.server.id) ?? now.server) : "Arrow keys choose a server, Enter opens it");
    if (!now) return;
    fill(tip, tipRows(store.servers.get(now.server.id) ?? now.server));
    const room = node.clientWidth;
    const wide = tip.offsetWidth;
    const left = Math.max(0, Math.min(room - wide, now.x + map.size + 8));
    const above = now.y - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above >= -40 ? above : now.y + map.size + 8}px`;
  }

  function numberOf(id) {
    for (const { group, first } of map.blocks) {
      const index = group.servers.findIndex((server) => server.id === id);
      if (index >= 0) return first + index;
    }
    return -1;
  }

  function choose(number) {
    if (number === at) return;
    at = number;
    paint(node.clientWidth);
    showTip();
    chosen(number >= 0 ? cell(map, number).server.id : "");
  }

  function place(event) {
    const rect = canvas.getBoundingClientRect();
    return cellAt(map, event.clientX - rect.left, event.clientY - rect.top);
  }

  let pointed = 0;
  let pointer = null;
  box.addEventListener("pointermove", (event) => {
    pointer = event;
    pointed ||= requestAnimationFrame(() => {
      pointed = 0;
      const number = place(pointer);
      if (number >= 0) choose(number);
      setAttribute(canvas, "data-over", number >= 0);
    });
  });
  box.addEventListener("pointerleave", () => {
    if (document.activeElement !== box) choose(-1);
  });
  box.addEventListener("click", (event) => {
    const number = place(event);
    if (number >= 0) open(cell(map, number).server.id);
  });
  box.addEventListener("keydown", (event) => {
    // Between a change of the fleet and its next frame nothing is chosen: a key waits for neither.
    if (drawing) {
      cancelAnimationFrame(drawing);
      draw();
    }
    if (event.key === "Enter" && at >= 0) open(cell(map, at).server.id);
    else if (event.key === "Escape") choose(-1);
    else if (MOVES.has(event.key)) {
      choose(at < 0 && event.key !== "End" ? 0 : neighbour(map, Math.max(0, at), event.key));
      const now = cell(map, at);
      if (now) scrollToCell(now);
    } else return;
    event.preventDefault();
  });

  function scrollToCell({ y }) {
    const upper = box.getBoundingClientRect().top + y;
    if (upper < 140) scrollBy(0, upper - 140);
    else if (upper + map.size > innerHeight - 40) scrollBy(0, upper + map.size - innerHeight + 40);
  }

  const resizing = new ResizeObserver(redraw);
  resizing.observe(node);
  addEventListener("resize", redraw);
  document.addEventListener("themechange", redraw);
  return {
    node,
    show,
    /** Say anew what is under the cursor. */
    refresh(ids) {
      const now = at >= 0 ? cell(map, at) : null;
      if (now && ids.has(now.server.id)) showTip();
    },
    end() {
      resizing.disconnect();
      removeEventListener("resize", redraw);
      document.removeEventListener("themechange", redraw);
      cancelAnimationFrame(drawing);
      cancelAnimationFrame(pointed);
    },
  };
}

function palette() {
  const styles = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries(COLOURS.map((name) => [name, styles.getPropertyValue(`--map-${name}`).trim()]));
  return { ...colours, cursor: styles.getPropertyValue("--text").trim() };
}

const nameOf = (server) => server.hostname || server.addresses[0] || server.id;

// What is wrong, the worst first.
function troubles(server) {
  return [...server.series.values()]
    .filter((sensor) => !["normal", "unknown"].includes(sensor.status))
    .sort((a, b) => sensorRank(a.status) - sensorRank(b.status))
    .slice(0, 3);
}

function sentence(server) {
  const silent = (sensor) => (!server.quiet && isMuted(server, seriesName(sensor)) ? " silenced" : "");
  const wrong = troubles(server).map((sensor) => `${seriesName(sensor)} ${reading(sensor.value, sensor.unit)}${silent(sensor)}`);
  return [nameOf(server), word(server.status), server.quiet ? "silenced" : "", server.queued_up ? "queued up" : "", ...wrong].filter(Boolean).join(", ");
}

function tipRows(server) {
  const level = statusClass(server.status);
  const about = [server.addresses[0], server.facts?.os].filter(Boolean).join(" · ");
  return [
    el("div", { class: "map-tip-name" }, data(nameOf(server))),
    el("div", { class: "level", "data-level": level }, icon(level), word(server.status)),
    server.quiet ? el("div", { class: "muted-mark" }, icon("silenced"), "Silenced") : [],
    server.queued_up ? el("div", { class: "level", "data-level": "warned" }, icon("queued"), "Queued up") : [],
    el("div", { class: "map-tip-about" }, data(about)),
    ...troubles(server).map((sensor) => el("div", {}, data(seriesName(sensor)), " ", el("strong", {}, data(reading(sensor.value, sensor.unit))), !server.quiet && isMuted(server, seriesName(sensor)) ? [" ", el("span", { class: "muted-mark" }, mutedMark())] : [])),
  ].flat();
}
