// The reactions that ran, newest first, each with what came of it.

import { get } from "./api.js";
import { data, el, fill, setShown } from "./dom.js";
import { duration, instant, seriesName, time } from "./format.js";
import { icon } from "./icons.js";
import { newOlder } from "./older.js";
import { serverLink } from "./route.js";
import { stepWord } from "./run-words.js";

const PAGE = 20;
const MOST = 200;
const PICTURES = new Map([["dry-run", "message"], ["intended", "stale"], ["not sent", "disconnected"], ["unknown", "unknown"]]);
const ENDINGS = new Map([["mended", ["Mended", "normal"]], ["not_mended", ["Not mended", "failed"]]]);

/** The reactions of the server `id`, of all servers where it is null. `load()` fetches the
 * newest, and rejects like `get`. */
export function newActions(id, store, signal) {
  let items = new Map();
  let endings = [];
  let cursor = null;
  const list = el("ol", { class: "actions" });
  const none = el("p", { class: "note", hidden: true }, id === null ? "No reaction ran yet." : "No reaction ran here.");
  const older = newOlder("reactions", () => page(cursor), signal);

  async function page(from) {
    const about = id === null ? {} : { server: id };
    const [answer, ends] = await Promise.all([
      get("/actions", { ...about, limit: PAGE, cursor: from }, signal),
      get("/events", { ...about, type: [...ENDINGS.keys()], limit: MOST }, signal),
    ]);
    const unseen = items.size === 0 || from;
    if (unseen) cursor = answer.next;
    endings = ends.items;
    items = new Map([...items, ...answer.items.map((action) => [action.id, action])]);
    show();
    older.show(cursor !== null && items.size < MOST);
  }

  function show() {
    const opened = new Set([...list.querySelectorAll("details[open]")].map((node) => node.dataset.id));
    const shown = [...items.values()].sort((a, b) => b.id - a.id).slice(0, MOST);
    const named = (action) => (id === null ? (store.servers.get(action.server)?.hostname ?? action.server) : "");
    fill(list, shown.map((action) => actionItem(action, named(action), endingOf(action, endings), opened.has(String(action.id)))));
    setShown(none, shown.length === 0);
  }

  return { nodes: [none, list, ...older.nodes], load: () => page(null) };
}

// What the readings after it said: the first that was said of its incident, before the next step.
function endingOf(action, endings) {
  if (action.incident === null || action.outcome === "dry-run") return null;
  const after = endings.filter((event) => event.incident === action.incident && event.at >= action.at);
  return after.sort((a, b) => a.at - b.at)[0] ?? null;
}

function actionItem(action, hostname, ending, open) {
  const status = action.status === null || action.status === undefined ? "" : `, exit status ${action.status}`;
  const took = action.finished_at ? ` · took ${duration(Math.max(0, action.finished_at - action.at))}` : "";
  const links = [
    hostname ? el("a", { href: serverLink(action.server) }, data(hostname)) : [],
    data(seriesName({ name: action.sensor, instance: action.instance })),
    action.step === 2 ? el("span", { class: "sub" }, stepWord(2)) : [],
    action.by ? el("span", { class: "sub" }, "by ", data(action.by)) : [],
  ];
  return el(
    "li",
    { class: "action" },
    el(
      "div",
      { class: "event-head" },
      el("span", { class: "event-type" }, icon(picture(action)), " ", data(`${action.outcome}${status}`)),
      links,
      el("time", { datetime: new Date(action.at * 1000).toISOString(), title: instant(action.at) }, time(action.at)),
    ),
    data(`${action.reason}${took}`, { class: "event-message" }),
    el("code", {}, data(action.command)),
    ending || action.incident !== null ? el("p", { class: "action-after" }, endingMark(ending), incidentLink(action)) : [],
    action.output
      ? el("details", { open, "data-id": action.id }, el("summary", {}, "Output"), el("pre", { tabindex: "0", "aria-label": "Output" }, data(action.output)))
      : [],
  );
}

function endingMark(ending) {
  if (!ending) return [];
  const [words, status] = ENDINGS.get(ending.type);
  return el("span", { class: "mark", "data-status": status, title: instant(ending.at) }, icon(status), words);
}

const incidentLink = ({ incident }) => (incident === null ? [] : el("a", { href: `#/incidents/${Number(incident)}` }, "Incident"));

const picture = ({ outcome, status }) => PICTURES.get(outcome) ?? (outcome === "done" && status === 0 ? "normal" : "failed");
