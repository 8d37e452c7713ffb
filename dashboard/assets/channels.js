// How a server is reached and what its channels are busy with; while it is queued up, why, and
// what would cure it.

import { data, el, fill, keepingFocus, setAttribute, setShown, setText } from "./dom.js";
import { count, duration, number, reading } from "./format.js";
import { icon } from "./icons.js";

const FEW = 6;
const MOST_SLOTS = 16;

// The full answer has the cause apart from the cure; until it is there, one text says both.
const explanation = ({ channels }) =>
  (channels?.cure ? `${channels.cure.cause}.` : channels?.queued_up) || "Its channels can't run the sensors as often as they are due.";

/** The section on where the channel time goes: `node` moves between `prominent`, while the server
 * is queued up, and `aside`, and `show(server)` brings it up to date. */
export function newChannelTime(prominent, aside) {
  let whole = false;
  const title = el("h2", {}, "Channel time");
  const brief = el("span", { class: "note-inline" });
  const text = el("p", { class: "channel-text" });
  const cures = el("ul", { class: "cures" });
  const bar = el("span", { class: "meter-bar" });
  const meter = el("div", { class: "meter", "aria-hidden": "true" }, bar);
  const scale = el("p", { class: "meter-text", hidden: true });
  const uses = el("ol", { class: "uses", "aria-label": "Sensors by the channel time they take" });
  const more = el("button", { type: "button", class: "button", click: toggle });
  const node = el(
    "details",
    { class: "panel channel-time" },
    el("summary", {}, title, brief),
    text,
    cures,
    scale,
    meter,
    uses,
    more,
  );
  let last = null;
  let queued = null;

  function toggle() {
    whole = !whole;
    show(last);
  }

  function show(server) {
    last = server;
    const { channels } = server;
    const use = channels.use ?? [];
    if (queued !== Boolean(server.queued_up)) {
      queued = Boolean(server.queued_up);
      keepingFocus(() => (queued ? prominent : aside).append(node));
      node.open = queued;
      node.dataset.queued = queued;
      fill(title, queued ? [icon("queued"), " Queued up"] : "Channel time");
    }
    const need = channels.need ?? 0;
    const share = channels.limit ? need / channels.limit : 0;
    setText(brief, queued ? "" : `${percent(share)} of what ${plural(channels.limit, "channel")} can do`);
    setText(text, queued ? explanation(server) : inWords(need, channels.limit));
    // Where more is needed than there is, the bar is what there is of it.
    bar.style.width = `${100 * Math.min(share, 1 / Math.max(share, 1))}%`;
    setAttribute(meter, "data-over", share > 1);
    setText(scale, share > 1 ? `${number(need)} channels are needed, ${count(channels.limit)} are there` : "");
    setShown(scale, share > 1);
    fill(cures, queued ? remedies(channels.cure) : []);
    setShown(cures, cures.childElementCount > 0);
    const most = Math.max(...use.map((one) => one.load), 1e-9);
    fill(uses, use.slice(0, whole ? use.length : FEW).map((one) => useItem(one, most)));
    setShown(more, use.length > FEW);
    setText(more, whole ? "Show only the greatest" : `Show all ${count(use.length)}`);
    setShown(node, queued || use.length > 0);
  }

  return { node, show };
}

const plural = (amount, noun) => `${count(amount)} ${noun}${amount === 1 ? "" : "s"}`;
const percent = (share) => (share > 0 && share < 0.001 ? "under 0.1 %" : reading(share * 100, "%"));

function inWords(need, limit) {
  return `The sensors need ${number(need)} of ${plural(limit, "channel")}: so many seconds of channel time a second.`;
}

function remedies(cure) {
  if (!cure) return [];
  const found = [el("li", {}, el("strong", {}, "Read these sensors less often: "), `every ${duration(cure.interval_s)} or longer`)];
  if (cure.setting) {
    found.push(el("li", {}, el("strong", {}, `Or have ${plural(cure.channels, "channel")}: `), data(cure.setting)));
  }
  return found;
}

function useItem(use, most) {
  const bar = el("span", { class: "use-bar" });
  bar.style.width = `${Math.max(1, (use.load / most) * 100)}%`;
  const details = [`${duration(use.took_s)} every ${duration(use.every)}`];
  if (use.waited_s >= 0.05) details.push(`waits ${duration(use.waited_s)}`);
  if (use.missed) details.push(`${count(use.missed)} missed`);
  return el(
    "li",
    { class: "use" },
    el("div", { class: "use-head" }, data(use.sensor, { class: "use-name" }), el("span", { class: "use-share", title: `${number(use.load)} channel-seconds a second` }, `${percent(use.load)} of a channel`)),
    el("div", { class: "use-track", "aria-hidden": "true" }, bar),
    el("span", { class: "use-details" }, details.join(" · ")),
  );
}

/** The rows on the connection and its channel pool, as [name, text or node] for a list. */
export function connectionRows(server) {
  const { channels, facts = {} } = server;
  const alone = (channels.alone ?? []).map((name) => [name, channels.why_alone?.[name] ?? ""]);
  return [
    ["Logged in as", server.user],
    ["Port", server.port],
    ["Round trip", typeof channels.round_trip_s === "number" ? el("span", { title: "The shortest in the last minutes, as this machine's kernel measured it" }, duration(channels.round_trip_s)) : ""],
    ["Channels", server.connected ? slots(channels) : channels.limit ? `${plural(channels.limit, "channel")} when last connected` : ""],
    ["Waiting", channels.queued],
    ["Longest wait", channels.queued && channels.oldest_wait_s !== undefined ? duration(channels.oldest_wait_s) : ""],
    ["Missed ticks", channels.missed === undefined ? "" : count(channels.missed)],
    ["Refused opens", channels.refused === undefined ? "" : count(channels.refused)],
    ["Commands run", server.connected ? mode(channels) : ""],
    ["Login shell", channels.login_shell || facts.shell],
    ["Run alone", alone.length ? el("ul", { class: "alone" }, alone.map(([name, why]) => el("li", {}, data(name), why ? el("span", { class: "alone-why" }, data(why)) : []))) : ""],
    ["SSH server", facts.ssh_version],
  ];
}

function mode({ shells, no_shell: none }) {
  if (none) return data(`each by itself: no shell, ${none}`);
  if (shells === undefined) return "";
  return shells ? `together, in ${plural(shells, "shell")}` : "each by itself";
}

function slots({ limit, busy }) {
  const boxes = Array.from({ length: Math.min(limit, MOST_SLOTS) }, (_, index) => el("span", { class: index < busy ? "slot slot-busy" : "slot" }));
  return el("span", { class: "slots" }, el("span", { class: "slot-row", "aria-hidden": "true" }, boxes), `${count(busy)} of ${count(limit)} busy`);
}
