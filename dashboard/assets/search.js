// Finding a server, a sensor or a page by a few letters (the key "/").

import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { statusClass, word } from "./levels.js";
import { isPinned, setPinned } from "./pins.js";
import { compile } from "./query.js";
import { linkTo, sensorLink, serverLink } from "./route.js";

const MOST_SERVERS = 12;
const MOST_SENSORS = 6;
const DEBOUNCE = 60;

/** A dialog that finds in `store` and among `pages` ([label, link, icon]). The answer's
 * `open(text)` shows it. */
export function mountSearch(store, pages) {
  const input = el("input", {
    type: "text", class: "palette-input", role: "combobox", "aria-label": "Search servers, addresses, labels and sensors",
    "aria-expanded": "true", "aria-controls": "palette-results", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", maxlength: 200,
    placeholder: "Hostname, address, label, sensor…",
  });
  const results = el("div", { id: "palette-results", class: "palette-results", role: "grid", "aria-label": "Found" });
  const note = el("p", { class: "palette-note", role: "status" });
  const dialog = el(
    "dialog",
    { class: "dialog palette", "aria-label": "Search" },
    el("div", { class: "palette-top" }, icon("search"), input, el("kbd", {}, "Esc")),
    results,
    note,
    el("p", { class: "palette-keys", "aria-hidden": "true" }, el("kbd", {}, "↑"), el("kbd", {}, "↓"), " choose ", el("kbd", {}, "Enter"), " open ", el("kbd", {}, "Ctrl"), el("kbd", {}, "P"), " pin"),
  );
  document.body.append(dialog);
  let rows = [];
  let active = 0;
  let due = 0;

  function find() {
    clearTimeout(due);
    const found = search(store, pages, input.value);
    rows = found.items.map(newRow);
    fill(results, grouped(rows));
    setShown(results, rows.length > 0);
    choose(0);
    setText(note, found.more > 0 ? `and ${count(found.more)} more servers: Enter on “All of them” shows them in the fleet` : rows.length ? "" : "Nothing is called so.");
    setShown(note, note.textContent !== "");
  }

  function newRow(item, index) {
    const label = el("a", { class: "palette-link", href: item.link, tabindex: "-1" }, item.mark, data(item.title, { class: "palette-title" }), data(item.detail, { class: "palette-detail" }));
    const cells = [el("div", { role: "gridcell", class: "palette-cell" }, label)];
    let pin = null;
    if (item.id) {
      pin = el("button", { type: "button", class: "icon-button pin", tabindex: "-1", "aria-label": `Pin ${item.title}`, click: () => togglePin(index) }, icon("pin"));
      setAttribute(pin, "aria-pressed", String(isPinned(item.id)));
      cells.push(el("div", { role: "gridcell" }, pin));
    }
    const node = el("div", { role: "row", id: `palette-${index}`, class: "palette-row", mousemove: () => choose(index, false) }, cells);
    label.addEventListener("click", () => dialog.close());
    return { ...item, node, pin, label };
  }

  function togglePin(index) {
    const { id, pin } = rows[index] ?? {};
    if (!id) return;
    setPinned(id, !isPinned(id));
    setAttribute(pin, "aria-pressed", String(isPinned(id)));
  }

  function choose(index, scroll = true) {
    rows[active]?.node.removeAttribute("aria-selected");
    active = Math.max(0, Math.min(rows.length - 1, index));
    const row = rows[active];
    setAttribute(input, "aria-activedescendant", row ? row.node.id : false);
    row?.node.setAttribute("aria-selected", "true");
    if (scroll) row?.node.scrollIntoView({ block: "nearest" });
  }

  input.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(find, DEBOUNCE);
  });
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in steps) choose(event.key === "ArrowUp" && active === 0 ? rows.length - 1 : event.key === "ArrowDown" && active === rows.length - 1 ? 0 : active + steps[event.key]);
    else if (event.key === "Enter") {
      findIfDue();
      rows[active]?.label.click();
    } else if (event.ctrlKey && event.key.toLowerCase() === "p") togglePin(active);
    else return;
    event.preventDefault();
  });

  // Who types and presses Enter at once means what they typed.
  function findIfDue() {
    if (due) find();
    due = 0;
  }

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  return {
    open(text = "") {
      input.value = text;
      find();
      if (!dialog.open) dialog.showModal();
      input.focus();
      input.select();
    },
  };
}

function grouped(rows) {
  const nodes = [];
  let kind = "";
  for (const row of rows) {
    if (row.kind !== kind) nodes.push(el("div", { class: "palette-kind", role: "presentation" }, row.kind));
    kind = row.kind;
    nodes.push(row.node);
  }
  return nodes;
}

function search(store, pages, text) {
  const query = text.trim();
  const lower = query.toLowerCase();
  const servers = query ? findServers(store, query, lower) : { items: [], more: 0 };
  const all = servers.more > 0 ? [{ kind: "Servers", title: "All of them", detail: `${count(servers.items.length + servers.more)} servers in the fleet`, link: linkTo("/fleet", { q: query }), mark: icon("fleet") }] : [];
  const found = pages
    .filter(([label]) => label.toLowerCase().startsWith(lower))
    .map(([label, link, picture]) => ({ kind: "Pages", title: label, detail: "", link, mark: icon(picture) }));
  return { items: [...findSensors(store, lower), ...servers.items, ...all, ...found], more: servers.more };
}

function findServers(store, query, lower) {
  const wanted = compile(query);
  const starts = [];
  const others = [];
  let total = 0;
  for (const server of store.servers.values()) {
    if (!wanted(server)) continue;
    total += 1;
    if (server.hostname.toLowerCase().startsWith(lower) || server.addresses.includes(query)) starts.push(server);
    else if (others.length < MOST_SERVERS) others.push(server);
  }
  starts.sort((a, b) => a.hostname.length - b.hostname.length || (a.hostname < b.hostname ? -1 : 1));
  const items = [...starts, ...others].slice(0, MOST_SERVERS).map((server) => ({
    kind: "Servers",
    id: server.id,
    title: server.hostname || server.addresses[0] || server.id,
    detail: `${word(server.status)} · ${server.addresses.slice(0, 3).join(", ")}`,
    link: serverLink(server.id),
    mark: el("span", { class: "level", "data-level": statusClass(server.status) }, icon(statusClass(server.status))),
  }));
  return { items, more: total - items.length };
}

function findSensors(store, lower) {
  if (!lower) return [];
  const names = new Map();
  for (const server of store.servers.values()) {
    let last = "";
    for (const { name } of server.series.values()) {
      if (name !== last && name.toLowerCase().includes(lower)) names.set(name, (names.get(name) ?? 0) + 1);
      last = name;
    }
  }
  const starts = ([name]) => (name.toLowerCase().startsWith(lower) ? 0 : 1);
  return [...names]
    .sort((a, b) => starts(a) - starts(b) || b[1] - a[1])
    .slice(0, MOST_SENSORS)
    .map(([name, amount]) => ({
      kind: "Sensors", title: name, detail: `on ${count(amount)} ${amount === 1 ? "server" : "servers"}`, link: sensorLink(name), mark: icon("sensor"),
    }));
}
