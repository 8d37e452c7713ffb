// The end of a list of which there is more: a button that asks for older things, and what went
// wrong when they were asked for.

import { el, setShown, setText } from "./dom.js";

/** `load` fetches the next page and rejects like `get`; `things` are what the list holds. Put
 * `nodes` behind the list, and say with `show(whether)` whether there is more. */
export function newOlder(things, load, signal) {
  const more = el("button", { type: "button", class: "button", hidden: true, click }, `Older ${things}`);
  const problem = el("p", { class: "note", role: "alert", hidden: true });

  async function click() {
    more.disabled = true;
    try {
      await load();
      setShown(problem, false);
    } catch (error) {
      if (signal.aborted) return;
      setText(problem, `The older ${things} can't be read: ${error.message}`);
      setShown(problem, true);
    } finally {
      more.disabled = false;
    }
  }

  return { nodes: [more, problem], show: (whether) => setShown(more, whether) };
}
