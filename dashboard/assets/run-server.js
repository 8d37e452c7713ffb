// A run on one server: its state, why it didn't run, what to know, and what it prints.

import { data, el, fill, setShown, setText } from "./dom.js";
import { duration } from "./format.js";
import { icon } from "./icons.js";
import { newOutput } from "./output.js";
import { serverLink } from "./route.js";
import { stateWords } from "./run-words.js";

/** {node, now, take(state), print(text), show(), tick(now), open(), restart()}: `take` and `print`
 * only remember, `show` draws. */
export function newRunServer(first, store) {
  const name = store.servers.get(first.server)?.hostname || first.hostname || first.server;
  const output = newOutput(`Output of ${name}`);
  const state = el("span", { class: "mark" });
  const took = el("span", { class: "sub" });
  const reason = data("", { class: "run-reason" });
  const warnings = el("ul", { class: "run-warnings" });
  const silent = el("p", { class: "sub", hidden: true }, "It printed nothing.");
  const box = el("details", { class: "run-output", hidden: true, toggle: () => box.open && show() }, el("summary", {}, "Output"), output.node);
  const node = el(
    "li",
    { class: "run-server" },
    el("div", { class: "run-server-head" }, el("a", { class: "run-server-name", href: serverLink(first.server) }, data(name)), state, took),
    reason,
    warnings,
    silent,
    box,
  );
  const row = {
    node,
    now: { state: "waiting", status: null },
    take(line) {
      row.now = line;
    },
    print: output.take,
    show,
    tick,
    open() {
      box.open = true;
    },
    restart() {
      output.clear();
    },
  };
  let said = "";

  function show() {
    const { now } = row;
    const [words, picture, status] = stateWords(now);
    if (said !== words) {
      said = words;
      state.dataset.status = node.dataset.status = status;
      fill(state, icon(picture), words);
      if (status === "failed") box.open = true;
    }
    setText(reason, now.reason ?? "");
    setShown(reason, Boolean(now.reason));
    const known = JSON.stringify(now.warnings ?? []);
    if (warnings.dataset.said !== known) {
      warnings.dataset.said = known;
      fill(warnings, (now.warnings ?? []).map((one) => el("li", {}, icon("warned"), data(one))));
      setShown(warnings, warnings.childElementCount > 0);
    }
    setShown(box, !output.isEmpty);
    setShown(silent, now.state === "done" && output.isEmpty);
    if (box.open) output.show(now.dropped ?? 0);
    tick(store.now());
  }

  function tick(at) {
    const { started, finished } = row.now;
    if (!started) setText(took, "");
    else if (finished) setText(took, `took ${duration(Math.max(0, finished - started))}`);
    else setText(took, `for ${duration(Math.max(0, Math.floor(at - started)))}`);
  }

  return row;
}
