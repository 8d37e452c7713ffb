// How much reactions may do at once and within a while, and how much of that is used.

import { data, el, setText } from "./dom.js";
import { count } from "./format.js";

/** {node, show(limits)}: each of `limits` is {name, detail, now, most}. */
export function newLimits() {
  const list = el("ul", { class: "limits" });
  const rows = new Map();

  function newRow({ name }) {
    const words = el("span", { class: "limit-used" });
    const meter = el("meter", { class: "limit-meter", min: 0, "aria-label": name });
    const detail = el("span", { class: "sub" });
    const node = el("li", { class: "limit" }, el("span", { class: "limit-head" }, data(name), words), meter, detail);
    list.append(node);
    return { node, words, meter, detail };
  }

  return {
    node: list,
    show(limits) {
      const wanted = new Set(limits.map(({ name }) => name));
      for (const [name, row] of rows) {
        if (wanted.has(name)) continue;
        row.node.remove();
        rows.delete(name);
      }
      for (const limit of limits) {
        if (!rows.has(limit.name)) rows.set(limit.name, newRow(limit));
        const { node, words, meter, detail } = rows.get(limit.name);
        const full = limit.now >= limit.most;
        meter.max = Math.max(1, limit.most);
        meter.value = Math.min(limit.now, limit.most);
        node.dataset.full = String(full);
        setText(words, `${count(limit.now)} of ${count(limit.most)}${full ? " – full" : ""}`);
        setText(detail, limit.detail);
      }
    },
  };
}
