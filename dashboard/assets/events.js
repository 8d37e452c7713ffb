// What happened, newest first.

import { get } from "./api.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { instant, time } from "./format.js";
import { icon } from "./icons.js";
import { serverLink } from "./route.js";

const MOST_SHOWN = 150;
const WORDS = {
  found: "Found",
  connected: "Connected",
  disconnected: "Disconnected",
  removed: "Removed",
  sensor: "Sensor",
  warned: "Warned",
  alarmed: "Alarmed",
  fired: "Fired",
  recovered: "Recovered",
  queued_up: "Queued up",
  queue_cleared: "Queue cleared",
  host_key_changed: "Host key changed",
  feed: "Feed",
  message: "Message",
};
const ICONS = { recovered: "normal", queued_up: "queued", queue_cleared: "queued", host_key_changed: "quarantined", removed: "disconnected", feed: "message" };

/** Keep the events of `store` in `list`, and the last one's message in `last`. */
export function mountEvents(store, { list, last, note }) {
  const nodes = new Map();

  function show(added) {
    for (const event of added) nodes.set(event.id, eventItem(event, hostname(event)));
    const visible = store.events.slice(0, MOST_SHOWN);
    const wanted = new Set(visible.map((event) => event.id));
    for (const [id, node] of nodes) {
      if (!wanted.has(id)) {
        node.remove();
        nodes.delete(id);
      }
    }
    let at = list.firstElementChild;
    for (const event of visible) {
      const node = nodes.get(event.id);
      if (node === at) at = at.nextElementSibling;
      else list.insertBefore(node, at);
    }
    const newest = visible[0];
    const about = newest ? hostname(newest) : "";
    setText(last, newest ? `${about} ${about ? withoutName(newest.message, about) : newest.message}`.trim() : "");
    setShown(note, visible.length === 0);
  }

  const hostname = (event) => store.servers.get(event.server)?.hostname ?? "";

  async function load() {
    try {
      const { items } = await get("/events", { limit: MOST_SHOWN });
      store.addEvents(items);
    } catch (error) {
      setText(note, `The events can't be read: ${error.message}`);
    }
  }

  store.on("events", show);
  store.on("servers", (ids) => {
    if (ids === null) load();
  });
}

/** One event as a list item; `hostname` is left out where the page is about one server. */
export function eventItem(event, hostname) {
  const kind = Object.hasOwn(WORDS, event.type) ? event.type : "message";
  const about = event.server && hostname
    ? el("a", { href: serverLink(event.server), class: "event-server" }, data(hostname))
    : [];
  return el(
    "li",
    { class: "event", "data-type": kind },
    icon(ICONS[kind] ?? kind),
    el(
      "div",
      { class: "event-body" },
      el("div", { class: "event-head" }, el("span", { class: "event-type" }, WORDS[kind]), about),
      data(hostname ? withoutName(event.message, hostname) : event.message, { class: "event-message" }),
    ),
    el("time", { datetime: new Date(event.at * 1000).toISOString(), title: instant(event.at) }, time(event.at)),
  );
}

// The name stands above the message already.
function withoutName(message, hostname) {
  const rest = message.startsWith(hostname) ? message.slice(hostname.length) : "";
  return /^:? \S/.test(rest) ? rest.replace(/^:? /, "") : message;
}

/** Replace what is in `list` by these events. */
export function fillEvents(list, events) {
  fill(list, events.map((event) => eventItem(event, "")));
}
