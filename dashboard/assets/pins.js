// The servers a person keeps in view, remembered by this browser.

import { el, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";
import { kept } from "./kept.js";

const MOST = 100;
const ids = kept("pins", [], (found) => Array.isArray(found) && found.every((id) => typeof id === "string"));

/** The pinned ids, the latest last. */
export const pinned = () => ids.get();

export const isPinned = (id) => ids.get().includes(id);

/** Pin or unpin. Beyond 100 the oldest gives way. */
export function setPinned(id, wanted) {
  const others = ids.get().filter((one) => one !== id);
  ids.set(wanted ? [...others, id].slice(-MOST) : others);
}

/** Call `listener` after each change. The answer ends that. */
export const onPins = (listener) => ids.on(listener);

/** A button that pins the server `id`: its node, and `show()` to bring it up to date. */
export function newPinButton(id, name) {
  const text = el("span", { class: "unseen" });
  const node = el("button", { type: "button", class: "icon-button pin", click }, icon("pin"), text);

  function click(event) {
    event.stopPropagation();
    setPinned(id, !isPinned(id));
    show();
  }

  function show() {
    const on = isPinned(id);
    setAttribute(node, "aria-pressed", String(on));
    setAttribute(node, "title", on ? "Unpin from the overview" : "Pin to the overview");
    setText(text, `Pin ${name}`);
  }

  show();
  return { node, show };
}
