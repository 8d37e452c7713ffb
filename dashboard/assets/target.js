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

  async function test() {
    button.disabled = true;
    setText(answer, "Sending…");
    try {
      const came = await post(`/targets/${encodeURIComponent(name)}/test`, {});
      setText(answer, came.sent ? "The test was sent." : `The test was not sent: ${came.error}`);
    } catch (failed) {
      setText(answer, `The test was not sent: ${failed.message}`);
    } finally {
      button.disabled = false;
    }
  }

  return {
    node,
    show(target) {
      const ok = target.state === "ok";
      setText(kind, target.kind);
      state.dataset.status = node.dataset.status = ok ? "normal" : "failed";
      fill(state, icon(ok ? "normal" : "failed"), ok ? "Ok" : "Failing");
      const parts = [
        !ok && target.failing_since ? [el("span", {}, "since ", age(target.failing_since, store.now()))] : [],
        target.queued ? [el("span", {}, `${count(target.queued)} waiting`, target.oldest ? [", the first ", age(target.oldest, store.now())] : [])] : [],
        [el("span", {}, target.last_sent ? ["last sent ", age(target.last_sent, store.now())] : "nothing sent yet")],
      ].flat();
      fill(about, parts.flatMap((part, index) => (index ? [" · ", part] : [part])));
      setText(error, ok ? "" : target.error);
      setShown(error, !ok && target.error !== "");
    },
  };
}
