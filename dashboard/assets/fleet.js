// All servers at any number: as a map or a list, filtered and in groups. The address says which.

import { get } from "./api.js";
import { el, fill, setAttribute, setShown, setText } from "./dom.js";
import { newFleetList } from "./fleet-list.js";
import { newFleetMap } from "./fleet-map.js";
import { count } from "./format.js";
import { groupings } from "./grouping.js";
import { icon } from "./icons.js";
import { word } from "./levels.js";
import { KEYS, LEVELS } from "./query.js";
import { linkTo, serverLink } from "./route.js";
import { newSelection } from "./selection.js";
import { shapePicture } from "./silhouettes.js";

const CHIPS = ["alarmed", "warned", "disconnected", "quarantined", "queued", "normal", "silenced"];
const CHIP_WORDS = new Map([["queued", "Queued up"], ["silenced", "Silenced"]]);
const TYPING_MS = 150;
const CURSOR_MS = 400;
// More groups than that make a canvas higher than browsers draw.
const MOST_MAPPED = 300;

/** The page's module interface: see router.js. */
export function mount(root, context) {
  const { store } = context;
  const parts = build();
  root.append(...parts.nodes);
  const selection = newSelection(store, changed);
  let view = null;
  let state = { q: "", level: "", group: "none", view: "map", sel: "" };
  let timer = 0;
  let cursorTimer = 0;

  const views = {
    map: () => newFleetMap(store, { open, narrow, chosen: remember }),
    list: () => newFleetList(store, { narrow }),
  };

  function open(id) {
    context.setQuery({ sel: id });
    location.hash = serverLink(id);
  }

  function remember(id) {
    clearTimeout(cursorTimer);
    state.sel = id;
    cursorTimer = setTimeout(() => context.setQuery({ sel: id }), CURSOR_MS);
  }

  function narrow(group) {
    const term = termOf(state.group, group);
    if (term) set({ q: `${state.q} ${term}`.trim(), group: "none" }, true);
  }

  function set(changes, push = false) {
    const before = state;
    // What was typed a moment ago counts before the button that was pressed after it.
    if (timer) changes = { q: parts.filter.value.trim(), ...changes };
    clearTimeout(timer);
    timer = 0;
    state = { ...state, ...changes };
    if (state.view !== "list") state.view = "map";
    if (!LEVELS.includes(state.level)) state.level = "";
    context.setQuery({ q: state.q, level: state.level, group: state.group === "none" ? "" : state.group, view: state.view === "map" ? "" : state.view, sel: state.sel }, { push });
    if (!view || before.view !== state.view) {
      view?.end();
      view = views[state.view]();
      fill(parts.place, view.node);
      if (selection.groups.length) showGroups();
    }
    showControls();
    const text = [state.q, state.level ? `level:${state.level}` : ""].join(" ").trim();
    parts.run.setAttribute("href", linkTo("/run", { q: text || "*" }));
    selection.set({ text, group: state.group });
  }

  function changed() {
    showGroups();
    const known = store.servers.size;
    setText(parts.total, selection.total === known ? `${count(known)} servers` : `${count(selection.total)} of ${count(known)} servers`);
    setShown(parts.empty, selection.total === 0);
    setText(parts.empty, !store.loaded ? "Waiting for the fleet…" : known ? "No server matches this filter." : "No servers yet. They appear here as the sweep finds them.");
    showGroupings();
    showControls();
  }

  function showGroups() {
    const { groups } = selection;
    const most = state.view === "map" ? MOST_MAPPED : Infinity;
    view?.show(groups.slice(0, most), state.sel);
    setShown(parts.cut, groups.length > most);
    setText(parts.cut, `The map shows the first ${count(MOST_MAPPED)} of ${count(groups.length)} groups; the list has them all.`);
  }

  function showGroupings() {
    const choices = groupings(store.servers.values());
    if (!choices.some(([value]) => value === state.group)) choices.push([state.group, state.group]);
    const key = JSON.stringify(choices);
    if (parts.group.dataset.key !== key) {
      parts.group.dataset.key = key;
      fill(parts.group, choices.map(([value, name]) => el("option", { value }, name)));
    }
    parts.group.value = state.group;
  }

  function showControls() {
    if (parts.filter.value !== state.q && document.activeElement !== parts.filter) parts.filter.value = state.q;
    for (const [level, { button, amount }] of parts.chips) {
      const now = store.counts.get(level) ?? 0;
      setText(amount, count(now));
      setAttribute(button, "data-zero", now === 0);
      setAttribute(button, "aria-pressed", String(state.level === level));
    }
    for (const [name, button] of parts.viewButtons) setAttribute(button, "aria-pressed", String(state.view === name));
  }

  parts.filter.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => set({ q: parts.filter.value.trim() }), TYPING_MS);
  });
  parts.filter.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !parts.filter.value) return;
    parts.filter.value = "";
    set({ q: "" });
  });
  parts.group.addEventListener("change", () => set({ group: parts.group.value }, true));
  for (const [level, { button }] of parts.chips) button.addEventListener("click", () => set({ level: state.level === level ? "" : level }, true));
  for (const [name, button] of parts.viewButtons) button.addEventListener("click", () => set({ view: name }, true));

  store.on("servers", (ids) => {
    if (ids !== null) view.refresh(ids);
  });
  // Without them servers are grouped by the networks they are usually in.
  get("/ranges", {}, context.signal).then(({ items }) => selection.setRanges(items.map(({ range }) => range)), () => {});
  context.onQuery((query) => {
    parts.filter.value = query.get("q") ?? "";
    set(fromQuery(query));
  });
  parts.filter.value = context.query.get("q") ?? "";
  set(fromQuery(context.query));
  changed();
  return () => {
    clearTimeout(timer);
    clearTimeout(cursorTimer);
    selection.end();
    view.end();
  };
}

