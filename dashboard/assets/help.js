// What the keys do, and whether they do it.

import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { keysOn, setKeysOn } from "./keys.js";

/** A dialog about `keys`; call the answer to open it. */
export function mountHelp(keys) {
  const rows = el("dl", { class: "keys" });
  const choice = el("input", { type: "checkbox", id: "keys-on", change: () => setKeysOn(choice.checked) });
  const close = el("button", { type: "button", class: "icon-button", "aria-label": "Close", click: () => dialog.close() }, icon("close"));
  const dialog = el(
    "dialog",
    { class: "dialog help", "aria-labelledby": "help-title" },
    el("div", { class: "dialog-head" }, el("h2", { id: "help-title" }, "Keyboard"), close),
    rows,
    el("label", { class: "choice", for: "keys-on" }, choice, "Single keys do something"),
    el("p", { class: "note" }, "Turn this off if your software types for you, such as speech input. Tab, Enter and the arrows work either way."),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);

  return () => {
    fill(rows, keys.list.map(({ keys: pressed, meaning }) => el("div", {}, el("dt", {}, pressed.split(" ").flatMap((key, index) => [index ? " then " : "", el("kbd", {}, key)])), el("dd", {}, meaning))));
    choice.checked = keysOn();
    if (!dialog.open) dialog.showModal();
  };
}
