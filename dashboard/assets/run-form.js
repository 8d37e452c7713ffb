// Having a sensor's command run: on which servers, which command, why. Nothing runs before its
// preview was looked at.

import { get, post } from "./api.js";
import { newChoice, section } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { compile } from "./query.js";
import { newPreview } from "./run-preview.js";
import { stepWord } from "./run-words.js";

const MOST_SERVERS = 500;
const MOST_INSTANCES = 200;
const MOST_NAMED = 5;
const TYPING = 200;
const EVERYTHING = "*";
const STEPS = [["1", "Reaction"], ["2", "Fallback"]];

/** The page's module interface: see router.js. The address holds servers, sensor, instance and
 * step. */
export function mount(root, { store, query, setQuery, signal }) {
  const view = build({ choose, preview: look, others });
  const preview = newPreview({ run: start, override });
  const wanted = { server: query.get("server") ?? "", q: query.get("q") ?? "", sensor: query.get("sensor") ?? "", instance: query.get("instance") ?? "", step: query.get("step") === "2" ? 2 : 1 };
  const step = newChoice("Step", STEPS, (value) => choose({ step: Number(value) }));
  let sensors = [];
  let overridden = [];
  let asked = 0;
  let counting = 0;

  root.classList.add("sheet");
  view.steps.append(step.node);
  view.node.append(preview.node);
  root.append(view.node);
  view.filter.value = wanted.q;

  // Whatever is changed, what was seen before is no longer what would run.
  function choose(changes) {
    Object.assign(wanted, changes);
    overridden = [];
    asked += 1;
    preview.clear();
    setText(view.problem, "");
    setQuery({ server: wanted.server, q: wanted.server ? "" : wanted.q, sensor: wanted.sensor, instance: wanted.instance, step: wanted.step === 2 ? 2 : "" });
    show();
  }

  function others() {
    choose({ server: "" });
    view.filter.focus();
  }

  function matching() {
    if (wanted.server) return [store.servers.get(wanted.server)].filter(Boolean);
    if (!wanted.q.trim()) return [];
    const all = [...store.servers.values()];
    return wanted.q.trim() === EVERYTHING ? all : all.filter(compile(wanted.q));
  }

  // A sensor that isn't exported is on no server that we know of: the daemon knows better.
  function having(servers) {
    const has = (server) => [...server.series.values()].some(({ name }) => name === wanted.sensor);
    const found = servers.filter(has);
    return found.length || [...store.servers.values()].some(has) ? found : servers;
  }

  function show() {
    const servers = matching();
    const chosen = wanted.sensor ? having(servers) : servers;
    const one = store.servers.get(wanted.server);
    setShown(view.filter, !wanted.server);
    setShown(view.one, Boolean(wanted.server));
    if (wanted.server) fill(view.oneName, data(one?.hostname || wanted.server));
    fill(view.found, said(servers, chosen));
    showInstances(chosen);
    const sensor = sensors.find(({ name }) => name === wanted.sensor);
    setShown(view.steps, sensor?.steps > 1 || wanted.step === 2);
    step.show(String(wanted.step));
  }

  function said(servers, chosen) {
    if (wanted.server) return servers.length && !chosen.length ? `It doesn't have ${wanted.sensor}.` : "";
    if (!wanted.q.trim()) return "Words, level:alarmed, site=lisbon, range:10.0.0.0/24; * is all.";
    if (!servers.length) return "No server matches.";
    const without = chosen.length < servers.length ? ` ${count(servers.length)} match, ${count(chosen.length)} of them have ${wanted.sensor}` : ` ${count(servers.length)} ${servers.length === 1 ? "server" : "servers"}`;
    const names = chosen.slice(0, MOST_NAMED).map((server) => server.hostname || server.id).join(", ");
    const more = chosen.length > MOST_NAMED ? ` and ${count(chosen.length - MOST_NAMED)} more` : "";
    return [el("span", {}, `${without.trim()}${names ? ": " : ""}`), data(`${names}${more}`)];
  }

  function showInstances(servers) {
    const known = new Set();
    for (const server of servers) {
      for (const { name, instance } of server.series.values()) if (name === wanted.sensor && instance !== null) known.add(instance);
      if (known.size >= MOST_INSTANCES) break;
    }
    if (wanted.instance) known.add(wanted.instance);
    const names = [...known].sort((a, b) => a.localeCompare(b, undefined, { numeric: true })).slice(0, MOST_INSTANCES);
    const key = JSON.stringify(names);
    if (view.instance.dataset.key !== key) {
      view.instance.dataset.key = key;
      fill(view.instance, el("option", { value: "" }, "none in particular"), names.map((name) => el("option", { value: name }, name)));
    }
    view.instance.value = wanted.instance;
    setShown(view.instanceField, names.length > 0);
  }

  async function command() {
    fill(view.command);
    setShown(view.command, false);
    const name = wanted.sensor;
    if (!name) return;
    try {
      const found = await get(`/sensors/${encodeURIComponent(name.toWellFormed())}`, {}, signal);
      if (name !== wanted.sensor) return;
      const text = wanted.step === 2 ? found.fallback : found.reactive;
      fill(view.command, data(text ?? `${name} has no ${stepWord(wanted.step)}.`));
      setShown(view.command, true);
    } catch {
      // The preview says what would run on each server.
    }
  }

  const body = (more) => ({
    sensor: wanted.sensor,
    instance: wanted.instance || null,
    step: wanted.step,
    servers: having(matching()).map(({ id }) => id),
    reason: view.reason.value.trim(),
    override: overridden,
    ...more,
  });

  function lacking(request) {
    if (!request.sensor) return ["Choose a sensor.", view.sensor];
    if (!request.servers.length) return ["No server is chosen that has this sensor.", view.filter];
    if (request.servers.length > MOST_SERVERS) return [`${count(request.servers.length)} servers are too many: at most ${count(MOST_SERVERS)} at a time. Narrow them down.`, view.filter];
    if (!request.preview && !request.reason) return ["Say why: it is kept with what is run.", view.reason];
    return null;
  }

  function refuse([text, field]) {
    setText(view.problem, text);
    if (!field.hidden) field.focus();
  }

  async function look() {
    const request = body({ preview: true });
    const missing = lacking(request);
    if (missing) {
      refuse(missing);
      return;
    }
    asked += 1;
    const now = asked;
    setText(view.problem, "");
    view.look.disabled = true;
    try {
      const seen = await post("/runs", request);
      if (now === asked && !signal.aborted) preview.show(seen, overridden);
    } catch (error) {
      if (now === asked) setText(view.problem, `No preview: ${error.message}`);
    } finally {
      view.look.disabled = false;
    }
  }

  function override(guards) {
    overridden = guards;
    look();
  }

  async function start(seen) {
    const request = body({ preview: false, confirm: seen.confirm, servers: seen.servers.map(({ server }) => server) });
    const missing = lacking(request);
    if (missing) {
      refuse(missing);
      return;
    }
    setText(view.problem, "");
    preview.busy(true);
    try {
      const run = await post("/runs", request);
      if (!signal.aborted) location.hash = `#/run/${encodeURIComponent(String(run.id))}`;
    } catch (error) {
      if (error.status === 409 && error.problem.preview) preview.show(error.problem.preview, overridden);
      preview.say(`Nothing was run: ${error.message}`);
    } finally {
      preview.busy(false);
    }
  }

  view.filter.addEventListener("input", () => {
    clearTimeout(counting);
    counting = setTimeout(() => choose({ q: view.filter.value }), TYPING);
  });
  view.filter.addEventListener("change", () => choose({ q: view.filter.value }));
  for (const key of ["sensor", "instance"]) {
    view[key].addEventListener("change", () => {
      choose(key === "sensor" ? { sensor: view.sensor.value, instance: "", step: 1 } : { instance: view.instance.value });
      command();
    });
  }
  step.node.addEventListener("click", command);
  store.on("shapes", () => {
    clearTimeout(counting);
    counting = setTimeout(show, TYPING);
  });

  async function load() {
    try {
      const { items } = await get("/sensors", {}, signal);
      sensors = items.filter(({ steps }) => steps > 0);
      if (wanted.sensor && !sensors.some(({ name }) => name === wanted.sensor)) sensors.push({ name: wanted.sensor });
      fill(view.sensor, el("option", { value: "" }, sensors.length ? "Choose…" : "None has a reaction"), sensors.map(({ name }) => el("option", { value: name }, name)));
      view.sensor.value = wanted.sensor;
      show();
    } catch (error) {
      if (!signal.aborted) setText(view.problem, `The sensors can't be read: ${error.message}`);
    }
  }

  show();
  load();
  command();
  return () => clearTimeout(counting);
}

