// Who is far from the others: modified z-scores, from the median and the median absolute deviation.

import { data, el, fill, setText } from "./dom.js";
import { count, number, reading } from "./format.js";
import { serverLink } from "./route.js";
import { centre, OUTLYING, score } from "./statistics.js";

const MOST = 12;
const FEWEST = 5;

/** {node, show(sorted, series)}. `limits` is the sensor's definition, filled in later. */
export function newOutliers(limits) {
  const list = el("ol", { class: "outliers" });
  const summary = el("p", { class: "note-small" });
  let said = "";

  function row({ one, far }) {
    return el(
      "li",
      {},
      el("span", { class: "outlier-name" }, el("a", { href: serverLink(one.id) }, data(one.hostname)), one.instance === null ? [] : data(one.instance, { class: "value-instance" })),
      data(reading(one.value, limits.unit), { class: "value-now" }),
      el("span", { class: "outlier-far" }, `${number(Math.abs(far))} × ${far > 0 ? "above" : "below"}`),
    );
  }

  return {
    node: el("div", {}, list, summary),
    show(sorted, series) {
      const middle = centre(sorted);
      const isFar = (one) => sorted.length >= FEWEST && Math.abs(score(one.value, middle)) > OUTLYING;
      const found = series
        .filter(isFar)
        .map((one) => ({ one, far: score(one.value, middle) }))
        .sort((a, b) => Math.abs(b.far) - Math.abs(a.far) || (a.one.key < b.one.key ? -1 : 1));
      const shown = found.slice(0, MOST);
      const now = shown.map(({ one, far }) => `${one.key}${reading(one.value, limits.unit)}${number(far)}`).join();
      setText(summary, saying(sorted, middle, found.length, limits.unit));
      if (now === said || list.contains(document.activeElement)) return;
      said = now;
      fill(list, shown.map(row));
    },
  };
}

function saying(sorted, { median, spread }, all, unit) {
  if (sorted.length < FEWEST) return `Too few values to tell: at least ${FEWEST} are needed.`;
  const usual = `The median is ${reading(median, unit)}, the usual distance from it ${reading(spread, unit)} (median absolute deviation × 1.4826)`;
  if (!all) return `${usual}; nothing is more than ${OUTLYING} times that away.`;
  const more = all > MOST ? ` The ${MOST} furthest of ${count(all)} are shown.` : "";
  return `${usual}; an outlier is more than ${OUTLYING} times that away.${more}`;
}
