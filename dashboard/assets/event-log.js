// Everything that happened: searched by the daemon, and live.

import { get } from "./api.js";
import { el, fill, setShown, setText } from "./dom.js";
import { newEventFilter } from "./event-filter.js";
import { eventRow } from "./event-row.js";
import { count } from "./format.js";
import { paced } from "./slices.js";

const PAGE = 100;
const MOST = 2000;

/** The page's module interface: see router.js. */
export function mount(root, context) {
  const { store, signal } = context;
  const list = el("ol", { class: "log", "aria-label": "Events" });
  const news = el("button", { type: "button", class: "button news", hidden: true, click: showNews });
  const note = el("p", { class: "note", role: "status" }, "Asking for the events…");
  const more = el("button", { type: "button", class: "button", hidden: true, click: loadMore }, "Show older ones");
  const filter = newEventFilter(context, search);
  let cursor = null;
  let asking = null;
  let waiting = [];
  let missing = false;
  let loading = null;
  let busy = false;
  let searching = false;

  root.classList.add("sheet", "log-page");
  root.append(
    el("div", { class: "page-head" }, el("h1", {}, "Events")),
    filter.node,
    el("div", { class: "news-place" }, news),
    el("section", { class: "panel", "aria-label": "What happened" }, list, note, more),
  );

  const shownIds = new Set();
  let newest = 0;
  // Of what the daemon says by itself, what is older than the newest is further down the list.
  const isNew = (event) => event.id > newest;
  const item = (event) => {
    shownIds.add(event.id);
    newest = Math.max(newest, event.id);
    return eventRow(event, store.servers.get(event.server)?.hostname ?? "", store.now());
  };

  function say(text) {
    setText(note, text);
    setShown(note, text !== "");
  }

  function cannot(error) {
    if (!signal.aborted) say(`The events can't be read: ${error.message}`);
  }

  async function search() {
    cursor = null;
    waiting = [];
    missing = false;
    tellNews();
    loading = load(true);
    await loading;
  }

  async function load(anew) {
    asking?.abort();
    asking = new AbortController();
    const mine = asking;
    busy = true;
    searching = anew;
    try {
      const answer = await get("/events", { ...filter.query(), limit: PAGE, cursor: anew ? null : cursor }, AbortSignal.any([signal, mine.signal]));
      if (mine.signal.aborted) return;
      if (anew) {
        shownIds.clear();
        newest = 0;
        fill(list);
      }
      const fresh = answer.items.filter((event) => !shownIds.has(event.id));
      list.append(...fresh.map(item));
      cursor = answer.next;
      say(list.childElementCount ? "" : filter.isEmpty() ? "Nothing happened yet." : "No event matches.");
      if (list.childElementCount >= MOST && cursor) say(`These are the ${count(list.childElementCount)} newest. Narrow the search, or name an earlier time, to see older ones.`);
    } catch (error) {
      if (!mine.signal.aborted) cannot(error);
    } finally {
      if (mine === asking) {
        busy = searching = false;
        waiting = waiting.filter(isNew);
        slip();
      }
    }
    setShown(more, cursor !== null && list.childElementCount < MOST);
  }

  async function loadMore() {
    if (!busy) await load(false);
  }

  // New ones come in on top where that moves nothing under someone's eyes or pointer, else wait.
  const isReading = () => scrollY > 40 || list.matches(":hover") || list.contains(document.activeElement);

  function take(events) {
    const wanted = events.filter((event) => isNew(event) && filter.matches(event)).sort((a, b) => b.id - a.id);
    if (!wanted.length) return;
    waiting = [...wanted, ...waiting.filter((event) => !wanted.some((one) => one.id === event.id))].slice(0, MOST);
    slip();
  }

  const slip = paced(() => {
    // What comes during a search is in its answer, or comes in after it.
    if (searching) return;
    if (waiting.length && !isReading()) putIn();
    tellNews();
  }, 250, signal);

  function putIn() {
    const added = waiting.filter(isNew).slice(0, PAGE * 2);
    // What doesn't fit between the newest and what is shown is asked for instead.
    if (missing || (waiting.length > added.length && waiting.length > PAGE)) {
      search();
      return;
    }
    waiting = [];
    list.prepend(...added.map(item));
    while (list.childElementCount > MOST) {
      list.lastElementChild.remove();
    }
    setShown(note, list.childElementCount === 0);
  }

  function tellNews() {
    setShown(news, waiting.length > 0);
    setText(news, waiting.length === 1 ? "1 new event" : `${count(waiting.length)} new events`);
  }

  function showNews() {
    putIn();
    tellNews();
    scrollTo({ top: 0 });
  }

  list.addEventListener("pointerleave", slip);
  addEventListener("scroll", () => waiting.length && slip(), { passive: true, signal });
  const nearing = new IntersectionObserver((entries) => {
    if (entries.at(-1).isIntersecting && !more.hidden) loadMore();
  }, { rootMargin: "600px" });
  nearing.observe(more);
  store.on("events", take);
  // What happened while the daemon was away came as no event: it comes in like what is new.
  async function catchUp() {
    await loading;
    const before = loading;
    let answer;
    try {
      answer = await get("/events", { ...filter.query(), limit: PAGE }, signal);
    } catch (error) {
      cannot(error);
      return;
    }
    // What was searched for meanwhile is newer.
    if (before !== loading) return;
    missing ||= list.childElementCount > 0 && answer.next !== null && answer.items.every(isNew);
    take(answer.items);
  }
  store.on("servers", (ids) => {
    if (ids === null) catchUp();
  });
  search();
  return () => {
    nearing.disconnect();
    asking?.abort();
    filter.end();
  };
}

