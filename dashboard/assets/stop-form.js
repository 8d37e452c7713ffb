// The switch that stops all reactions, with a reason.

import { el, setShown, setText } from "./dom.js";
import { icon } from "./icons.js";
import { stopReactions } from "./stopped.js";

/** {button, node}: the button opens the form `node`. */
export function newStopForm() {
  const reason = el("input", { type: "text", id: "stop-reason", class: "search", maxlength: 500, autocomplete: "off", placeholder: "Why? Everybody reads it." });
  const answer = el("p", { class: "answer", role: "alert" });
  const stop = el("button", { type: "submit", class: "button danger" }, "Stop everything now");
  const cancel = el("button", { type: "button", class: "button", click: () => open(false) }, "Cancel");
  const button = el("button", { type: "button", class: "button danger needs-act", "aria-expanded": "false", click: () => open(node.hidden) }, icon("stopped"), "Stop all reactions…");
  const node = el(
    "form",
    { class: "callout stop-form", hidden: true, "aria-label": "Stop all reactions", submit },
    el("p", {}, "Nothing that is not running yet will run: no reaction, and nothing by hand. What runs goes on to its end. It stays so, also after a restart, until somebody resumes."),
    el("div", { class: "named" }, el("label", { for: "stop-reason" }, "Reason"), reason),
    el("div", { class: "form-foot" }, stop, cancel, answer),
  );

  function open(wanted) {
    setShown(node, wanted);
    button.setAttribute("aria-expanded", String(wanted));
    setText(answer, "");
    (wanted ? reason : button).focus();
  }

  async function submit(event) {
    event.preventDefault();
    if (!reason.value.trim()) {
      setText(answer, "Say why: everybody reads it.");
      reason.focus();
      return;
    }
    stop.disabled = true;
    try {
      await stopReactions(reason.value.trim());
      reason.value = "";
      open(false);
    } catch (error) {
      setText(answer, `Not stopped: ${error.message}`);
    } finally {
      stop.disabled = false;
    }
  }

  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") open(false);
  });
  return { button, node };
}