const fromQuery = (query) => ({
  q: query.get("q") ?? "",
  level: query.get("level") ?? "",
  group: query.get("group") || "none",
  view: query.get("view") || "map",
  sel: query.get("sel") ?? "",
});

/** The filter's term for a group; empty where none says it. */
function termOf(grouping, group) {
  const quoted = (text) => (/\s/.test(text) ? `"${text.replaceAll('"', "")}"` : text);
  const [server] = group.servers;
  if (grouping === "level") return `level:${server.status}`;
  if (grouping === "range") return `range:${group.name}`;
  if (grouping === "os") return `os:${quoted(group.name)}`;
  const key = grouping.slice("label:".length);
  return Object.hasOwn(server.labels ?? {}, key) ? `${key}=${quoted(group.name)}` : `-label:${key}`;
}

function build() {
  const filter = el("input", {
    type: "search", id: "fleet-filter", class: "search", placeholder: "Filter: web site:lisbon os:debian range:10.0.0.0/24", maxlength: 300,
    autocomplete: "off", spellcheck: "false", "aria-label": `Filter by words, or by ${KEYS.join(", ")} or a label, as in os:debian`,
  });
  const chips = new Map(CHIPS.map((level) => {
    const amount = el("span", { class: "chip-count" }, "0");
    return [level, { amount, button: el("button", { type: "button", class: `chip chip-${level}` }, level === "silenced" ? icon("silenced") : shapePicture(level), CHIP_WORDS.get(level) ?? word(level), " ", amount) }];
  }));
  const group = el("select", { id: "fleet-group", class: "select" });
  const viewButtons = new Map([["map", "Map"], ["list", "List"]].map(([name, label]) => [name, el("button", { type: "button", class: "segment" }, icon(name), label)]));
  const total = el("span", { class: "fleet-total", role: "status" });
  const run = el("a", { class: "button needs-act", href: "#/run" }, "Run on these…");
  const place = el("div", { class: "fleet-view" });
  const empty = el("p", { class: "note" });
  const cut = el("p", { class: "note", hidden: true });
  const nodes = [
    el("div", { class: "page-head" }, el("h1", {}, "Fleet"), total, run),
    el(
      "div",
      { class: "toolbar" },
      filter,
      el("div", { class: "chips", role: "group", "aria-label": "Level" }, [...chips.values()].map(({ button }) => button)),
      el("label", { class: "labelled" }, "Group by ", group),
      el("div", { class: "segments", role: "group", "aria-label": "View" }, [...viewButtons.values()]),
    ),
    empty,
    place,
    cut,
  ];
  return { nodes, filter, chips, group, viewButtons, total, run, place, empty, cut };
}
