// One silence: what it is about, why and by whom, and when it holds.

import { get } from "./api.js";
import { moment } from "./bits.js";
import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { duration } from "./format.js";
import { icon } from "./icons.js";
import { newSilenceLink } from "./route.js";
import { labelsText, matchWords, untilWords, weeklyWords, whatWords } from "./silence-words.js";

const WORDS = new Map([["holds", ["Silent", "silenced"]], ["active", ["Between windows", "stale"]], ["pending", ["Not begun", "stale"]], ["expired", ["Over", "normal"]]]);

/** {node, show(silence, now, mayAct), allow(mayAct), tick(now)}. `end` ends it. */
export function newSilenceRow(end) {
  const state = el("span", { class: "silence-state" });
  const what = el("h3");
  const reason = data("", { class: "silence-reason" });
  const by = el("span", { class: "sub" });
  const when = el("span", {});
  const left = el("span", { class: "sub" });
  const weekly = el("span", { class: "silence-weekly" });
  const reached = el("p", { class: "silence-reached" });
  const reach = el("details", { toggle: () => reach.open && look() }, el("summary", {}, "What it matches"), reached);
  const button = el("button", { type: "button", class: "button", click: order }, "End now");
  const again = el("a", { class: "button" }, "Again…");
  const node = el(
    "li",
    { class: "silence" },
    state,
    el("div", { class: "silence-what" }, what, reason, by, reach),
    el("div", { class: "silence-when" }, when, weekly, left),
    el("div", { class: "silence-do" }, button, again),
  );
  let silence = null;
  let known = "";

  async function order() {
    button.disabled = true;
    await end();
    button.disabled = false;
  }

  async function look() {
    try {
      fill(reached, matchWords(await get(`/silences/${Number(silence.id)}`), true));
    } catch (error) {
      setText(reached, `It can't be asked: ${error.message}`);
    }
  }

  function tick(now) {
    const { starts, ends } = silence;
    if (silence.state === "pending") setText(left, `begins in ${duration(Math.max(1, Math.round(starts - now)))}`);
    else if (silence.state === "active") setText(left, ends === null ? "" : `${duration(Math.max(1, Math.round(ends - now)))} left`);
  }

  function allow(may) {
    setShown(button, may && silence.state !== "expired");
    setShown(again, may && silence.state === "expired");
  }

  function show(found, now, may) {
    silence = found;
    allow(may);
    tick(now);
    const text = JSON.stringify(found);
    if (text === known) return;
    known = text;
    const [word, picture] = WORDS.get(found.holds ? "holds" : found.state) ?? WORDS.get("expired");
    node.dataset.state = found.holds ? "holds" : found.state;
    fill(state, icon(picture), word);
    const words = whatWords(found);
    fill(what, words);
    setText(reason, found.reason);
    fill(by, "by ", data(found.author || "somebody"), found.ended_by ? [", ended by ", data(found.ended_by)] : []);
    fill(when, found.state === "pending" ? ["from ", moment(found.starts), " "] : [], found.state === "expired" ? [moment(found.starts), " to ", moment(found.ends)] : untilWords(found.ends));
    if (found.state === "expired") setText(left, `lasted ${duration(Math.max(0, found.ends - found.starts))}`);
    const next = found.weekly && !found.holds && found.state !== "expired" ? found.window : null;
    fill(weekly, found.weekly ? data(weeklyWords(found.weekly)) : [], next ? [", next ", moment(next.from)] : []);
    setShown(weekly, Boolean(found.weekly));
    setShown(reach, found.state !== "expired");
    if (reach.open) look();
    const name = what.textContent;
    setText(button, found.state === "pending" ? "Call off" : "End now");
    setAttribute(button, "aria-label", `${button.textContent}: ${name}`);
    setAttribute(again, "aria-label", `Again: ${name}`);
    setAttribute(again, "href", newSilenceLink({ server: found.server, sensor: found.sensor, labels: labelsText(found.labels), reason: found.reason }));
  }

  return { node, show, allow, tick };
}
