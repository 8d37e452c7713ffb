// How far the sweeps have come, and a button for another.

import { post } from "./api.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { ago, count, duration, number } from "./format.js";

const MOST_BARS = 4;

/** Show the sweeps of `store` in `panel`. */
export function mountSweeps(store, panel) {
  const bars = el("ul", { class: "sweep-bars" });
  const summary = el("span", { class: "sweep-summary" });
  const answer = el("span", { class: "sweep-answer", role: "status" });
  const button = el("button", { type: "button", class: "button", click: sweepNow }, "Sweep now");
  fill(panel, bars, el("div", { class: "sweep-foot" }, summary, answer, button));
  const shown = new Map();

  async function sweepNow() {
    button.disabled = true;
    try {
      const { items } = await post("/sweeps", {});
      setText(answer, items.length === 1 ? "Sweep started." : `${items.length} sweeps started.`);
    } catch (error) {
      setText(answer, `No sweep: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  }

  function show() {
    const running = store.sweeps.filter((sweep) => sweep.finished === null);
    const visible = running.slice(0, MOST_BARS);
    const wanted = new Set(visible.map((sweep) => sweep.id));
    for (const [id, bar] of shown) {
      if (!wanted.has(id)) {
        bar.node.remove();
        shown.delete(id);
      }
    }
    for (const sweep of visible) {
      if (!shown.has(sweep.id)) {
        shown.set(sweep.id, newBar(sweep));
        bars.append(shown.get(sweep.id).node);
      }
      shown.get(sweep.id).show(sweep);
    }
    setText(summary, summarize(store, running.length - visible.length));
    setShown(bars, visible.length > 0);
  }

  store.on("sweeps", show);
  setInterval(() => setText(summary, summarize(store, 0)), 10000);
}

function newBar(sweep) {
  const bar = el("progress", { max: 1, value: 0, "aria-label": `Sweep of ${sweep.range}` });
  const text = el("span", { class: "sweep-text" });
  const node = el("li", {}, el("span", { class: "sweep-range" }, "Sweeping ", data(sweep.range)), bar, text);
  return {
    node,
    show(now) {
      bar.value = now.total ? Math.min(1, now.done / now.total) : 0;
      const parts = [
        `${Math.floor(bar.value * 100)} %`,
        `${number(now.rate)} addresses/s`,
        `${count(now.found)} found`,
        now.left_s === null ? "" : `${duration(Math.max(0, Math.round(now.left_s)))} left`,
      ];
      setText(text, parts.filter(Boolean).join(" · "));
    },
  };
}

function summarize(store, more) {
  if (more > 0) return `and ${count(more)} more sweeps under way`;
  const last = store.sweeps.find((sweep) => sweep.finished !== null);
  if (!last) return store.sweeps.length ? "" : "No sweep yet.";
  const when = ago(store.now() - last.finished);
  return `Last finished: ${last.range}, ${count(last.found)} of ${count(last.total)} addresses are servers, ${when}.`;
}
