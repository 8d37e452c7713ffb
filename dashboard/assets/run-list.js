// The runs that people started, newest first, each with a way to it.

import { get } from "./api.js";
import { age } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count, seriesName } from "./format.js";
import { icon } from "./icons.js";
import { stepWord } from "./run-words.js";

const MOST = 10;

/** {node, load()}. */
export function newRunList(store, signal) {
  const list = el("ul", { class: "runs", "aria-label": "Runs by hand" });
  const note = el("p", { class: "note", role: "status" }, "Asking for the runs…");
  let said = "";

  return {
    node: el("div", {}, list, note),
    async load() {
      try {
        const { items } = await get("/runs", {}, signal);
        const now = JSON.stringify(items);
        if (now !== said) fill(list, items.slice(0, MOST).map((run) => item(run, store.now())));
        said = now;
        setText(note, "Nothing was run by hand since the daemon started.");
        setShown(note, items.length === 0);
      } catch (error) {
        if (signal.aborted) return;
        setText(note, `The runs can't be read: ${error.message}`);
        setShown(note, true);
      }
    },
  };
}

function item(run, now) {
  const total = Object.values(run.counts).reduce((sum, amount) => sum + amount, 0);
  const bad = run.failed + (run.counts.unknown ?? 0);
  const going = run.finished === null;
  const [words, status, picture] = going ? ["Under way", "fired", "fired"] : bad ? [`${count(bad)} failed`, "failed", "failed"] : ["Ended", "normal", "normal"];
  return el(
    "li",
    { class: "run" },
    el("span", { class: "mark", "data-status": status }, icon(picture), words),
    el(
      "div",
      { class: "run-what" },
      el("a", { href: `#/run/${encodeURIComponent(String(run.id))}` }, `${stepWord(run.step)} of `, data(seriesName({ name: run.sensor, instance: run.instance }))),
      el("span", { class: "sub" }, `on ${count(total)} ${total === 1 ? "server" : "servers"}, by `, data(run.by)),
      run.reason ? data(run.reason, { class: "run-why" }) : [],
    ),
    age(run.at, now),
  );
}
