// Which events are wanted: text, kinds, a server, a sensor, a time. Kept in the address.

import { data, el, fill, setAttribute, setShown } from "./dom.js";
import { eventIcon, eventWord } from "./event-words.js";
import { icon } from "./icons.js";

const TYPING = 300;
const MOST_OFFERED = 20;
const KINDS = [
  "alarmed", "warned", "failing", "gone", "blind", "flapping", "fired", "mended", "not_mended", "recovered",
  "acknowledged", "unacknowledged", "note", "silenced", "control",
  "disconnected", "connected", "found", "removed", "queued_up", "queue_cleared", "host_key_changed", "sensor", "feed", "message",
];
const SPANS = [["", "Any time"], ["3600", "Last hour"], ["86400", "Last 24 hours"], ["604800", "Last 7 days"], ["custom", "Between…"]];

/** {node, query(), matches(event), isEmpty(), end()}. `changed` is called when something else is
 * wanted. */
export function newEventFilter({ store, query, setQuery, onQuery }, changed) {
  let wanted = read(query);
  let typing = 0;

  const text = el("input", { type: "search", class: "search", placeholder: "Search messages", "aria-label": "Search messages", maxlength: 200, autocomplete: "off", spellcheck: "false", input: type });
  const offers = el("datalist", { id: "log-servers" });
  const server = el("input", { type: "search", class: "search", placeholder: "Server", "aria-label": "Server", list: "log-servers", maxlength: 253, autocomplete: "off", spellcheck: "false", input: offer, change: chooseServer });
  const sensor = el("input", { type: "search", class: "search", placeholder: "Sensor", "aria-label": "Sensor", maxlength: 300, autocomplete: "off", spellcheck: "false", input: type });
  const span = el("select", { class: "select", "aria-label": "When", change: chooseSpan }, SPANS.map(([value, label]) => el("option", { value }, label)));
  const from = el("input", { type: "datetime-local", class: "search", "aria-label": "From", change: chooseTimes });
  const to = el("input", { type: "datetime-local", class: "search", "aria-label": "To", change: chooseTimes });
  const times = el("span", { class: "log-times" }, from, el("span", { class: "sub" }, "to"), to);
  const kinds = el("div", { class: "chips", role: "group", "aria-label": "Kinds" });
  const buttons = new Map(KINDS.map((kind) => [kind, el("button", { type: "button", class: "chip chip-kind", "data-type": kind, click: () => toggle(kind) }, icon(eventIcon(kind)), eventWord(kind))]));
  const clear = el("button", { type: "button", class: "button", click: () => choose(read(new URLSearchParams())) }, "Clear");
  const unknown = el("p", { class: "note-small", role: "status", hidden: true });
  kinds.append(...buttons.values());
  const node = el("search", { class: "log-filter", "aria-label": "Which events are shown" }, el("div", { class: "log-fields" }, text, server, offers, sensor, span, times, clear), unknown, kinds);

  function type() {
    clearTimeout(typing);
    typing = setTimeout(() => choose({ ...wanted, q: text.value.trim(), sensor: sensor.value.trim() }), TYPING);
  }

  function offer() {
    const typed = server.value.toLowerCase();
    const found = [];
    for (const one of store.servers.values()) {
      if (one.hostname.toLowerCase().includes(typed)) found.push(one.hostname);
      if (found.length >= MOST_OFFERED) break;
    }
    fill(offers, found.map((name) => el("option", { value: name })));
    if (!server.value) chooseServer();
  }

  function chooseServer() {
    const typed = server.value.trim().toLowerCase();
    let id = "";
    for (const one of store.servers.values()) {
      if (typed && (one.hostname.toLowerCase() === typed || one.addresses.includes(typed) || one.id === typed)) id = one.id;
    }
    fill(unknown, typed && !id ? ["No server is called ", data(server.value), "."] : "");
    setShown(unknown, Boolean(typed && !id));
    if (!typed || id) choose({ ...wanted, server: id });
  }

  function toggle(kind) {
    const types = wanted.types.includes(kind) ? wanted.types.filter((one) => one !== kind) : [...wanted.types, kind];
    choose({ ...wanted, types });
  }

  function chooseSpan() {
    if (span.value === "custom") choose({ ...wanted, span: "custom" });
    else choose({ ...wanted, span: span.value, from: null, to: null });
  }

  function chooseTimes() {
    const second = (input) => (input.value ? new Date(input.value).getTime() / 1000 : null);
    choose({ ...wanted, span: "custom", from: second(from), to: second(to) });
  }

  function choose(next) {
    wanted = next;
    const { q, types } = wanted;
    setQuery({ q, type: types.join(","), server: wanted.server, sensor: wanted.sensor, span: wanted.span, from: wanted.from, to: wanted.to });
    show();
    changed();
  }

  function show() {
    const put = (input, value) => {
      if (input.value !== value && input !== document.activeElement) input.value = value;
    };
    put(text, wanted.q);
    put(sensor, wanted.sensor);
    put(server, wanted.server ? (store.servers.get(wanted.server)?.hostname ?? wanted.server) : "");
    put(span, wanted.span);
    put(from, local(wanted.from));
    put(to, local(wanted.to));
    setShown(times, wanted.span === "custom");
    for (const [kind, button] of buttons) setAttribute(button, "aria-pressed", String(wanted.types.includes(kind)));
    setShown(clear, !isEmpty());
  }

  const isEmpty = () => !wanted.q && !wanted.server && !wanted.sensor && !wanted.span && !wanted.types.length;
  const since = () => (wanted.span === "custom" ? wanted.from : wanted.span ? store.now() - Number(wanted.span) : null);

  onQuery((now) => {
    wanted = read(now);
    show();
    changed();
  });
  store.on("servers", (ids) => ids === null && show());
  show();

  return {
    node,
    isEmpty,
    query: () => ({ q: wanted.q || null, type: wanted.types, server: wanted.server || null, sensor: wanted.sensor || null, from: since(), to: wanted.to }),
    matches(event) {
      if (wanted.server && event.server !== wanted.server) return false;
      if (wanted.sensor && event.sensor !== wanted.sensor && !event.sensor?.startsWith(`${wanted.sensor}[`)) return false;
      if (wanted.types.length && !wanted.types.includes(event.type)) return false;
      if (wanted.to !== null && event.at >= wanted.to) return false;
      return event.at >= (since() ?? 0) && event.message.toLowerCase().includes(wanted.q.toLowerCase());
    },
    end: () => clearTimeout(typing),
  };
}

function read(query) {
  const second = (key) => (Number.isFinite(Number.parseFloat(query.get(key))) ? Number.parseFloat(query.get(key)) : null);
  const span = query.get("span") ?? (query.has("from") || query.has("to") ? "custom" : "");
  return {
    q: query.get("q") ?? "",
    server: query.get("server") ?? "",
    sensor: query.get("sensor") ?? "",
    types: (query.get("type") ?? "").split(",").filter((one) => KINDS.includes(one)),
    span: SPANS.some(([value]) => value === span) ? span : "",
    from: second("from"),
    to: second("to"),
  };
}

// What the browser's own picker wants: local time without a zone.
function local(at) {
  if (at === null) return "";
  const date = new Date(at * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
