// Small parts that several pages show.

import { data, el, fill } from "./dom.js";
import { ago, instant, time } from "./format.js";
import { icon } from "./icons.js";
import { statusClass, word } from "./levels.js";

/** A status as shape, colour and word. */
export function mark(status, text = word(status)) {
  return el("span", { class: "mark", "data-status": statusClass(status) }, icon(statusClass(status)), text);
}

/** That something is silenced, as a picture with its word for those who don't see it. */
export const mutedMark = () => [icon("silenced"), el("span", { class: "unseen" }, " Silenced")];

/** A time, with the exact instant on hover. */
export function moment(at, text = time(at)) {
  return el("time", { datetime: new Date(at * 1000).toISOString(), title: instant(at) }, text);
}

/** A time as an age that was right at `now`. */
export const age = (at, now) => moment(at, ago(Math.max(0, now - at)));

/** Rows of names and values, without those that say nothing. */
export function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  return el(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value instanceof Node ? value : data(value)))),
  );
}

/** A choice of one as buttons: its node, its buttons by value, and `show(value)`. `choices` are [value, text]. */
export function newChoice(label, choices, chosen) {
  const buttons = new Map();
  const node = el("div", { class: "chips", role: "group", "aria-label": label });
  for (const [value, text] of choices) {
    const button = el("button", { type: "button", class: "chip", "aria-pressed": "false", click: () => chosen(value) }, text);
    buttons.set(value, button);
    node.append(button);
  }
  return {
    node,
    buttons,
    show(value) {
      for (const [one, button] of buttons) button.setAttribute("aria-pressed", String(one === value));
    },
  };
}

/** A section with a heading; `extra` stands beside it. */
export function section(title, extra, ...children) {
  const heading = el("h2", {}, title);
  return el("section", { class: "panel", "aria-label": title }, el("div", { class: "section-head" }, heading, extra ?? []), ...children);
}

/** Rows fetched page by page into `list`: {node, load}. `ask(cursor)` answers a page. */
export function newPages(list, ask, row, words) {
  const note = el("p", { class: "note", role: "status" });
  const more = el("button", { type: "button", class: "button", hidden: true, click: () => load() }, "Show more");
  let cursor = null;
  let loading = false;

  async function load() {
    if (loading) return;
    loading = true;
    try {
      const { items, next } = await ask(cursor);
      list.append(...items.map(row));
      cursor = next;
      more.hidden = next === null;
      fill(note, list.childElementCount ? "" : words.empty);
    } catch (error) {
      if (error.name !== "AbortError") fill(note, `${words.failed}: ${error.message}`);
    } finally {
      loading = false;
      note.hidden = note.textContent === "";
    }
  }

  note.hidden = true;
  return { node: el("div", {}, list, note, more), load };
}
