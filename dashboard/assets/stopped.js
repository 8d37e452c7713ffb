// All reactions are stopped: said on every page while it is so, with the way to go on.

import { get, put, remove } from "./api.js";
import { moment } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { icon } from "./icons.js";
import { paced } from "./slices.js";

const GAP = 500;

/** Stop all reactions. Rejects like `get`. */
export const stopReactions = (reason) => put("/reactions/stop", { reason });

/** Let them run again. Rejects like `get`. */
export const resumeReactions = () => remove("/reactions/stop");

/** The bar into `place`, shown while the daemon says that reactions are stopped. */
export function mountStopped(store, place) {
  const text = el("p", { class: "stopped-text", role: "alert", tabindex: "0" });
  const answer = el("span", { class: "stopped-answer", role: "status" });
  const ask = el("button", { type: "button", class: "button", click: () => sure(true) }, "Resume…");
  const yes = el("button", { type: "button", class: "button", click: resume }, "Yes, resume");
  const no = el("button", { type: "button", class: "button", click: () => sure(false) }, "No");
  const question = el("span", { class: "stopped-question", role: "group", "aria-label": "Let reactions run again?" }, "Let reactions run again?", yes, no);
  let stopped = false;
  let explained = false;
  fill(place, icon("stopped"), text, answer, el("span", { class: "stopped-ways needs-act" }, ask, question));

  function sure(wanted) {
    setShown(ask, !wanted);
    setShown(question, wanted);
    (wanted ? yes : ask).focus();
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

  const say = (...parts) => fill(text, el("strong", {}, "Reactions are stopped"), ...parts.flat());

  // The frames say that it is so, the API who did it, when and why.
  const explain = paced(async () => {
    const { stopped: by } = await get("/reactions").catch(() => ({}));
    if (!stopped || !by) return;
    explained = true;
    say(" by ", data(by.by), " since ", moment(by.at), by.reason ? [": ", data(by.reason)] : "");
  }, GAP, new AbortController().signal);

  function show({ reactions_stopped: now }) {
    if (Boolean(now) !== stopped) change(Boolean(now));
    if (stopped && !explained) explain();
  }

  function change(now) {
    stopped = now;
    explained = false;
    // Whoever had the focus here isn't left nowhere.
    const focused = !now && place.contains(document.activeElement);
    setShown(place, now);
    if (focused) document.getElementById("main").focus({ preventScroll: true });
    setShown(ask, true);
    setShown(question, false);
    setText(answer, "");
    say(".");
  }

  store.on("stats", show);
  store.on("news", (events) => {
    if (stopped && events.some(({ type }) => type === "control")) explain();
  });
  if (store.stats) show(store.stats);
}
