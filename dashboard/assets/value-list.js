// All values of one sensor, sorted, each server with a button that pins it.

import { mark, newChoice } from "./bits.js";
import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { ago, count, instant, reading } from "./format.js";
import { newPinButton } from "./pins.js";
import { serverLink } from "./route.js";

const PAGE = 50;
const MOST = 1000;
const ORDERS = [["highest", "Highest first"], ["lowest", "Lowest first"]];

/** The list: {controls, node, show(series, sorted)}. `limits` is the sensor's definition, filled in
 * later; order and filter stand in the address. */
export function newValueList({ store, query, setQuery, onQuery }, limits) {
  const filter = el("input", { class: "search", type: "search", placeholder: "Filter servers", "aria-label": "Filter servers", maxlength: 100, autocomplete: "off", spellcheck: "false" });
  const choice = newChoice("Order", ORDERS, (value) => {
    setQuery({ order: value });
    view.order = value;
    arrange(true);
  });
  const list = el("ol", { class: "values", "aria-label": "Values" });
  const note = el("p", { class: "note", role: "status" });
  const more = el("button", { type: "button", class: "button", hidden: true, click: showMore }, "Show more");
  const rows = new Map();
  const view = { order: query.get("order"), text: query.get("q") ?? "" };
  let series = [];
  let sorted = [];
  let limit = PAGE;
  let hovered = false;

  filter.value = view.text;
  filter.addEventListener("input", () => {
    view.text = filter.value;
    limit = PAGE;
    setQuery({ q: view.text });
    arrange(true);
  });
  onQuery((now) => {
    view.order = now.get("order");
    view.text = filter.value = now.get("q") ?? "";
    arrange(true);
  });
  // Rows don't move under the pointer, nor while someone goes through them with the keyboard.
  list.addEventListener("pointerenter", () => (hovered = true));
  list.addEventListener("pointerleave", () => (hovered = false));

  const order = () => (ORDERS.some(([one]) => one === view.order) ? view.order : limits.inverted ? "lowest" : "highest");

  function showMore() {
    limit = Math.min(MOST, limit + 2 * PAGE);
    arrange(true);
  }

  function arrange(asked) {
    choice.show(order());
    const text = view.text.toLowerCase();
    const wanted = text ? series.filter((one) => `${one.hostname}\n${one.instance ?? ""}`.toLowerCase().includes(text)) : series;
    const held = !asked && (hovered || list.contains(document.activeElement));
    const shown = held ? kept(wanted) : best(text ? wanted : candidates(wanted, sorted, order(), limit), order(), limit);
    const visible = new Set(shown.map((one) => one.key));
    for (const [key, row] of rows) {
      if (visible.has(key)) continue;
      row.node.remove();
      rows.delete(key);
    }
    let at = list.firstElementChild;
    for (const one of shown) {
      if (!rows.has(one.key)) rows.set(one.key, newRow(one, limits));
      const { node, show } = rows.get(one.key);
      show(one, sorted, store.now());
      if (node === at) at = at.nextElementSibling;
      else list.insertBefore(node, at);
    }
    const left = wanted.length - shown.length;
    setShown(more, left > 0 && limit < MOST && !held);
    setText(note, saying(series.length, wanted.length, left));
    setShown(note, note.textContent !== "");
  }

  function kept(wanted) {
    const now = new Map(wanted.map((one) => [one.key, one]));
    return [...list.children].map((node) => now.get(node.dataset.key)).filter(Boolean);
  }

  return {
    controls: el("div", { class: "controls" }, choice.node, filter),
    node: el("div", {}, list, note, more),
    show(all, values) {
      series = all;
      sorted = values;
      arrange(false);
    },
  };
}

function saying(all, wanted, left) {
  if (!all) return "Nothing has been read yet.";
  if (!wanted) return "No server matches.";
  return left > 0 ? `and ${count(left)} more` : "";
}

// Those among which the first `most` are: ten thousand needn't be sorted for fifty.
function candidates(series, sorted, order, most) {
  if (sorted.length <= most) return series;
  const last = order === "lowest" ? sorted[most - 1] : sorted[sorted.length - most];
  return series.filter(({ value }) => typeof value === "number" && (order === "lowest" ? value <= last : value >= last));
}

// The first `most` in order; numbers before what has none.
function best(series, order, most) {
  const way = order === "lowest" ? 1 : -1;
  const worth = ({ value }) => (typeof value === "number" ? value : way * Infinity);
  return [...series].sort((a, b) => way * (worth(a) - worth(b)) || (a.key < b.key ? -1 : 1)).slice(0, most);
}

function newRow(first, limits) {
  const bar = el("span", { class: "value-bar" });
  const value = data("", { class: "value-now" });
  const level = el("span", { class: "value-level" });
  const age = el("span", { class: "value-age" });
  const node = el(
    "li",
    { class: "value" },
    el("span", { class: "value-name" }, el("a", { href: serverLink(first.id) }, data(first.hostname)), first.instance === null ? [] : data(first.instance, { class: "value-instance" })),
    el("span", { class: "value-track", "aria-hidden": "true" }, bar),
    value,
    level,
    age,
    newPinButton(first.id, first.hostname).node,
  );
  node.dataset.key = first.key;
  return {
    node,
    show(one, sorted, now) {
      const [low, high] = [Math.min(0, sorted[0] ?? 0), sorted[sorted.length - 1] ?? 0];
      const share = typeof one.value === "number" && high > low ? (one.value - low) / (high - low) : 0;
      bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
      setText(value, reading(one.value, limits.unit || one.unit));
      setText(age, one.at ? ago(now - one.at) : "no reading yet");
      setAttribute(age, "title", one.at ? instant(one.at) : false);
      if (node.dataset.status === one.status) return;
      node.dataset.status = one.status;
      fill(level, mark(one.status));
      setAttribute(level, "title", one.reason ?? false);
    },
  };
}
