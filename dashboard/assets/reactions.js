// The reactions that ran on a server, newest first, each with what came of it.

import { get } from "./api.js";
import { data, el, fill, setShown } from "./dom.js";
import { duration, instant, seriesName, time } from "./format.js";
import { icon } from "./icons.js";
import { newOlder } from "./older.js";

const PAGE = 20;
const MOST = 200;
const PICTURES = new Map([["dry-run", "message"], ["intended", "stale"], ["not sent", "disconnected"], ["unknown", "unknown"]]);

/** The reactions of the server `id`. `load()` fetches the newest; rejects like `get`. */
export function newReactions(id, signal) {
  let items = new Map();
  let cursor = null;
  const list = el("ol", { class: "actions" });
  const none = el("p", { class: "note", hidden: true }, "No reaction ran here.");
  const older = newOlder("reactions", () => page(cursor), signal);

  async function page(from) {
    const answer = await get("/actions", { server: id, limit: PAGE, cursor: from }, signal);
    const unseen = items.size === 0 || from;
    if (unseen) cursor = answer.next;
    const opened = new Set([...list.querySelectorAll("details[open]")].map((node) => node.dataset.id));
    items = new Map([...items, ...answer.items.map((action) => [action.id, action])]);
    const shown = [...items.values()].sort((a, b) => b.id - a.id).slice(0, MOST);
    fill(list, shown.map((action) => actionItem(action, opened.has(String(action.id)))));
    setShown(none, shown.length === 0);
    older.show(cursor !== null && shown.length < MOST);
  }

  return { nodes: [none, list, ...older.nodes], load: () => page(null) };
}

function actionItem(action, open) {
  const status = action.status === null || action.status === undefined ? "" : `, exit status ${action.status}`;
  const took = action.finished_at ? ` · took ${duration(Math.max(0, action.finished_at - action.at))}` : "";
  return el(
    "li",
    { class: "action" },
    el(
      "div",
      { class: "event-head" },
      el("span", { class: "event-type" }, icon(picture(action)), " ", data(`${action.outcome}${status}`)),
      data(seriesName({ name: action.sensor, instance: action.instance })),
      el("time", { datetime: new Date(action.at * 1000).toISOString(), title: instant(action.at) }, time(action.at)),
    ),
    data(`${action.reason}${took}`, { class: "event-message" }),
    el("code", {}, data(action.command)),
    action.output
      ? el("details", { open, "data-id": action.id }, el("summary", {}, "Output"), el("pre", { tabindex: "0", "aria-label": "Output" }, data(action.output)))
      : [],
  );
}

const picture = ({ outcome, status }) => PICTURES.get(outcome) ?? (outcome === "done" && status === 0 ? "normal" : "failed");
