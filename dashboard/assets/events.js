// Events as list items, newest first.

import { data, el, fill } from "./dom.js";
import { eventIcon, eventWord, said } from "./event-words.js";
import { instant, time } from "./format.js";
import { icon } from "./icons.js";
import { serverLink } from "./route.js";

/** One event as a list item; `hostname` is left out where the page is about one server. */
export function eventItem(event, hostname) {
  const about = event.server && hostname
    ? el("a", { href: serverLink(event.server), class: "event-server" }, data(hostname))
    : [];
  return el(
    "li",
    { class: "event", "data-type": event.type },
    icon(eventIcon(event.type)),
    el(
      "div",
      { class: "event-body" },
      el("div", { class: "event-head" }, el("span", { class: "event-type" }, eventWord(event.type)), about),
      data(said(event, hostname), { class: "event-message" }),
      event.by && !event.message.includes(event.by) ? el("span", { class: "event-by" }, "by ", data(event.by)) : [],
    ),
    el("time", { datetime: new Date(event.at * 1000).toISOString(), title: instant(event.at) }, time(event.at)),
  );
}

/** Replace what is in `list` by these events. */
export function fillEvents(list, events) {
  fill(list, events.map((event) => eventItem(event, "")));
}
