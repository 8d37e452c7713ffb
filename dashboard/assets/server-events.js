// A server's events: the list, more of it when asked for, and the marks they make in its charts.

import { get } from "./api.js";
import { el, setShown } from "./dom.js";
import { fillEvents } from "./events.js";
import { time } from "./format.js";
import { newOlder } from "./older.js";

const PAGE = 50;
const MOST = 500;
const LEVELS = new Set(["warned", "alarmed", "fired", "recovered"]);

/** The events of the server `id`. `load()` fetches the newest, `add(events)` takes in live ones. */
export function newServerEvents(id, store, signal) {
  let events = [];
  let cursor = null;
  const list = el("ol", { class: "events" });
  const none = el("p", { class: "note", hidden: true }, "Nothing happened yet.");
  const older = newOlder("events", () => page(cursor), signal);

  // An answer asked for before an event must not take the event away again.
  function add(added) {
    const known = new Set(events.map((event) => event.id));
    if (events.length && added.every((event) => known.has(event.id))) return;
    events = [...new Map([...events, ...added].map((event) => [event.id, event])).values()].sort((a, b) => b.id - a.id).slice(0, MOST);
    fillEvents(list, events.map(named));
    setShown(none, events.length === 0);
  }

  // Whose events these are stands above them.
  function named(event) {
    const name = store.servers.get(id)?.hostname;
    const rest = name && event.message.startsWith(name) ? event.message.slice(name.length) : "";
    return /^:? \S/.test(rest) ? { ...event, message: rest.replace(/^:? /, "") } : event;
  }

  async function page(from) {
    const answer = await get("/events", { server: id, limit: PAGE, cursor: from }, signal);
    if (events.length === 0 || from) cursor = answer.next;
    add(answer.items);
    setShown(none, events.length === 0);
    older.show(cursor !== null && events.length < MOST);
  }

  return {
    nodes: [none, list, ...older.nodes],
    add,
    load: () => page(null),
    /** The level changes of a series (`name` or `name[instance]`), for its chart. */
    marks: (series) =>
      events
        .filter((event) => event.sensor === series && LEVELS.has(event.type))
        .map((event) => ({ at: event.at, kind: event.type, text: `${time(event.at)}: ${named(event).message}` })),
  };
}
