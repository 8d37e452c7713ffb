// One configured range: what it is, how far its sweep has come, when the next one is.

import { age, moment } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count, duration, number } from "./format.js";

/** {node, show(range, mayOrder), follow(sweeps), allow(may), tick()}. `sweep` asks for one now. */
export function newRange(store, sweep) {
  const title = el("h3");
  const about = el("p", { class: "sub" });
  const labels = el("span", { class: "range-labels" });
  const bar = el("progress", { max: 1, value: 0 });
  const progress = el("p", { class: "range-progress" });
  const last = el("p", { class: "sub" });
  const next = el("p", { class: "sub" });
  const button = el("button", { type: "button", class: "button", click: order }, "Sweep now");
  const node = el(
    "li",
    { class: "range" },
    el("div", { class: "range-head" }, title, labels, button),
    about,
    el("div", { class: "range-now" }, bar, progress),
    el("div", { class: "range-times" }, last, next),
  );
  let range = null;
  let running = null;

  async function order() {
    button.disabled = true;
    await sweep();
    button.disabled = Boolean(running);
  }

  function showProgress() {
    setShown(bar.parentNode, Boolean(running));
    setShown(next, !running);
    button.disabled = Boolean(running);
    if (!running) return;
    bar.value = running.total ? Math.min(1, running.done / running.total) : 0;
    const left = running.left_s === null ? "" : `${duration(Math.max(0, Math.round(running.left_s)))} left`;
    const parts = [`${Math.floor(bar.value * 100)} %`, `${count(running.done)} of ${count(running.total)}`, `${number(running.rate)} a second`, `${count(running.found)} found`, left];
    setText(progress, parts.filter(Boolean).join(" · "));
  }

  function tick() {
    if (!range || running) return;
    const now = store.now();
    if (range.next === null) setText(next, "Waits for its turn");
    else fill(next, "Next ", moment(range.next, range.next <= now ? "now" : `in ${duration(Math.max(1, Math.round(range.next - now)))}`));
  }

  return {
    node,
    tick,
    allow: (may) => setShown(button, may),
    follow(sweeps) {
      const now = sweeps.find((one) => one.range === range?.range && one.finished === null) ?? null;
      if (now) running = now;
      else if (running && sweeps.some((one) => one.id === running.id && one.finished !== null)) running = null;
      showProgress();
    },
    show(one, mayOrder) {
      range = one;
      running = one.running;
      fill(title, data(one.range));
      bar.setAttribute("aria-label", `Sweep of ${one.range}`);
      button.setAttribute("aria-label", `Sweep ${one.range} now`);
      fill(labels, Object.entries(one.labels).map(([key, value]) => data(`${key}: ${value}`, { class: "range-label" })));
      const ports = `${one.ports.length === 1 ? "port" : "ports"} ${one.ports.join(", ")}`;
      setText(about, [`${count(one.addresses)} ${one.addresses === 1 ? "address" : "addresses"}`, ports, one.user ? `as ${one.user}` : "", `every ${duration(one.every)}`].filter(Boolean).join(" · "));
      if (one.last) fill(last, "Last ", age(one.last.finished, store.now()), `: ${count(one.last.found)} found in ${duration(one.last.finished - one.last.started)}`);
      else fill(last, "Not swept yet since the daemon started");
      setShown(button, mayOrder);
      showProgress();
      tick();
    },
  };
}
