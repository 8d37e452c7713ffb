// Incidents: those that are open, then the last that ended.

import { get } from "./api.js";
import { age, mark, newChoice } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { said } from "./event-words.js";
import { count, duration } from "./format.js";
import { flags, nameOf, titleOf } from "./incident-words.js";
import { incidentLink } from "./route.js";
import { paced } from "./slices.js";

const PAGE = 50;
const MOST = 1000;
const GAP = 3000;
const RELEVANT = new Set(["removed", "silenced"]);
const STATES = [["", "All"], ["open", "Open"], ["free", "Nobody has it"], ["ended", "Ended"]];

/** The page's module interface: see router.js. */
export function mount(root, { store, query, setQuery, onQuery, signal, every }) {
  const lists = { open: el("ul", { class: "incidents", "aria-label": "Open incidents" }), ended: el("ul", { class: "incidents", "aria-label": "Ended incidents" }) };
  const none = { open: el("p", { class: "note" }, "No incident is open."), ended: el("p", { class: "note" }, "None has ended yet.") };
  const note = el("p", { class: "note", role: "status" }, "Asking for the incidents…");
  const more = el("button", { type: "button", class: "button", hidden: true, click: showMore }, "Show more");
  const parts = {};
  for (const [state, title] of [["open", "Open"], ["ended", "Ended"]]) {
    parts[state] = el("section", { class: "panel", "aria-label": title, hidden: true }, el("h2", {}, title), none[state], lists[state]);
  }
  const choice = newChoice("Which incidents", STATES, (value) => {
    setQuery({ state: value });
    state = value;
    limit = PAGE;
    load();
  });
  const known = new Map();
  let state = query.get("state") ?? "";
  let limit = PAGE;
  let server = query.get("server") ?? "";

  root.classList.add("sheet");
  const about = el("p", { class: "sub", hidden: true });
  root.append(el("div", { class: "page-head" }, el("h1", {}, "Incidents"), choice.node), about, note, parts.open, parts.ended, more);

  const load = paced(async () => {
    choice.show(STATES.some(([one]) => one === state) ? state : "");
    fill(about, server ? ["Of ", data(store.servers.get(server)?.hostname ?? server), " only. ", el("a", { href: "#/incidents" }, "Show all")] : "");
    setShown(about, Boolean(server));
    try {
      const wanted = { ...(state === "free" ? { state: "open", acknowledged: false } : { state: state || null }), server: server || null };
      let found = [];
      let cursor = null;
      do {
        const page = await get("/incidents", { ...wanted, limit: Math.min(200, limit - found.length), cursor }, signal);
        found = [...found, ...page.items];
        cursor = page.next;
      } while (cursor && found.length < limit);
      show(found, cursor);
      setShown(note, false);
    } catch (error) {
      if (signal.aborted) return;
      setText(note, `The incidents can't be read: ${error.message}`);
      setShown(note, true);
    }
  }, GAP, signal);

  function show(found, cursor) {
    const wanted = new Set(found.map((one) => one.id));
    for (const [id, row] of known) {
      if (wanted.has(id)) continue;
      row.node.remove();
      known.delete(id);
    }
    for (const part of ["open", "ended"]) {
      let at = lists[part].firstElementChild;
      for (const one of found.filter((each) => each.state === part)) {
        if (!known.has(one.id)) known.set(one.id, newRow(one));
        const row = known.get(one.id);
        row.show(one, store);
        if (row.node === at) at = at.nextElementSibling;
        else lists[part].insertBefore(row.node, at);
      }
      const amount = lists[part].childElementCount;
      setShown(none[part], amount === 0);
      setShown(parts[part], amount > 0 || (part === "open" ? state !== "ended" : state === "ended"));
    }
    setText(none.open, state === "free" ? "Of all that is open, somebody has each." : "No incident is open.");
    setShown(more, cursor !== null && limit < MOST);
  }

  function showMore() {
    limit = Math.min(MOST, limit + 2 * PAGE);
    load();
  }

  onQuery((now) => {
    state = now.get("state") ?? "";
    server = now.get("server") ?? "";
    load();
  });
  store.on("events", (events) => {
    if (events.some((event) => event.incident || RELEVANT.has(event.type))) load();
  });
  every(1000, () => known.forEach((row) => row.tick(store)));
  every(30000, load);
  load();
}

function newRow(first) {
  const level = el("span", { class: "incident-level" });
  const when = el("span", { class: "incident-when" });
  const outcome = el("span", { class: "incident-outcome" });
  const message = data("", { class: "incident-message" });
  const name = el("h3");
  const marks = el("span", { class: "flags" });
  const node = el("li", { class: "incident" }, level, el("div", { class: "incident-what" }, name, message, marks), when, outcome);
  let now = first;
  let known = "";

  function tick(store) {
    if (now.state === "open") fill(when, age(now.started, store.now()), el("span", { class: "sub" }, `open for ${duration(Math.max(1, Math.floor(store.now() - now.started)))}`));
  }

  // Its links stay the same elements, so that whoever has the focus on one keeps it.
  function showName(one) {
    if (name.textContent === titleOf(one)) return;
    const [words, rest] = nameOf(one);
    fill(name, el("a", { class: "incident-link", href: incidentLink(one.id) }, data(words)), el("span", { class: "incident-on" }, rest));
  }

  return {
    node,
    tick,
    show(one, store) {
      now = one;
      const text = JSON.stringify(one);
      tick(store);
      if (text === known) return;
      known = text;
      node.dataset.status = one.state === "open" ? one.level : "ended";
      showName(one);
      fill(marks, flags(one));
      fill(level, one.state === "open" ? mark(one.level) : mark("normal", "Recovered"), one.state === "ended" || one.worst !== one.level ? el("span", { class: "sub" }, `was ${one.worst}`) : "");
      setText(message, said(one, one.hostname));
      if (one.state === "ended") fill(when, age(one.ended, store.now()), el("span", { class: "sub" }, `lasted ${duration(Math.max(1, Math.round(one.ended - one.started)))}`));
      setText(outcome, one.reactions ? `${count(one.reactions)} ${one.reactions === 1 ? "reaction" : "reactions"}: ${one.outcome}` : "");
    },
  };
}

