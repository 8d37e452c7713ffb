// What is swept, how far that is, and how the addresses ended.

import { isAllowed } from "./allowed.js";
import { get, post } from "./api.js";
import { section } from "./bits.js";
import { el, fill, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { newOutcomes } from "./outcomes.js";
import { newRange } from "./range.js";
import { newSweepLog } from "./sweep-log.js";

const REFRESH = 15000;

/** The page's module interface: see router.js. */
export function mount(root, { store, signal, every }) {
  const answer = el("span", { class: "answer", role: "status" });
  const all = el("button", { type: "button", class: "button", hidden: true, click: () => sweep({}) }, "Sweep all now");
  const total = el("span", { class: "page-total" });
  const list = el("ul", { class: "ranges" });
  const note = el("p", { class: "note", role: "status" }, "Asking for the ranges…");
  const outcomes = newOutcomes(signal);
  const log = newSweepLog(store);
  const ranges = new Map();
  let mayOrder = false;

  root.classList.add("sheet");
  root.append(
    el("div", { class: "page-head" }, el("h1", {}, "Discovery"), total, answer, all),
    section("Ranges", null, list, note),
    section("Addresses", null, outcomes.node),
    section("Sweeps", null, log.node),
  );

  async function sweep(body) {
    all.disabled = true;
    try {
      const { items } = await post("/sweeps", body);
      setText(answer, items.length === 1 ? `Sweep of ${items[0].range} started.` : `${count(items.length)} sweeps started.`);
      await load();
    } catch (error) {
      setText(answer, `No sweep: ${error.message}`);
    } finally {
      all.disabled = false;
    }
  }

  async function load() {
    try {
      const { items } = await get("/ranges", {}, signal);
      const wanted = new Set(items.map((one) => one.range));
      for (const [text, range] of ranges) {
        if (wanted.has(text)) continue;
        range.node.remove();
        ranges.delete(text);
      }
      for (const one of items) {
        if (!ranges.has(one.range)) {
          const range = newRange(store, () => sweep({ range: one.range }));
          ranges.set(one.range, range);
          list.append(range.node);
        }
        ranges.get(one.range).show(one, mayOrder);
      }
      setText(total, `${count(items.length)} ${items.length === 1 ? "range" : "ranges"}, ${count(items.reduce((sum, one) => sum + one.addresses, 0))} addresses`);
      setShown(note, items.length === 0);
      setText(note, "No range is configured: name one under `ranges`.");
    } catch (error) {
      if (signal.aborted) return;
      setText(note, `The ranges can't be read: ${error.message}`);
      setShown(note, true);
    }
  }

  // A sweep that begins or ends changes more than its progress.
  let known = "";
  function follow() {
    for (const range of ranges.values()) range.follow(store.sweeps);
    log.show(store.sweeps);
    const now = store.sweeps.map((one) => `${one.id}${one.finished}`).join();
    if (now === known) return;
    const first = known === "";
    known = now;
    if (!first) {
      load();
      outcomes.load();
    }
  }

  isAllowed("sweep").then((may) => {
    mayOrder = may;
    setShown(all, may);
    for (const range of ranges.values()) range.allow(may);
  });
  store.on("sweeps", follow);
  every(REFRESH, () => {
    load();
    outcomes.load();
  });
  every(1000, () => ranges.forEach((range) => range.tick()));
  fill(answer);
  load().then(follow);
  outcomes.load();
  log.load(signal);
}
