// Who is told, whether they can be reached, and what became of each notice.

import { get } from "./api.js";
import { section } from "./bits.js";
import { el, fill, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { noticeItem, STATES } from "./notice.js";
import { newOlder } from "./older.js";
import { paced } from "./slices.js";
import { newTarget } from "./target.js";

const PAGE = 50;
const MOST = 500;
const GAP = 2000;
const REFRESH = 5000;

/** The page's module interface: see router.js. */
export function mount(root, { store, query, setQuery, onQuery, signal, every }) {
  const total = el("span", { class: "page-total" });
  const targets = el("ul", { class: "targets", "aria-label": "Targets" });
  const nobody = el("p", { class: "note", role: "status" }, "Asking for the targets…");
  const list = el("ol", { class: "notices", "aria-label": "Notices" });
  const none = el("p", { class: "note", role: "status" }, "Asking for the notices…");
  const who = el("select", { class: "select", "aria-label": "Target", change: () => choose({ target: who.value }) });
  const how = el("select", { class: "select", "aria-label": "State", change: () => choose({ state: how.value }) }, el("option", { value: "" }, "Any state"), [...STATES].map(([value, [words]]) => el("option", { value }, words)));
  const older = newOlder("notices", () => page(cursor), signal);
  const known = new Map();
  let items = new Map();
  let cursor = null;
  let wanted = read(query);
  let said = "";

  root.classList.add("sheet");
  root.append(
    el("div", { class: "page-head" }, el("h1", {}, "Notices"), total),
    section("Targets", null, targets, nobody),
    section("Notices", el("span", { class: "controls" }, who, how), none, list, ...older.nodes),
  );

  function choose(changes) {
    wanted = { ...wanted, ...changes };
    setQuery(wanted, { push: true });
    again();
  }

  function again() {
    items = new Map();
    cursor = null;
    said = "";
    fill(list);
    show();
    setText(none, "Asking for the notices…");
    setShown(none, true);
    load();
  }

  function show() {
    how.value = wanted.state;
    who.value = wanted.target;
  }

  async function loadTargets() {
    try {
      const found = (await get("/targets", {}, signal)).items;
      const names = new Set(found.map(({ name }) => name));
      for (const [name, target] of known) {
        if (names.has(name)) continue;
        target.node.remove();
        known.delete(name);
      }
      for (const one of found) {
        if (!known.has(one.name)) {
          known.set(one.name, newTarget(one.name, store));
          targets.append(known.get(one.name).node);
        }
        known.get(one.name).show(one);
      }
      offer([...names]);
      const failing = found.filter(({ state }) => state !== "ok").length;
      setText(total, `${count(found.length)} ${found.length === 1 ? "target" : "targets"}${failing ? `, ${count(failing)} failing` : ""}`);
      setText(nobody, "Nobody is told of anything: no target is configured under `notify`.");
      setShown(nobody, found.length === 0);
    } catch (error) {
      if (signal.aborted) return;
      setText(nobody, `The targets can't be read: ${error.message}`);
      setShown(nobody, true);
    }
  }

  // A target that is no longer configured may still have notices.
  function offer(names) {
    const all = wanted.target && !names.includes(wanted.target) ? [...names, wanted.target] : names;
    const key = JSON.stringify(all);
    if (who.dataset.key === key) return;
    who.dataset.key = key;
    fill(who, el("option", { value: "" }, "Any target"), all.map((name) => el("option", { value: name }, name)));
    show();
  }

  async function page(from) {
    const asked = wanted;
    const answer = await get("/notices", { target: asked.target || null, state: asked.state || null, limit: PAGE, cursor: from }, signal);
    if (asked !== wanted) return;
    if (items.size === 0 || from) cursor = answer.next;
    // Whatever of the newest page no longer has the wanted state isn't shown any more.
    if (!from && asked.state) items = new Map([...items].filter(([id]) => id < (answer.items.at(-1)?.id ?? 0)));
    items = new Map([...items, ...answer.items.map((one) => [one.id, one])]);
    draw();
    older.show(cursor !== null && items.size < MOST);
  }

  function draw() {
    const shown = [...items.values()].sort((a, b) => b.id - a.id).slice(0, MOST);
    const now = JSON.stringify(shown);
    setText(none, wanted.target || wanted.state ? "No notice is like that." : "Nobody was told of anything yet.");
    setShown(none, shown.length === 0);
    if (now === said) return;
    said = now;
    const opened = new Set([...list.querySelectorAll("details[open]")].map((node) => node.dataset.id));
    fill(list, shown.map((one) => noticeItem(one, store.now(), opened.has(String(one.id)))));
  }

  const load = paced(async () => {
    await loadTargets();
    try {
      await page(null);
    } catch (error) {
      if (signal.aborted) return;
      setText(none, `The notices can't be read: ${error.message}`);
      setShown(none, true);
    }
  }, GAP, signal);

  onQuery((now) => {
    wanted = read(now);
    again();
  });
  every(REFRESH, () => {
    if (!document.hidden) load();
  });
  offer([]);
  show();
  load();
}

const read = (query) => ({ target: query.get("target") ?? "", state: STATES.has(query.get("state")) ? query.get("state") : "" });
