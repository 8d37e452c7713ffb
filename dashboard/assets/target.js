// One target of notices: whether it can be reached, and a message to try it with.

import { post } from "./api.js";
import { age } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";

/** {node, show(target)}. */
export function newTarget(name, store) {
  const kind = data("", { class: "sub" });
  const state = el("span", { class: "mark" });
  const about = el("span", { class: "target-about sub" });
  const error = data("", { class: "target-error" });
  const answer = el("p", { class: "target-answer", role: "status" });
  const button = el("button", { type: "button", class: "button needs-act", "aria-label": `Send a test to ${name}`, click: test }, "Send a test");
  const node = el(
    "li",
    { class: "target" },
    el("div", { class: "target-head" }, el("h3", {}, data(name)), kind, state, button),
    about,
    error,
    answer,
  );
  let said = "";

  async function test() {
    button.disabled = true;
    setText(answer, "Sending…");
    try {
      const came = await post(`/targets/${encodeURIComponent(name)}/test`, {});
      setText(answer, came.error ? `The test did not arrive: ${came.error}` : "The test was sent.");
    } catch (failed) {
      setText(answer, `The test did not arrive: ${failed.message}`);
    } finally {
      button.disabled = false;
    }
  }

  return {
    node,
    show(target) {
      const ok = target.state === "ok";
      const now = JSON.stringify(target);
      if (now === said && ok) return;
      said = now;
      setText(kind, target.kind ?? "");
      state.dataset.status = node.dataset.status = ok ? "normal" : "failed";
      fill(state, icon(ok ? "normal" : "failed"), ok ? "Ok" : "Failing");
      fill(about, ok || !target.since ? "" : ["since ", age(target.since, store.now()), target.queued ? " · " : ""], target.queued ? `${count(target.queued)} waiting` : "");
      setText(error, ok ? "" : (target.error ?? ""));
      setShown(error, Boolean(!ok && target.error));
    },
  };
}
