// One notice: to whom, whether it arrived, what it says.

import { age, moment } from "./bits.js";
import { data, el } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";

const MOST_INCIDENTS = 20;

/** The states of a notice: [words, picture, status for its colour]. */
export const STATES = new Map([
  ["waiting", ["Waiting", "stale", "unknown"]],
  ["sent", ["Sent", "normal", "normal"]],
  ["given_up", ["Given up", "failed", "failed"]],
]);

/** A list item; `open`: with its text. */
export function noticeItem(one, now, open) {
  const [words, picture, status] = STATES.get(one.state) ?? [String(one.state), "unknown", "unknown"];
  const tried = one.attempts > 1 || (one.attempts && one.state !== "sent") ? `${count(one.attempts)} ${one.attempts === 1 ? "attempt" : "attempts"}` : "";
  const next = one.attempts && one.next_at ? ["next ", moment(one.next_at)] : [];
  return el(
    "li",
    { class: "notice" },
    el("span", { class: "mark", "data-status": status }, icon(picture), words),
    el(
      "div",
      { class: "notice-what" },
      data(one.title, { class: "notice-title" }),
      el("span", { class: "notice-about sub" }, "to ", data(one.target), tried ? ` · ${tried}` : "", next.length ? " · " : "", next, one.incidents.slice(0, MOST_INCIDENTS).map((id) => [" · ", el("a", { href: `#/incidents/${Number(id)}` }, `Incident ${Number(id)}`)]).flat()),
      one.error ? data(one.error, { class: "notice-error" }) : [],
      one.body ? el("details", { open, "data-id": one.id }, el("summary", {}, "Text"), el("pre", { class: "code", tabindex: "0", "aria-label": "Text" }, data(one.body))) : [],
    ),
    age(one.at, now),
  );
}
