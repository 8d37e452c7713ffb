// The console: a line to type commands in, with history and completion (the key "`").

import { isAllowed } from "./allowed.js";
import { completions, createCommands, runLine } from "./commands.js";
import { data, el, fill, setShown } from "./dom.js";
import { icon } from "./icons.js";
import { kept } from "./kept.js";

const MOST_LINES = 400;
const MOST_HISTORY = 100;

const past = kept("console", [], (found) => Array.isArray(found) && found.every((line) => typeof line === "string"));

/** The console at the foot of the page; see createCommands for `shell` and `pages`. The answer
 * has `toggle()`. */
export function mountConsole(store, shell, pages) {
  const output = el("div", { class: "console-output", role: "log", "aria-label": "Console output", tabindex: "0" });
  const offered = el("p", { class: "console-offered", role: "status" });
  const input = el("input", { type: "text", class: "console-input", "aria-label": "Command", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 500, placeholder: "help" });
  const close = el("button", { type: "button", class: "icon-button", "aria-label": "Close the console", click: () => show(false) }, icon("close"));
  const node = el(
    "section",
    { class: "console", "aria-label": "Console", hidden: true },
    el("div", { class: "console-head" }, el("span", {}, "Console"), close),
    output,
    offered,
    el("div", { class: "console-line" }, el("span", { "aria-hidden": "true" }, "›"), input),
  );
  document.body.append(node);
  const commands = createCommands(store, { ...shell, clear: () => void fill(output), close: () => show(false) }, pages);
  // What a person may not do isn't offered to them.
  for (const { name, scope } of [...commands]) {
    if (scope) isAllowed(scope).then((allowed) => allowed || commands.splice(commands.findIndex((one) => one.name === name), 1));
  }
  let before = null;
  let at = 0;

  function say(lines, kind) {
    for (const line of lines) output.append(el("div", { class: `console-${kind}` }, data(line)));
    while (output.childElementCount > MOST_LINES) output.firstElementChild.remove();
    output.scrollTop = output.scrollHeight;
  }

  async function run() {
    const line = input.value.trim();
    input.value = "";
    fill(offered);
    if (!line) return;
    past.set([...past.get().filter((old) => old !== line), line].slice(-MOST_HISTORY));
    at = past.get().length;
    say([`› ${line}`], "asked");
    try {
      say(await runLine(commands, line), "said");
    } catch (error) {
      say([error.message], "wrong");
    }
  }

  function recall(step) {
    const lines = past.get();
    at = Math.max(0, Math.min(lines.length, at + step));
    input.value = lines[at] ?? "";
  }

  function complete() {
    const found = completions(commands, input.value);
    if (!found.length) return;
    input.value = found.length === 1 ? found[0] : shared(found);
    fill(offered, found.length === 1 ? [] : found.map((line) => data(line.trimEnd().split(" ").at(-1))));
  }

  input.addEventListener("keydown", (event) => {
    const acts = { Enter: run, ArrowUp: () => recall(-1), ArrowDown: () => recall(1), Escape: () => show(false), "`": () => show(false) };
    // An empty line has nothing to complete: Tab goes on as everywhere.
    if (event.key === "Tab" && !event.shiftKey && input.value) acts.Tab = complete;
    if (!Object.hasOwn(acts, event.key) || event.isComposing) return;
    event.preventDefault();
    acts[event.key]();
  });
  input.addEventListener("input", () => fill(offered));
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(false);
  });

  function show(wanted) {
    if (node.hidden !== wanted) return;
    setShown(node, wanted);
    document.body.classList.toggle("with-console", wanted);
    if (wanted) {
      before = document.activeElement;
      at = past.get().length;
      if (!output.childElementCount) say(["Type help for what there is. Tab completes, ↑ recalls, ` or Esc closes."], "said");
      input.focus();
    } else if (node.contains(document.activeElement) || document.activeElement === document.body) {
      before?.focus?.();
    }
  }

  return { toggle: () => show(node.hidden) };
}

function shared(lines) {
  let end = lines[0].length;
  for (const line of lines) while (!line.toLowerCase().startsWith(lines[0].slice(0, end).toLowerCase())) end -= 1;
  return lines[0].slice(0, end);
}
