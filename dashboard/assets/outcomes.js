// Swept addresses by how they ended and why: "SSH, key refused: 14", each to be opened.

import { get } from "./api.js";
import { age, newPages } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { serverLink } from "./route.js";

const PAGE = 50;
const WORDS = new Map([
  ["server", ["Servers", "normal"]],
  ["refused key", ["SSH, key refused", "failed"]],
  ["host key rejected", ["SSH, host key rejected", "quarantined"]],
  ["not SSH", ["Not SSH", "unknown"]],
  ["timed out", ["Timed out", "stale"]],
  ["error", ["Error", "failed"]],
  ["silent", ["Silent", "disconnected"]],
]);

/** {node, load()}. */
export function newOutcomes(signal) {
  const list = el("ul", { class: "outcomes" });
  const note = el("p", { class: "note", role: "status" }, "Asking how the addresses ended…");
  const groups = new Map();
  const node = el("div", {}, list, note, el("p", { class: "note-small" }, "Addresses that never answered are counted by their sweep and not kept."));

  async function load() {
    try {
      const { items } = await get("/addresses/outcomes", {}, signal);
      show(items);
    } catch (error) {
      if (!signal.aborted) setText(note, `They can't be read: ${error.message}`);
    }
  }

  function show(items) {
    const byOutcome = new Map();
    for (const one of items) byOutcome.set(one.outcome, [...(byOutcome.get(one.outcome) ?? []), one]);
    const order = [...WORDS.keys()];
    const ordered = [...byOutcome].sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]));
    for (const [outcome, group] of groups) {
      if (byOutcome.has(outcome)) continue;
      group.node.remove();
      groups.delete(outcome);
    }
    ordered.forEach(([outcome, reasons], index) => {
      if (!groups.has(outcome)) groups.set(outcome, newOutcome(outcome, signal));
      const group = groups.get(outcome);
      group.show(reasons);
      if (list.children[index] !== group.node) list.insertBefore(group.node, list.children[index] ?? null);
    });
    setText(note, "No address has answered yet.");
    setShown(note, items.length === 0);
  }

  return { node, load };
}

function newOutcome(outcome, signal) {
  const [words, picture] = WORDS.get(outcome) ?? [outcome, "unknown"];
  const amount = el("span", { class: "group-count" });
  const body = el("div", { class: "outcome-reasons" });
  const box = el("details", { "data-outcome": outcome }, el("summary", {}, icon(picture), el("span", { class: "outcome-word" }, words), amount), body);
  const known = new Map();

  return {
    node: el("li", { class: "outcome" }, box),
    show(reasons) {
      setText(amount, count(reasons.reduce((sum, one) => sum + one.addresses, 0)));
      const wanted = new Set(reasons.map((one) => one.reason));
      for (const [reason, one] of known) {
        if (wanted.has(reason)) continue;
        one.node.remove();
        known.delete(reason);
      }
      for (const one of reasons) {
        if (!known.has(one.reason)) {
          known.set(one.reason, newReason(outcome, one.reason, signal));
          body.append(known.get(one.reason).node);
        }
        known.get(one.reason).show(one);
      }
    },
  };
}

function newReason(outcome, reason, signal) {
  const amount = el("span", { class: "group-count" });
  const list = el("ul", { class: "addresses" });
  const ask = (cursor) => get("/addresses", { outcome, reason: outcome === "server" ? null : reason, limit: PAGE, cursor }, signal);
  const pages = newPages(list, ask, addressItem, { empty: "None any more.", failed: "They can't be read" });
  const title = outcome === "server" ? "Each with its machine" : reason || "no reason given";
  const box = el("details", { class: "reason" }, el("summary", {}, data(title, { class: "reason-text" }), amount), pages.node);
  box.addEventListener("toggle", () => {
    if (box.open && !list.childElementCount) pages.load();
  });
  return { node: box, show: (one) => setText(amount, count(one.addresses)) };
}

function addressItem(one) {
  const where = one.port === 22 ? one.address : `${one.address} port ${one.port}`;
  const name = one.server ? el("a", { href: serverLink(one.server) }, data(where)) : data(where);
  const again = one.retry_at && one.retry_at > Date.now() / 1000 ? el("span", { class: "sub" }, "tried again later") : "";
  return el("li", {}, name, fill(el("span", { class: "sub" }), age(one.at, Date.now() / 1000)), again);
}
