// The parts of a server's page, and what stands in them.

import { connectionRows } from "./channels.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { ago, count, instant, reading, time } from "./format.js";
import { icon } from "./icons.js";
import { statusClass, word } from "./levels.js";
import { linkTo } from "./route.js";

const MOST_ADDRESSES = 8;

/** The page of the server `id`, with these views in their places. */
export function build(id, { pin, silence, timebar, sensors, happened, reactions }) {
  const view = {
    heading: el("h1", { tabindex: "-1", class: "server-name" }),
    status: el("span", { class: "level level-large" }),
    where: el("p", { class: "server-where" }),
    labels: el("ul", { class: "server-labels", "aria-label": "Labels", hidden: true }),
    reason: el("div", { class: "callout", hidden: true }),
    problem: el("p", { class: "callout", role: "alert", hidden: true }),
    prominent: el("div", { class: "prominent" }),
    facts: el("dl", { class: "facts" }),
    identity: el("dl", { class: "facts" }),
    connection: el("dl", { class: "facts" }),
    unsupported: el("dl", { class: "facts unsupported" }),
    unsupportedCount: el("span", { class: "chip-count" }),
    aside: el("div", { class: "channel-time-place" }),
    run: el("a", { class: "button needs-act panel-button", href: linkTo("/run", { server: id }) }, "Run…"),
  };
  view.unsupportedBox = el(
    "details",
    { class: "panel", hidden: true },
    el("summary", {}, el("h2", {}, "Sensors that don't apply"), view.unsupportedCount),
    view.unsupported,
  );
  const parts = [
    ["Sensors", el("section", { class: "server-main", "aria-labelledby": "sensors-title" },
      el("div", { class: "section-head" }, el("h2", { id: "sensors-title" }, "Sensors"), sensors.tools),
      timebar.node, sensors.list, sensors.none, view.unsupportedBox)],
    ["Reactions", panel("Reactions", [view.run, ...reactions.nodes])],
    ["Events", panel("Events", happened.nodes)],
    ["Machine", panel("Machine", [view.facts, el("details", { class: "more-facts" }, el("summary", {}, "Identity"), view.identity)])],
    ["Connection", panel("Connection", [view.connection, view.aside])],
  ];
  const [main, ...side] = parts.map(([, node]) => node);
  const jumps = parts.map(([name, node]) => el("button", { type: "button", class: "chip", click: () => goTo(node) }, name));
  const [machine, connection] = [side[2], side[3]];
  view.body = el(
    "div",
    { hidden: true },
    view.prominent,
    sensors.attention,
    el("div", { class: "server-columns" }, main, el("div", { class: "server-side" }, connection, machine, side[0], side[1])),
  );
  view.node = el(
    "article",
    { class: "server" },
    el("header", { class: "server-head" },
      el("a", { class: "back", href: "#/fleet" }, icon("back"), "All servers"),
      el("div", { class: "server-title" }, view.heading, pin.node, view.status, silence.link),
      view.where,
      view.labels),
    view.problem,
    view.reason,
    silence.node,
    el("div", { class: "chips jumps", role: "group", "aria-label": "Parts of this page" }, jumps),
    view.body,
  );
  return view;
}

function panel(name, nodes) {
  return el("section", { class: "panel", "aria-label": name }, el("h2", { tabindex: "-1" }, name), nodes);
}

function goTo(node) {
  node.scrollIntoView({ block: "start" });
  const heading = node.querySelector("h2");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** The head of the page. */
export function showHead(view, server, now) {
  setText(view.heading, server.hostname || server.id);
  const status = statusClass(server.status);
  if (view.status.dataset.shown !== status) {
    view.status.dataset.shown = view.node.dataset.status = status;
    fill(view.status, icon(status), word(status));
  }
  const age = server.connected ? 0 : Math.round((now - server.last_seen) / 5);
  if (changed(view.where, [server.connected, server.addresses, server.facts, age])) fill(view.where, whereParts(server, now).flatMap((part, index) => (index ? [" · ", part] : [part])));
  const labels = Object.entries(server.labels ?? {});
  if (changed(view.labels, labels)) {
    fill(view.labels, labels.map(([key, value]) => el("li", { class: "server-label" }, el("span", { class: "server-label-key" }, data(key)), data(value))));
    setShown(view.labels, labels.length > 0);
  }
  if (changed(view.reason, [server.status, server.reason])) {
    fill(view.reason, server.reason ? el("p", {}, el("strong", {}, `${word(server.status)}: `), data(server.reason)) : []);
    setShown(view.reason, Boolean(server.reason));
  }
}

function whereParts(server, now) {
  const { facts = {} } = server;
  const size = [facts.cpus ? `${facts.cpus} CPU${facts.cpus === 1 ? "" : "s"}` : "", facts.memory_bytes ? reading(facts.memory_bytes, "B") : ""];
  const seen = server.connected ? "connected" : el("span", { title: instant(server.last_seen) }, `last seen ${ago(now - server.last_seen)}`);
  return [data(server.addresses.slice(0, MOST_ADDRESSES).join(", ")), facts.os ? data(facts.os) : "", ...size, seen].filter(Boolean);
}

/** The panels beside and below the sensors. */
export function showPanels(view, server) {
  const { facts = {}, identity = {} } = server;
  const endpoints = (server.endpoints ?? []).map((end) => `${end.address} port ${end.port}`);
  rows(view.connection, connectionRows(server));
  rows(view.facts, [
    ["System", facts.os],
    ["Kernel", facts.kernel],
    ["Architecture", facts.architecture],
    ["CPUs", facts.cpus],
    ["Memory", facts.memory_bytes ? reading(facts.memory_bytes, "B") : ""],
    ["Reached at", endpoints.join(", ")],
    ["Its addresses", (facts.addresses ?? []).join(", ")],
    ["MAC", (facts.macs ?? identity.macs ?? []).join(", ")],
    ["First seen", when(server.first_seen)],
    ["Last seen", when(server.last_seen)],
  ]);
  rows(view.identity, [
    ["Host key", identity.host_key],
    ["Machine id", identity.machine_id],
    ["Boot id", identity.boot_id],
    ["Id", server.id],
  ]);
  const unsupported = Object.entries(server.unsupported ?? {});
  if (changed(view.unsupported, unsupported)) {
    fill(view.unsupported, unsupported.map(([name, reason]) => el("div", {}, el("dt", {}, data(name)), el("dd", {}, data(reason)))));
    setText(view.unsupportedCount, count(unsupported.length));
    setShown(view.unsupportedBox, unsupported.length > 0);
  }
}

const when = (at) => (at ? el("time", { datetime: new Date(at * 1000).toISOString(), title: instant(at) }, time(at)) : "");

// Rows are touched only where they say something else, so that what a person selects stays.
function rows(list, pairs) {
  const wanted = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  while (list.children.length > wanted.length) list.lastElementChild.remove();
  wanted.forEach(([name, value], index) => {
    const said = value instanceof Node ? [value.textContent, value.title] : value;
    const row = list.children[index] ?? list.appendChild(el("div", {}, el("dt"), el("dd")));
    if (!changed(row, [name, said])) return;
    setText(row.firstElementChild, name);
    fill(row.lastElementChild, value instanceof Node ? value : data(value));
  });
}

const told = new WeakMap();

function changed(node, value) {
  const text = JSON.stringify(value);
  if (told.get(node) === text) return false;
  told.set(node, text);
  return true;
}