function build({ preview, others }) {
  const field = (label, id, ...nodes) => el("div", { class: "named" }, el("label", { for: id }, label), nodes);
  const view = {
    filter: el("input", { type: "search", id: "run-servers", class: "search", placeholder: "web site=lisbon level:alarmed", maxlength: 300, autocomplete: "off", spellcheck: "false", "aria-describedby": "run-found" }),
    oneName: el("strong"),
    found: el("p", { class: "sub run-found", id: "run-found", role: "status" }),
    sensor: el("select", { id: "run-sensor", class: "select" }, el("option", { value: "" }, "…")),
    instance: el("select", { id: "run-instance", class: "select" }),
    steps: el("div", { class: "named", hidden: true }),
    command: el("pre", { class: "code", tabindex: "0", "aria-label": "What runs", hidden: true }),
    reason: el("input", { type: "text", id: "run-reason", class: "search run-reason-field", maxlength: 500, autocomplete: "off", placeholder: "Why? It is kept with what is run." }),
    look: el("button", { type: "submit", class: "button primary" }, "Preview"),
    problem: el("p", { class: "answer", role: "alert" }),
  };
  view.one = el("p", { class: "run-one", hidden: true }, view.oneName, el("button", { type: "button", class: "button", click: others }, "Other servers…"));
  view.instanceField = field("Instance", "run-instance", view.instance);
  const form = el(
    "form",
    { class: "form", submit: (event) => (event.preventDefault(), preview()) },
    el("div", { class: "named" }, el("label", { for: "run-servers" }, "Servers"), view.filter, view.one, view.found),
    el("div", { class: "named-row" }, field("Sensor", "run-sensor", view.sensor), view.instanceField, view.steps),
    view.command,
    field("Reason", "run-reason", view.reason),
    el("div", { class: "form-foot" }, view.look, view.problem),
  );
  view.node = el(
    "div",
    {},
    el("a", { class: "back", href: "#/reactions" }, icon("back"), "All reactions"),
    el("div", { class: "page-head" }, el("h1", {}, "Run a command")),
    el("p", { class: "note" }, "Only what the sensor library has: a sensor's reaction, or its fallback. Nothing runs before you have seen where it would."),
    section("What, where and why", null, form),
  );
  return view;
}
