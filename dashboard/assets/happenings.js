// What happened last: kept in the store for every page, and said in the header.

import { get } from "./api.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { eventIcon, eventWord, said } from "./event-words.js";
import { instant, time } from "./format.js";
import { icon } from "./icons.js";
import { serverLink } from "./route.js";

const FIRST = 150;

/** Fill the store's events after each snapshot, and keep the newest in `place`. */
export function mountHappenings(store, place) {
  const mark = el("span", { class: "ticker-mark" });
  const kind = el("span", { class: "ticker-kind" });
  const about = el("a", { class: "ticker-server" });
  const message = data("", { class: "ticker-message" });
  const at = el("time", { class: "ticker-time" });
  fill(place, at, mark, kind, about, message);

  function show() {
    const newest = store.events[0];
    setShown(place, Boolean(newest));
    if (!newest) return;
    const hostname = store.servers.get(newest.server)?.hostname ?? "";
    setText(at, time(newest.at));
    at.dateTime = new Date(newest.at * 1000).toISOString();
    at.title = instant(newest.at);
    fill(mark, icon(eventIcon(newest.type)));
    setText(kind, eventWord(newest.type));
    setText(about, hostname);
    setShown(about, hostname !== "");
    if (newest.server) about.href = serverLink(newest.server);
    setText(message, said(newest, hostname));
    place.dataset.type = eventIcon(newest.type);
  }

  async function load() {
    // A daemon that can't tell its past still tells what happens from now on.
    const { items } = await get("/events", { limit: FIRST }).catch(() => ({ items: [] }));
    store.addEvents(items);
  }

  store.on("events", show);
  store.on("servers", (ids) => {
    if (ids !== null) return;
    show();
    load();
  });
  show();
}
