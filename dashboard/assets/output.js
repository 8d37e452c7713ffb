// What a command prints, as it comes: its last lines, so that an endless one does no harm.

import { el, setShown, setText } from "./dom.js";
import { count } from "./format.js";

const MOST_LINES = 200;
const MOST_CHARACTERS = 20000;

/** Output called `name`: {node, take(text), clear(), show(dropped)}. `show` draws what was taken
 * since; `dropped` are characters that the daemon didn't keep. */
export function newOutput(name) {
  const text = el("pre", { class: "code output-text", tabindex: "0", "aria-label": name });
  const note = el("p", { class: "note-small", hidden: true });
  let kept = "";
  let left = 0;

  function take(more) {
    kept += more.replace(/\r\n?/g, "\n");
    let from = Math.max(0, kept.length - MOST_CHARACTERS);
    // From the beginning of a line, if one begins there at all.
    if (from) from = kept.indexOf("\n", from) + 1 || from;
    let lines = 0;
    for (let at = kept.length - 2; at >= from; at -= 1) {
      if (kept[at] === "\n" && ++lines === MOST_LINES) from = at + 1;
    }
    left += from;
    kept = kept.slice(from);
  }

  return {
    node: el("div", { class: "output" }, note, text),
    take,
    clear() {
      kept = "";
      left = 0;
    },
    /** Whether it printed anything. */
    get isEmpty() {
      return kept === "" && left === 0;
    },
    show(dropped = 0) {
      const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 8;
      setText(text, kept, MOST_CHARACTERS + 1);
      const parts = [left ? `Only the end is shown: ${count(left)} characters came before it.` : "", dropped ? `${count(dropped)} characters more were not kept.` : ""];
      setText(note, parts.filter(Boolean).join(" "));
      setShown(note, note.textContent !== "");
      if (atEnd) text.scrollTop = text.scrollHeight;
    },
  };
}
