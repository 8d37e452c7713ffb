// All servers as rows, of which only those in sight exist.

import { mutedMark } from "./bits.js";
import { data, el, fill, setAttribute, setText } from "./dom.js";
import { ago, count, instant, reading, seriesName } from "./format.js";
import { icon } from "./icons.js";
import { isMuted, sensorRank, statusClass, word } from "./levels.js";
import { newPinButton } from "./pins.js";
import { serverLink } from "./route.js";
import { byUrgency } from "./selection.js";
import { shortOs } from "./grouping.js";

const BEYOND = 8;
const COLUMNS = ["Server", "Level", "Address", "OS", "Labels", "Most urgent", "Pin"];

/** The list; `store` knows the servers, `narrow(group)` shows one group alone. The answer's
 * `show(groups)` lays it out. */
export function newFleetList(store, { narrow }) {
  const head = el("div", { class: "list-row list-head", role: "row" }, COLUMNS.map((name) => el("div", { role: "columnheader", class: `list-${name.split(" ")[0].toLowerCase()}` }, name === "Pin" ? el("span", { class: "unseen" }, name) : name)));
  const body = el("div", { class: "list-body", role: "rowgroup" });
  const node = el("div", { class: "list panel", role: "table", "aria-label": "Servers" }, el("div", { role: "rowgroup" }, head), body);
  const rows = new Map();
  let lines = [];
  let height = 40;
  let drawing = 0;

  function show(groups) {
    lines = groups.flatMap((group) => [...(group.name ? [{ group }] : []), ...byUrgency(group.servers).map((server) => ({ id: server.id }))]);
    setAttribute(node, "aria-rowcount", lines.length + 1);
    for (const { node: old } of rows.values()) old.remove();
    rows.clear();
    redraw();
  }

  function redraw() {
    drawing ||= requestAnimationFrame(draw);
  }

  function draw() {
    drawing = 0;
    height = matchMedia("(max-width: 699px)").matches ? 58 : 40;
    body.style.height = `${lines.length * height}px`;
    const { top } = body.getBoundingClientRect();
    const first = Math.max(0, Math.floor(-top / height) - BEYOND);
    const last = Math.min(lines.length, Math.ceil((innerHeight - top) / height) + BEYOND);
    for (const [index, row] of rows) {
      if (index >= first && index < last) continue;
      // Who has the focus in a row keeps it, even out of sight.
      if (row.node.contains(document.activeElement)) continue;
      row.node.remove();
      rows.delete(index);
    }
    for (let index = first; index < last; index += 1) {
      if (!rows.has(index)) add(index);
      rows.get(index).node.style.transform = `translateY(${index * height}px)`;
    }
  }

  function add(index) {
    const { id, group } = lines[index];
    const row = group ? newGroupRow(group, narrow) : newRow(store, id);
    setAttribute(row.node, "aria-rowindex", index + 2);
    rows.set(index, row);
    const after = [...rows.keys()].filter((other) => other > index);
    body.insertBefore(row.node, after.length ? rows.get(Math.min(...after)).node : null);
  }

  addEventListener("scroll", redraw, { passive: true });
  addEventListener("resize", redraw);
  return {
    node,
    show,
    refresh(ids) {
      for (const row of rows.values()) if (ids.has(row.id)) row.show();
    },
    end() {
      removeEventListener("scroll", redraw);
      removeEventListener("resize", redraw);
      cancelAnimationFrame(drawing);
    },
  };
}

function newGroupRow(group, narrow) {
  const parts = [...group.counts].filter(([status]) => status !== "normal").map(([status, amount]) => el("span", { class: "level", "data-level": statusClass(status) }, icon(statusClass(status)), count(amount), el("span", { class: "unseen" }, ` ${word(status)}`)));
  const name = el("button", { type: "button", class: "map-label", title: `Show ${group.name} alone`, click: () => narrow(group) }, data(group.name), " ", el("span", { class: "map-label-count" }, count(group.servers.length)));
  return { node: el("div", { class: "list-row list-group", role: "row" }, el("div", { role: "cell" }, name, parts)), show() {} };
}

function newRow(store, id) {
  const name = data("");
  const link = el("a", { href: serverLink(id), class: "list-link" }, name);
  const mark = el("span", { class: "level" });
  const seen = el("span", { class: "list-seen" });
  const address = data("");
  const os = data("");
  const labels = data("");
  const urgent = el("div", { role: "cell", class: "list-most" });
  const pin = newPinButton(id, store.servers.get(id)?.hostname ?? id);
  const cellOf = (kind, ...children) => el("div", { role: "cell", class: `list-${kind}` }, children);
  const node = el(
    "div",
    { class: "list-row", role: "row" },
    cellOf("server", link),
    cellOf("level", mark, seen),
    cellOf("address", address),
    cellOf("os", os),
    cellOf("labels", labels),
    urgent,
    cellOf("pin", pin.node),
  );
  let urgentShown = "";
  let statusShown = "";

  function show() {
    const server = store.servers.get(id);
    if (!server) return;
    const level = statusClass(server.status);
    setText(name, server.hostname || server.addresses[0] || id);
    const state = `${level}${server.queued_up}${server.quiet}`;
    if (statusShown !== state) {
      statusShown = state;
      node.dataset.status = level;
      mark.dataset.level = level;
      fill(mark, icon(level), word(server.status), server.queued_up ? [icon("queued"), el("span", { class: "unseen" }, "Queued up")] : [], server.quiet ? el("span", { class: "muted-mark", title: "Silenced" }, mutedMark()) : []);
    }
    setText(seen, server.connected ? "" : ago(store.now() - server.last_seen));
    setAttribute(seen, "title", server.connected ? false : `Last seen ${instant(server.last_seen)}`);
    setText(address, server.addresses.length > 1 ? `${server.addresses[0]} +${server.addresses.length - 1}` : (server.addresses[0] ?? ""));
    setAttribute(address, "title", server.addresses.slice(0, 20).join(", "));
    setText(os, shortOs(server.facts?.os));
    setText(labels, Object.entries(server.labels ?? {}).slice(0, 6).map(([key, value]) => `${key}=${value}`).join("  "));
    showUrgent(server);
    pin.show();
  }

  function showUrgent(server) {
    const silent = (sensor) => isMuted(server, seriesName(sensor));
    const [worst] = [...server.series.values()].filter((sensor) => !["normal", "unknown"].includes(sensor.status)).sort((a, b) => silent(a) - silent(b) || sensorRank(a.status) - sensorRank(b.status));
    const muted = Boolean(worst) && !server.quiet && silent(worst);
    const text = worst ? `${seriesName(worst)} ${reading(worst.value, worst.unit)} ${worst.status} ${muted}` : (server.reason ?? "");
    if (text === urgentShown) return;
    urgentShown = text;
    if (!worst) fill(urgent, text ? [data(text)] : []);
    else fill(urgent, el("span", { class: "level", "data-level": statusClass(worst.status) }, icon(statusClass(worst.status)), el("span", { class: "unseen" }, word(worst.status))), muted ? el("span", { class: "muted-mark", title: "Silenced" }, mutedMark()) : [], data(`${seriesName(worst)} ${reading(worst.value, worst.unit)}`));
  }

  show();
  return { id, node, show };
}
