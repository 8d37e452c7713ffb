// A server's sensors: grouped as the library groups them, narrowed down, each with a card.

import { aboutText, newCard, sensorName } from "./card.js";
import { data, el, fill, keepingFocus, setAttribute, setShown, setText } from "./dom.js";
import { count, reading, seriesName } from "./format.js";
import { icon } from "./icons.js";
import { sensorRank, statusClass, word } from "./levels.js";
import { keyOf } from "./store.js";

const TROUBLE = new Set(["alarmed", "fired", "warned", "failed"]);
const OTHER = "other";
const FIRST = ["system", "disk", "network"];
const MOST_TROUBLED = 12;

/** The sensors of the server `id` over the time of `frame`. `shared` is for history.js; `query`
 * and `setQuery` are the page's. */
export function newSensors(id, frame, shared, { query, setQuery }) {
  const cards = new Map();
  const groups = new Map();
  let shape = "";
  let last = [];
  let only = query.get("only") === "trouble";
  const list = el("div", { class: "sensor-groups" });
  const none = el("p", { class: "note", hidden: true }, "No sensor here has all of these words.");
  const attention = el("ul", { class: "attention", "aria-label": "Sensors that need attention" });
  const all = el("button", { type: "button", class: "segment", click: () => narrow(false) });
  const troubled = el("button", { type: "button", class: "segment", click: () => narrow(true) });
  const find = el("input", {
    type: "search", class: "sensor-find", placeholder: "Find a sensor", "aria-label": "Find a sensor by name, instance, group or level",
    maxlength: 200, autocomplete: "off", spellcheck: "false", input: () => narrow(only), keydown: leave,
  });
  find.value = query.get("find") ?? "";
  const tools = el("div", { class: "sensor-tools" }, el("div", { class: "segments", role: "group", "aria-label": "Which sensors are shown" }, all, troubled), find);

  function leave(event) {
    if (event.key !== "Escape" || !find.value) return;
    event.stopPropagation();
    find.value = "";
    narrow(only);
  }

  function narrow(wanted) {
    only = wanted;
    setQuery({ find: find.value.trim() || null, only: only ? "trouble" : null });
    filter();
  }

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const group of groups.values()) {
      for (const family of group.families.values()) {
        for (const key of family.keys) {
          const { node, sensor } = cards.get(key);
          const text = `${group.name} ${seriesName(sensor)} ${sensor.description ?? ""} ${word(sensor.status)}`.toLowerCase();
          setShown(node, (!only || TROUBLE.has(sensor.status)) && words.every((one) => text.includes(one)));
        }
        const shown = family.keys.filter((key) => !cards.get(key).node.hidden).length;
        if (family.head) setShown(family.head, shown > 0);
        family.shown = shown;
      }
      const shown = [...group.families.values()].reduce((sum, family) => sum + family.shown, 0);
      setShown(group.node, shown > 0);
      setText(group.count, count(shown));
      setAttribute(group.node, "data-size", Math.min(shown, 4));
      left += shown;
    }
    setShown(none, left === 0 && cards.size > 0);
  }

  /** Bring the cards up to date with these sensors. */
  function show(sensors) {
    const same = sensors.length === last.length && sensors.every((sensor, index) => sensor === last[index]);
    last = sensors;
    if (same) return;
    const now = new Map(sensors.map((sensor) => [keyOf(sensor), sensor]));
    const wanted = JSON.stringify(sensors.map((sensor) => [groupOf(sensor), sensor.name, sensor.instance, isText(sensor), aboutText(sensor)]).sort(byText));
    for (const [key, sensor] of now) {
      if (!cards.has(key)) cards.set(key, newCard(id, sensor, frame, shared));
      cards.get(key).show(sensor);
    }
    for (const [key, card] of cards) {
      if (now.has(key)) continue;
      card.end();
      cards.delete(key);
    }
    if (wanted !== shape) keepingFocus(() => arrange(sensors));
    shape = wanted;
    summarise(sensors);
    filter();
  }

  function arrange(sensors) {
    const wanted = Map.groupBy(sensors, groupOf);
    for (const [name, group] of groups) {
      if (wanted.has(name)) continue;
      group.node.remove();
      groups.delete(name);
    }
    const names = [...wanted.keys()].sort(byGroup);
    for (const name of names) {
      if (!groups.has(name)) groups.set(name, newGroup(name));
      fillGroup(groups.get(name), wanted.get(name));
    }
    reorder(list, names.map((name) => groups.get(name).node));
  }

  // Single values first; the instances of a sensor stand together under its name.
  function fillGroup(group, sensors) {
    const families = [...Map.groupBy(sensors, (sensor) => sensor.name).values()]
      .map((members) => members.sort(byName))
      .sort((a, b) => Number(a.length > 1) - Number(b.length > 1) || Number(isText(a[0])) - Number(isText(b[0])) || byName(a[0], b[0]));
    const known = group.families;
    group.families = new Map();
    const nodes = [];
    for (const members of families) {
      const { name } = members[0];
      const together = members.length > 1;
      const head = together ? (known.get(name)?.head ?? newFamily(name)) : null;
      if (head) nodes.push(head);
      if (head) setText(head.lastElementChild, aboutText(members[0]));
      for (const sensor of members) {
        cards.get(keyOf(sensor)).within(together);
        nodes.push(cards.get(keyOf(sensor)).node);
      }
      group.families.set(name, { head, keys: members.map(keyOf), shown: 0 });
    }
    reorder(group.list, nodes);
  }

  function summarise(sensors) {
    const found = sensors.filter((sensor) => TROUBLE.has(sensor.status)).sort((a, b) => sensorRank(a.status) - sensorRank(b.status) || byName(a, b));
    setText(all, `All ${count(sensors.length)}`);
    setText(troubled, `Need attention ${count(found.length)}`);
    setAttribute(all, "aria-pressed", String(!only));
    setAttribute(troubled, "aria-pressed", String(only));
    const told = found.slice(0, MOST_TROUBLED).map((sensor) => [keyOf(sensor), sensor.status, reading(sensor.value, sensor.unit)]);
    if (attention.dataset.told === JSON.stringify(told)) return;
    attention.dataset.told = JSON.stringify(told);
    const more = found.length - MOST_TROUBLED;
    fill(attention, found.slice(0, MOST_TROUBLED).map(trouble), more > 0 ? el("li", { class: "note" }, `and ${count(more)} more`) : []);
    setShown(attention, found.length > 0);
  }

  function trouble(sensor) {
    const status = statusClass(sensor.status);
    const button = el(
      "button",
      { type: "button", class: "attention-item", click: () => goTo(keyOf(sensor)) },
      el("span", { class: "level" }, icon(status), word(sensor.status)),
      data(seriesName(sensor), { class: "attention-name" }),
      data(sensor.status === "failed" ? "" : reading(sensor.value, sensor.unit), { class: "attention-value" }),
    );
    return el("li", { "data-status": status }, button);
  }

  function goTo(key) {
    const { node } = cards.get(key) ?? {};
    if (!node) return;
    if (node.hidden) {
      find.value = "";
      narrow(false);
    }
    node.closest("details").open = true;
    node.scrollIntoView({ block: "center" });
    node.focus({ preventScroll: true });
  }

  const each = (what) => () => cards.forEach(what);
  frame.on(each((card) => card.reframe()));
  return {
    attention,
    tools,
    list,
    none,
    show,
    tick: each((card) => card.tick()),
    redraw: each((card) => card.redraw()),
    remark: each((card) => card.remark()),
    /** The address says otherwise now. */
    read(changed) {
      only = changed.get("only") === "trouble";
      find.value = changed.get("find") ?? "";
      filter();
    },
    end: each((card) => card.end()),
  };
}

function newGroup(name) {
  const list = el("ul", { class: "sensors" });
  const shown = el("span", { class: "chip-count" });
  const node = el("details", { class: "sensor-group", open: true }, el("summary", {}, el("h3", {}, data(title(name))), shown), list);
  return { name, node, list, count: shown, families: new Map() };
}

const newFamily = (name) => el("li", { class: "family" }, el("h4", {}, sensorName(name)), el("p", { class: "sensor-about" }));

// The library's file; what no file names stands last.
const groupOf = (sensor) => sensor.group || OTHER;
const title = (name) => `${name[0].toUpperCase()}${name.slice(1)}`.replaceAll("_", " ");
const place = (name) => (name === OTHER ? FIRST.length + 1 : FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
const byGroup = (a, b) => place(a) - place(b) || a.localeCompare(b);
const byName = (a, b) => seriesName(a).localeCompare(seriesName(b), undefined, { numeric: true });
const byText = (a, b) => (String(a) < String(b) ? -1 : 1);
const isText = (sensor) => typeof sensor.value === "string";

/** Put `nodes` into `parent` in this order, and nothing else; what stands right isn't touched. */
function reorder(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}
