// All reactions are stopped: said on every page while it is so, with the way to go on.

import { put, remove } from "./api.js";
import { moment } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { icon } from "./icons.js";

/** Stop all reactions. Rejects like `get`. */
export const stopReactions = (reason) => put("/reactions/stop", { reason });

/** Let them run again. Rejects like `get`. */
export const resumeReactions = () => remove("/reactions/stop");

/** The bar into `place`, shown while the daemon says that reactions are stopped. */
export function mountStopped(store, place) {
  const text = el("p", { class: "stopped-text", role: "alert" });
  const answer = el("span", { class: "stopped-answer", role: "status" });
  const ask = el("button", { type: "button", class: "button", click: () => sure(true) }, "Resume…");
  const yes = el("button", { type: "button", class: "button", click: resume }, "Yes, resume");
  const no = el("button", { type: "button", class: "button", click: () => sure(false) }, "No");
  const question = el("span", { class: "stopped-question", role: "group", "aria-label": "Let reactions run again?" }, "Let reactions run again?", yes, no);
  let said = "";
  fill(place, icon("stopped"), text, answer, el("span", { class: "stopped-ways needs-act" }, ask, question));

  function sure(asking) {
    setShown(ask, !asking);
    setShown(question, asking);
    (asking ? yes : ask).focus();
  }

  async function resume() {
    yes.disabled = true;
    setText(answer, "");
    try {
      await resumeReactions();
    } catch (error) {
      setText(answer, `Still stopped: ${error.message}`);
    } finally {
      yes.disabled = false;
    }
  }

  function show({ reactions_stopped: stop }) {
    const now = JSON.stringify(stop ?? null);
    if (now === said) return;
    said = now;
    // Whoever had the focus here isn't left nowhere.
    const focused = !stop && place.contains(document.activeElement);
    setShown(place, Boolean(stop));
    if (focused) document.getElementById("main").focus({ preventScroll: true });
    setShown(ask, true);
    setShown(question, false);
    setText(answer, "");
    if (!stop) return;
    fill(text, el("strong", {}, "Reactions are stopped"), " by ", data(stop.by), " since ", moment(stop.at), stop.reason ? [": ", data(stop.reason)] : "");
  }

  store.on("stats", show);
  if (store.stats) show(store.stats);
}
