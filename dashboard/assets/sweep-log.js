// The sweeps that ran, and what came of them.

import { get } from "./api.js";
import { age } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count, duration, number } from "./format.js";

const MOST = 20;

/** {node, load(signal), show(sweeps)}: the newest first. */
export function newSweepLog(store) {
  const body = el("tbody");
  const note = el("p", { class: "note", role: "status" }, "No sweep yet.");
  const heads = ["Range", "Ended", "Addresses", "Found", "Rate", "Took", "Outcomes"];
  const kinds = ["", "", "number", "number", "number wide", "number wide", "wide"];
  const table = el(
    "table",
    { class: "table" },
    el("caption", { class: "unseen" }, "Sweeps"),
    el("thead", {}, el("tr", {}, heads.map((text, index) => el("th", { scope: "col", class: kinds[index] }, text)))),
    body,
  );
  let known = [];
  let said = "";

  function show(sweeps) {
    const all = new Map([...known, ...sweeps].map((one) => [one.id, one]));
    known = [...all.values()].sort((a, b) => b.started - a.started).slice(0, MOST);
    const ended = known.filter((one) => one.finished !== null);
    const now = ended.map((one) => one.id).join();
    setShown(table, ended.length > 0);
    setShown(note, ended.length === 0);
    if (now === said) return;
    said = now;
    fill(body, ended.map((one) => row(one, store.now())));
  }

  return {
    node: el("div", {}, table, note),
    show,
    async load(signal) {
      try {
        show((await get("/sweeps", { limit: MOST }, signal)).items);
      } catch (error) {
        if (!signal.aborted) setText(note, `The sweeps can't be read: ${error.message}`);
      }
    },
  };
}

function row(one, now) {
  const took = one.finished - one.started;
  const outcomes = Object.entries(one.outcomes).sort((a, b) => b[1] - a[1]).map(([outcome, amount]) => `${outcome} ${count(amount)}`);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, data(one.range)),
    el("td", {}, age(one.finished, now)),
    el("td", { class: "number" }, count(one.total)),
    el("td", { class: "number" }, count(one.found)),
    el("td", { class: "number wide" }, took > 0 ? `${number(one.done / took)}/s` : "–"),
    el("td", { class: "number wide" }, duration(took)),
    el("td", { class: "sub wide" }, outcomes.join(" · ")),
  );
}
