// A text sensor's values: which servers say the same.

import { data, el, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { newPinButton } from "./pins.js";
import { serverLink } from "./route.js";

const MOST_GROUPS = 200;
const MOST_SERVERS = 100;

/** {node, show(series)}: the most frequent value first. */
export function newGroups() {
  const list = el("ul", { class: "same-values", "aria-label": "Values" });
  const note = el("p", { class: "note" }, "Nothing has been read yet.");
  const known = new Map();

  function newGroup(text) {
    const amount = el("span", { class: "group-count" });
    const bar = el("span", { class: "share-fill" });
    const members = el("ul", { class: "group-members" });
    const box = el(
      "details",
      {},
      el("summary", {}, data(text || "(empty)", { class: "group-value" }), amount, el("span", { class: "share", "aria-hidden": "true" }, bar)),
      members,
    );
    const group = { node: el("li", { class: "same-value" }, box), series: [], show };
    let said = "";

    function show(series, all) {
      group.series = series;
      setText(amount, `${count(series.length)} ${series.length === 1 ? "server" : "servers"}`);
      bar.style.width = `${(series.length / all) * 100}%`;
      if (box.open) open();
    }

    function open() {
      const shown = group.series.slice(0, MOST_SERVERS);
      const now = shown.map((one) => one.key).join("\n");
      if (now === said || members.contains(document.activeElement)) return;
      said = now;
      const left = group.series.length - shown.length;
      members.replaceChildren(...shown.map(member), ...(left > 0 ? [el("li", { class: "note-small" }, `and ${count(left)} more`)] : []));
    }

    box.addEventListener("toggle", () => box.open && open());
    return group;
  }

  return {
    node: el("div", {}, list, note),
    show(series) {
      const groups = new Map();
      for (const one of series) {
        if (!groups.has(one.value)) groups.set(one.value, []);
        groups.get(one.value).push(one);
      }
      const ordered = [...groups].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1)).slice(0, MOST_GROUPS);
      const wanted = new Set(ordered.map(([text]) => text));
      for (const [text, group] of known) {
        if (wanted.has(text)) continue;
        group.node.remove();
        known.delete(text);
      }
      let at = list.firstElementChild;
      for (const [text, members] of ordered) {
        if (!known.has(text)) known.set(text, newGroup(text));
        const group = known.get(text);
        group.show(members, series.length);
        if (group.node === at) at = at.nextElementSibling;
        else list.insertBefore(group.node, at);
      }
      const left = groups.size - ordered.length;
      setText(note, left > 0 ? `and ${count(left)} rarer values` : "Nothing has been read yet.");
      setShown(note, left > 0 || !groups.size);
    },
  };
}

function member(one) {
  const pin = newPinButton(one.id, one.hostname).node;
  return el("li", {}, el("a", { href: serverLink(one.id) }, data(one.hostname)), one.instance === null ? [] : data(one.instance, { class: "value-instance" }), pin);
}
