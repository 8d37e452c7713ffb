// Which servers have a sensor, which don't, and why.

import { get } from "./api.js";
import { newPages } from "./bits.js";
import { data, el, fill } from "./dom.js";
import { count } from "./format.js";
import { serverLink } from "./route.js";

const PAGE = 50;

/** {node, show(coverage)} of the sensor `name`. */
export function newCoverage(name) {
  const summary = el("p");
  const bar = el("div", { class: "coverage-bar", "aria-hidden": "true" });
  const groups = el("div", { class: "reasons" });
  const node = el("div", {}, bar, summary, groups);
  let said = "";

  return {
    node,
    show(coverage) {
      // An open group stays open until there is something else to tell.
      const now = JSON.stringify(coverage);
      if (now === said) return;
      said = now;
      const { servers, supported, unsupported, unknown, reasons } = coverage;
      fill(bar, [["has", supported], ["lacks", unsupported], ["unknown", unknown]].filter(([, amount]) => amount).map(([kind, amount]) => piece(kind, amount)));
      fill(summary, `${count(supported)} of ${count(servers)} servers have it.`);
      fill(
        groups,
        reasons.map(({ reason, servers: amount }) => newGroup(name, reason, amount, { supported: false, reason })),
        unknown ? newGroup(name, "not verified yet", unknown, { reason: "it has not been verified yet" }) : [],
      );
    },
  };
}

function piece(kind, amount) {
  const node = el("span", { class: `coverage-${kind}` });
  node.style.flexGrow = String(amount);
  return node;
}

function newGroup(name, reason, amount, wanted) {
  const list = el("ul", { class: "group-members" });
  const ask = (cursor) => get(`/sensors/${encodeURIComponent(name.toWellFormed())}/servers`, { ...wanted, limit: PAGE, cursor });
  const row = (one) => el("li", {}, el("a", { href: serverLink(one.id) }, data(one.hostname || one.id)));
  const pages = newPages(list, ask, row, { empty: "None any more.", failed: "They can't be read" });
  const box = el("details", { class: "reason" }, el("summary", {}, data(reason, { class: "reason-text" }), el("span", { class: "group-count" }, count(amount))), pages.node);
  box.addEventListener("toggle", () => {
    if (box.open && !list.childElementCount) pages.load();
  });
  return box;
}
