// What a run would do on each server, to be looked at before it begins.

import { section } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { serverLink } from "./route.js";
import { OVERRIDES } from "./run-words.js";

/** {node, show(preview, overridden), clear(), busy(is), say(text)}. `run(preview)` is called when
 * it is confirmed, `override(guards)` when others are to be overridden. */
export function newPreview({ run, override }) {
  const heading = el("p", { class: "preview-sum", tabindex: "-1", role: "status" });
  const choices = el("div", { class: "overrides", role: "group", "aria-label": "Run all the same" });
  const answer = el("p", { class: "answer", role: "alert" });
  const lists = { run: el("ul", { class: "prospects", "aria-label": "Would run" }), held: el("ul", { class: "prospects", "aria-label": "Held" }) };
  const titles = { run: el("h3"), held: el("h3") };
  const go = el("button", { type: "button", class: "button primary danger", click: () => run(seen) });
  const node = section(
    "Preview",
    null,
    heading,
    choices,
    el("div", { class: "form-foot" }, go, answer),
    titles.held,
    lists.held,
    titles.run,
    lists.run,
  );
  let seen = null;
  node.hidden = true;

  function showOverrides(overridden) {
    const held = new Map();
    for (const { guard } of seen.servers) if (OVERRIDES.has(guard)) held.set(guard, (held.get(guard) ?? 0) + 1);
    for (const guard of overridden) if (!held.has(guard)) held.set(guard, 0);
    const rows = [...held].map(([guard, amount]) => {
      const box = el("input", { type: "checkbox", checked: overridden.includes(guard), change: () => override(box.checked ? [...overridden, guard] : overridden.filter((one) => one !== guard)) });
      return el("label", { class: "choice-line" }, box, `Run all the same, ${OVERRIDES.get(guard)}${amount ? ` (${count(amount)} held)` : ""}`);
    });
    fill(choices, rows);
    setShown(choices, rows.length > 0);
  }

  return {
    node,
    clear() {
      seen = null;
      setShown(node, false);
    },
    busy(is) {
      go.disabled = is || !seen?.would_run;
    },
    say(text) {
      setText(answer, text);
    },
    show(preview, overridden) {
      seen = preview;
      setText(answer, "");
      setShown(node, true);
      const { would_run: would, held } = preview;
      setText(heading, would ? `It would run on ${servers(would)}${held ? `; ${servers(held)} ${held === 1 ? "is" : "are"} held` : ""}.` : "It would run nowhere.");
      setText(go, would ? `Run on ${servers(would)} now` : "Nothing to run");
      go.disabled = !would;
      showOverrides(overridden);
      const commands = new Set(preview.servers.filter((one) => one.would === "run").map((one) => one.command));
      for (const [kind, title] of [["run", "Would run"], ["held", "Held"]]) {
        const found = preview.servers.filter((one) => one.would === kind);
        fill(lists[kind], found.map((one) => prospect(one, commands.size > 1)));
        setText(titles[kind], `${title} (${count(found.length)})`);
        setShown(titles[kind], found.length > 0);
        setShown(lists[kind], found.length > 0);
      }
      heading.focus({ preventScroll: true });
      (would ? go : heading).scrollIntoView({ block: "nearest" });
    },
  };
}

const servers = (amount) => `${count(amount)} ${amount === 1 ? "server" : "servers"}`;

function prospect(one, withCommand) {
  const runs = one.would === "run";
  return el(
    "li",
    { class: "prospect" },
    el("span", { class: "mark", "data-status": runs ? "normal" : "warned" }, icon(runs ? "normal" : "minus"), runs ? "Would run" : "Held"),
    el(
      "div",
      { class: "prospect-what" },
      el("a", { href: serverLink(one.server) }, data(one.hostname || one.server)),
      one.reason ? data(one.reason, { class: "prospect-why" }) : [],
      one.warnings.map((warning) => el("span", { class: "prospect-warning" }, icon("warned"), data(warning))),
      runs && withCommand ? el("code", {}, data(one.command)) : [],
    ),
  );
}
