// A run that somebody started: how far it has come on each server, and what the command prints.

import { isAllowed } from "./allowed.js";
import { get, remove } from "./api.js";
import { moment, newChoice, section } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { count, duration, seriesName } from "./format.js";
import { icon } from "./icons.js";
import { follow } from "./lines.js";
import { sensorLink } from "./route.js";
import { newRunServer } from "./run-server.js";
import { GROUPS, OVERRIDES, stepWord } from "./run-words.js";

const SLICE = 8;
const LONGEST_WAIT = 15000;
// Of so few servers, what is printed is shown without asking.
const FEW = 3;

/** The page's module interface: see router.js. */
export function mount(root, { store, params, query, setQuery, onQuery, signal, every, title }) {
  const path = `/runs/${encodeURIComponent(params.id.toWellFormed())}`;
  const view = build(() => stop());
  const rows = new Map();
  const dirty = new Set();
  const choice = newChoice("Which servers", GROUPS.map(([key, words]) => [key, words]), choose);
  let group = groupOf(query);
  let run = null;
  let drawing = 0;
  let mayStop = false;

  root.classList.add("sheet");
  root.append(view.node);
  view.controls.append(choice.node);
  title("Run");

  function choose(key) {
    group = key;
    setQuery({ show: key });
    narrow();
  }

  function narrow() {
    const [, , wanted] = GROUPS.find(([key]) => key === group);
    choice.show(group);
    let shown = 0;
    for (const row of rows.values()) {
      setShown(row.node, wanted(row.now));
      shown += Number(wanted(row.now));
    }
    setShown(view.none, shown === 0 && rows.size > 0);
  }

  function take(line) {
    if (line.type === "run") begin(line.run);
    else if (line.type === "end") show(line.run);
    else if (line.type === "state") touch(line, (row) => row.take(line));
    else if (line.type === "output") touch(line, (row) => row.print(line.text));
  }

  // The stream tells all from the beginning, also when it is asked for again.
  function begin(now) {
    for (const row of rows.values()) row.restart();
    show(now);
  }

  function touch(line, change) {
    if (!rows.has(line.server)) {
      const row = newRunServer(line, store);
      rows.set(line.server, row);
      view.list.append(row.node);
      // What begins with few servers has its output open; so has what failed, among many.
      if (run && sumOf(run.counts) <= FEW) row.open();
    }
    change(rows.get(line.server));
    dirty.add(line.server);
    drawing ||= requestAnimationFrame(draw);
  }

  function draw() {
    drawing = 0;
    const until = performance.now() + SLICE;
    for (const server of dirty) {
      dirty.delete(server);
      rows.get(server).show();
      if (performance.now() > until) break;
    }
    if (dirty.size) drawing = requestAnimationFrame(draw);
    narrow();
    showProgress();
  }

  function showProgress() {
    if (!run) return;
    const states = [...rows.values()].map((row) => row.now);
    const waits = states.some(({ state }) => state === "waiting");
    setShown(view.stop, mayStop && waits && run.finished === null && !run.stopped_by);
    showCounts(view, states, run);
  }

  function show(now) {
    run = { ...run, ...now };
    const name = seriesName({ name: run.sensor, instance: run.instance });
    title(`${stepWord(run.step)} of ${name}`);
    fill(view.heading, run.step === 2 ? "Fallback of " : "Reaction of ", data(name));
    fill(
      view.about,
      "Run by ", data(run.by), " at ", moment(run.at), run.reason ? [": ", data(run.reason)] : "",
      run.override?.length ? `, ${run.override.map((one) => OVERRIDES.get(one) ?? String(one)).join(", ")}` : "", ". ",
      el("a", { href: sensorLink(run.sensor) }, "Sensor"),
    );
    setText(view.stopped, run.stopped_by ? `${run.stopped_by} stopped what had not begun.` : "");
    setShown(view.stopped, Boolean(run.stopped_by));
    tick();
    narrow();
    showProgress();
  }

  function tick() {
    if (!run) return;
    if (run.finished === null) setText(view.state, `Under way for ${duration(Math.max(0, Math.floor(store.now() - run.at)))}`);
    else setText(view.state, `Ended after ${duration(Math.max(0, Math.round(run.finished - run.at)))}`);
    for (const row of rows.values()) row.tick(store.now());
  }

  async function stop() {
    view.stop.disabled = true;
    setText(view.answer, "");
    try {
      show(withoutServers(await remove(path)));
    } catch (error) {
      setText(view.answer, `Not stopped: ${error.message}`);
    } finally {
      view.stop.disabled = false;
    }
  }

  function fail(text) {
    setText(view.problem, text);
    setShown(view.problem, text !== "");
  }

  async function load() {
    const found = await get(path, {}, signal);
    const [command] = [...new Set(found.servers.map((one) => one.command))];
    setText(view.command, command ?? "");
    setShown(view.commandBox, Boolean(command));
    show(withoutServers(found));
  }

  async function listen() {
    for (let wait = 500; !signal.aborted && (run === null || run.finished === null); wait = Math.min(LONGEST_WAIT, wait * 2)) {
      try {
        if (run === null) await load();
        await follow(`${path}/live`, take, signal);
        fail("");
        if (run.finished !== null) return;
      } catch (error) {
        if (signal.aborted) return;
        if (error.status === 404) {
          fail("This run is no longer kept, or never was. What ran stands among the reactions.");
          setShown(view.body, run !== null);
          return;
        }
        fail(`The run can't be followed now: ${error.message}. It goes on, and is asked for again.`);
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  isAllowed("act").then((may) => {
    mayStop = may;
    if (run) show(run);
  });
  onQuery((now) => {
    group = groupOf(now);
    narrow();
  });
  every(1000, tick);
  listen();
  return () => cancelAnimationFrame(drawing);
}

const groupOf = (query) => (GROUPS.some(([key]) => key === query.get("show")) ? query.get("show") : "");

const sumOf = (counts) => Object.values(counts).reduce((sum, amount) => sum + amount, 0);

const withoutServers = ({ servers, ...run }) => run;

// How many servers are in each group, as words, and as a bar.
function showCounts(view, servers, run) {
  const total = sumOf(run.counts);
  const ended = servers.filter(({ state }) => state !== "waiting" && state !== "running").length;
  view.bar.max = Math.max(1, total);
  view.bar.value = run.finished === null ? ended : total;
  const parts = GROUPS.slice(1).map(([, words, wanted]) => [words, servers.filter(wanted).length]).filter(([, amount]) => amount);
  setText(view.counts, `${count(total)} ${total === 1 ? "server" : "servers"}: ${parts.map(([words, amount]) => `${count(amount)} ${words.toLowerCase()}`).join(", ") || "none begun yet"}`);
}

function build(stop) {
  const view = {
    heading: el("h1", {}, "Run"),
    about: el("p", { class: "page-about" }),
    state: el("span", { class: "run-state", role: "status" }),
    counts: el("span", { class: "run-counts" }),
    bar: el("progress", { max: 1, value: 0, "aria-label": "Servers on which it is over" }),
    stop: el("button", { type: "button", class: "button", hidden: true, click: stop }, "Stop what hasn't begun"),
    answer: el("p", { class: "answer", role: "alert" }),
    stopped: el("p", { class: "sub", hidden: true }),
    problem: el("p", { class: "callout", role: "alert", hidden: true }),
    command: el("pre", { class: "code", tabindex: "0", "aria-label": "What runs" }),
    list: el("ul", { class: "run-servers", "aria-label": "Servers" }),
    none: el("p", { class: "note", hidden: true }, "No server is in this state."),
    controls: el("div", { class: "controls" }),
  };
  view.commandBox = el("div", { class: "run-command", hidden: true }, view.command);
  view.body = el(
    "div",
    {},
    el("div", { class: "panel run-progress" }, el("div", { class: "run-head" }, view.state, view.counts, view.stop), view.bar, view.stopped, view.answer, view.commandBox),
    section("Servers", view.controls, view.list, view.none),
  );
  view.node = el(
    "article",
    {},
    el("a", { class: "back", href: "#/reactions" }, icon("back"), "All reactions"),
    el("header", { class: "page-title" }, view.heading, view.about),
    view.problem,
    view.body,
  );
  return view;
}
