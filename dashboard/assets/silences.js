// Silences: those that hold, those that will, those that are over; and making one.

import { isAllowed } from "./allowed.js";
import { get, remove } from "./api.js";
import { el, fill, keepingFocus, setShown, setText } from "./dom.js";
import { newSilenceForm } from "./silence-form.js";
import { newSilenceRow } from "./silence-row.js";
import { whatWords } from "./silence-words.js";
import { paced } from "./slices.js";

const PAGE = 200;
const MOST_EXPIRED = 50;
const GAP = 1000;
const STATES = [["active", "Active", "Nothing is silenced."], ["pending", "Not begun", "None is waiting to begin."], ["expired", "Over", "None is over yet."]];

/** The page's module interface: see router.js. */
export function mount(root, { store, query, setQuery, onQuery, signal, every }) {
  const answer = el("span", { class: "answer", role: "status" });
  const begin = el("button", { type: "button", class: "button", hidden: true, click: () => open({}) }, "New silence…");
  const note = el("p", { class: "note", role: "status" }, "Asking for the silences…");
  const form = newSilenceForm(store, signal, { made, closed });
  const rows = new Map();
  const parts = new Map(STATES.map(([state, title, nothing]) => {
    const list = el("ul", { class: "silences", "aria-label": `${title} silences` });
    const none = el("p", { class: "note" }, nothing);
    return [state, { list, none, node: el("section", { class: "panel", "aria-label": title, hidden: true }, el("h2", {}, title), none, list) }];
  }));
  let mayAct = false;

  root.classList.add("sheet");
  root.append(el("div", { class: "page-head" }, el("h1", {}, "Silences"), answer, begin), form.node, note, ...[...parts.values()].map(({ node }) => node));

  function open(about) {
    if (!mayAct) return void setText(answer, "You may look at silences, but not make any.");
    setShown(begin, false);
    setText(answer, "");
    form.open(about);
  }

  function closed() {
    setShown(begin, mayAct);
    setQuery({ new: "", server: "", sensor: "", labels: "", reason: "" });
    begin.focus();
  }

  function made(silence) {
    fill(answer, "Silenced: ", ...whatWords(silence), ".");
    load();
  }

  async function end(silence) {
    try {
      await remove(`/silences/${Number(silence.id)}`);
      fill(answer, "Ended: ", ...whatWords(silence), ".");
    } catch (error) {
      setText(answer, `Not ended: ${error.message}`);
    }
    load();
  }

  const load = paced(async () => {
    try {
      const found = await Promise.all(STATES.map(([state]) => all(state, signal)));
      keepingFocus(() => STATES.forEach(([state], index) => show(state, found[index])));
      const ids = new Set(found.flat().map((one) => one.id));
      for (const [id, row] of rows) {
        if (ids.has(id)) continue;
        row.node.remove();
        rows.delete(id);
      }
      setShown(note, false);
    } catch (error) {
      if (signal.aborted) return;
      setText(note, `The silences can't be read: ${error.message}`);
      setShown(note, true);
    }
  }, GAP, signal);

  function show(state, silences) {
    const { list, none, node } = parts.get(state);
    let at = list.firstElementChild;
    for (const one of silences) {
      if (!rows.has(one.id)) rows.set(one.id, newSilenceRow(() => end(one)));
      const row = rows.get(one.id);
      row.show(one, store.now(), mayAct);
      if (row.node === at) at = at.nextElementSibling;
      else list.insertBefore(row.node, at);
    }
    setShown(none, silences.length === 0);
    setShown(node, silences.length > 0 || state === "active");
  }

  function read(now) {
    if (now.get("new") !== "yes") return;
    open(Object.fromEntries(["server", "sensor", "labels", "reason"].map((name) => [name, now.get(name)])));
  }

  isAllowed("act").then((may) => {
    if (signal.aborted) return;
    mayAct = may;
    setShown(begin, may);
    for (const row of rows.values()) row.allow(may);
    read(query);
  });
  onQuery(read);
  store.on("events", (events) => {
    if (events.some((event) => event.type === "silenced")) load();
  });
  every(1000, () => rows.forEach((row) => row.tick(store.now())));
  every(30000, load);
  load();
}

// All that go on; of those that are over the last ones.
async function all(state, signal) {
  const found = [];
  let cursor = null;
  do {
    const page = await get("/silences", { state, limit: state === "expired" ? MOST_EXPIRED : PAGE, cursor }, signal);
    found.push(...page.items);
    cursor = state === "expired" ? null : page.next;
  } while (cursor);
  return found;
}
