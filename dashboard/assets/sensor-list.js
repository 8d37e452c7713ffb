// Every sensor of the library: who has it, where its values lie, and what is wrong with it.

import { get } from "./api.js";
import { mark, newChoice } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count, reading } from "./format.js";
import { sensorLink } from "./route.js";
import { inSlices, paced } from "./slices.js";
import { quantile } from "./statistics.js";

const RECOUNT = 5000;
const REFRESH = 60000;
const TROUBLE = ["alarmed", "fired", "warned", "failed", "stale"];
const SORTS = [["name", "By name"], ["trouble", "Worst first"]];

/** The page's module interface: see router.js. */
export function mount(root, { store, query, setQuery, onQuery, every, signal }) {
  const search = el("input", { class: "search", type: "search", placeholder: "Filter", "aria-label": "Filter sensors", maxlength: 100, autocomplete: "off", spellcheck: "false" });
  const total = el("span", { class: "page-total", role: "status" });
  const note = el("p", { class: "note" }, "Asking for the sensors…");
  const body = el("tbody");
  const choice = newChoice("Order", SORTS, (value) => {
    setQuery({ sort: value === "name" ? "" : value });
    view.sort = value;
    arrange();
  });
  const rows = new Map();
  const view = { text: query.get("q") ?? "", sort: query.get("sort") === "trouble" ? "trouble" : "name" };
  let known = [];
  let loaded = false;

  root.classList.add("sheet");
  root.append(
    el("div", { class: "page-head" }, el("h1", {}, "Sensors"), choice.node, search, total),
    el("div", { class: "panel table-panel", tabindex: "-1" }, table(body), note),
  );

  async function load() {
    try {
      known = (await get("/sensors", {}, signal)).items;
      loaded = true;
      await show();
    } catch (error) {
      if (!signal.aborted) setText(note, `The sensors can't be read: ${error.message}`);
    }
  }

  async function show() {
    if (!loaded) return;
    const found = await gathered(store, signal);
    if (!found) return;
    for (const sensor of known) {
      if (!rows.has(sensor.name)) rows.set(sensor.name, newRow(sensor));
      const about = found.get(sensor.name) ?? NOTHING;
      await inSlices([sensor], () => rows.get(sensor.name).show(sensor, about, store.servers.size), signal);
    }
    if (!signal.aborted) arrange();
  }

  const recount = paced(show, RECOUNT, signal);

  function arrange() {
    if (!loaded) return;
    const text = view.text.toLowerCase();
    const wanted = known.filter((sensor) => `${sensor.name}\n${sensor.description}`.toLowerCase().includes(text) && rows.has(sensor.name));
    const place = ({ name }) => rows.get(name);
    wanted.sort((a, b) => (view.sort === "trouble" ? place(b).weight() - place(a).weight() : 0) || a.name.localeCompare(b.name));
    const nodes = wanted.map((sensor) => place(sensor).node);
    // Moved only if something moved: a row that has the focus would lose it.
    if (nodes.length !== body.children.length || nodes.some((node, index) => body.children[index] !== node)) fill(body, nodes);
    choice.show(view.sort);
    setText(total, known.length === wanted.length ? `${count(known.length)} sensors` : `${count(wanted.length)} of ${count(known.length)} sensors`);
    setText(note, known.length ? "No sensor matches." : "The library has no sensors.");
    setShown(note, wanted.length === 0);
  }

  search.value = view.text;
  search.addEventListener("input", () => {
    view.text = search.value;
    setQuery({ q: view.text });
    arrange();
  });
  onQuery((now) => {
    view.text = search.value = now.get("q") ?? "";
    view.sort = now.get("sort") === "trouble" ? "trouble" : "name";
    arrange();
  });
  choice.show(view.sort);
  store.on("servers", recount);
  every(REFRESH, load);
  load();
}

const NOTHING = { values: [], statuses: new Map(), servers: 0, texts: new Set() };

// Each sensor's values and statuses, over all servers. Null if the page was left meanwhile.
async function gathered(store, signal) {
  const found = new Map();
  const whole = await inSlices(store.servers.values(), (server) => {
    const seen = new Set();
    for (const sensor of server.series.values()) {
      let one = found.get(sensor.name);
      if (!one) found.set(sensor.name, (one = { values: [], statuses: new Map(), servers: 0, texts: new Set() }));
      if (typeof sensor.value === "number") one.values.push(sensor.value);
      else if (sensor.value !== null && one.texts.size < 1000) one.texts.add(sensor.value);
      one.statuses.set(sensor.status, (one.statuses.get(sensor.status) ?? 0) + 1);
      if (!seen.has(sensor.name)) one.servers += 1;
      seen.add(sensor.name);
    }
  }, signal);
  return whole ? found : null;
}

function table(body) {
  const heads = [["Sensor", ""], ["Servers", "number"], ["Lowest", "number wide"], ["Median", "number"], ["Highest", "number wide"], ["Levels", ""]];
  return el(
    "table",
    { class: "table" },
    el("caption", { class: "unseen" }, "Sensors of the library"),
    el("thead", {}, el("tr", {}, heads.map(([text, kind]) => el("th", { scope: "col", class: kind }, text)))),
    body,
  );
}

function newRow(sensor) {
  const servers = el("span");
  const bar = el("span", { class: "share-fill" });
  const cells = ["number wide", "number", "number wide"].map((kind) => el("td", { class: kind }));
  const levels = el("td", { class: "levels" });
  const node = el(
    "tr",
    {},
    el("th", { scope: "row" }, el("a", { href: sensorLink(sensor.name) }, data(sensor.name)), el("span", { class: "sub" }, data(sensor.description))),
    el("td", { class: "number" }, servers, el("span", { class: "share", "aria-hidden": "true" }, bar)),
    cells,
    levels,
  );
  let weight = 0;
  let said = "";
  return {
    node,
    weight: () => weight,
    show({ unit }, { values, statuses, servers: having, texts }, all) {
      setText(servers, count(having));
      bar.style.width = `${all ? (having / all) * 100 : 0}%`;
      const sorted = Float64Array.from(values).sort();
      const parts = values.length ? [0, 0.5, 1].map((part) => reading(quantile(sorted, part), unit)) : ["", texts.size ? `${count(texts.size)} ${texts.size === 1 ? "text" : "texts"}` : "–", ""];
      parts.forEach((text, index) => setText(cells[index], text));
      const trouble = TROUBLE.filter((status) => statuses.get(status));
      weight = trouble.reduce((sum, status) => sum + statuses.get(status) * 10 ** (4 * (TROUBLE.length - TROUBLE.indexOf(status))), 0);
      const now = trouble.map((status) => `${status} ${statuses.get(status)}`).join();
      if (now === said && levels.hasChildNodes()) return;
      said = now;
      fill(levels, trouble.length ? trouble.map((status) => mark(status, `${count(statuses.get(status))} ${status}`)) : having ? mark("normal", "all normal") : "");
    },
  };
}
