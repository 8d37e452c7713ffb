// The whole fleet's levels as one bar, each part leading to its servers.

import { el, setAttribute, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { word } from "./levels.js";
import { linkTo } from "./route.js";

const ORDER = ["alarmed", "quarantined", "warned", "disconnected", "normal"];

/** The bar of `store`, as a node that keeps itself up to date. */
export function newLevelBar(store) {
  const bar = el("div", { class: "level-bar-parts", "aria-hidden": "true" });
  const words = el("ul", { class: "level-bar-words" });
  const node = el("section", { class: "level-bar", "aria-label": "Servers by level" }, words, bar);
  const parts = new Map();
  for (const level of ORDER) {
    const piece = el("span", { class: "level-bar-part", "data-level": level });
    const amount = el("span", { class: "level-bar-count" }, "0");
    const link = el("a", { href: linkTo("/fleet", { level }), "data-level": level }, icon(level), amount, " ", word(level).toLowerCase());
    const item = el("li", {}, link);
    bar.append(piece);
    words.append(item);
    parts.set(level, { piece, amount, item, link });
  }

  const silent = el("span", { class: "level-bar-count" }, "0");
  const quiet = el("li", { hidden: true }, el("a", { href: linkTo("/fleet", { level: "silenced" }), title: "All of them, or all that is wrong with them, is silenced" }, icon("silenced"), silent, " silenced"));
  words.append(quiet);

  function show() {
    const silenced = store.counts.get("silenced") ?? 0;
    setText(silent, count(silenced));
    setShown(quiet, silenced > 0);
    for (const [level, { piece, amount, item, link }] of parts) {
      const now = store.counts.get(level) ?? 0;
      setText(amount, count(now));
      setAttribute(link, "data-zero", now === 0);
      setShown(item, now > 0 || level === "normal");
      setShown(piece, now > 0);
      const grow = String(now);
      if (piece.style.flexGrow !== grow) piece.style.flexGrow = grow;
    }
  }

  store.on("shapes", show);
  show();
  return { node };
}
