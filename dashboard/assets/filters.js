// Which servers are shown: the chips and the search box, kept in the page's address.

import { el, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { needsAttention } from "./levels.js";

const FILTERS = new Map([
  ["all", ["All", () => true]],
  ["attention", ["Needs attention", needsAttention]],
  ["alarmed", ["Alarmed", (server) => server.status === "alarmed"]],
  ["warned", ["Warned", (server) => server.status === "warned"]],
  ["disconnected", ["Disconnected", (server) => server.status === "disconnected"]],
  ["queued", ["Queued up", (server) => Boolean(server.queued_up)]],
]);
const RECOUNT = 500;

/** Whether `view` shows `server`. */
export function matches(server, view) {
  const [, wanted] = FILTERS.get(view.filter) ?? FILTERS.get("all");
  if (!wanted(server)) return false;
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const text = searchable(server);
  return words.every((word) => text.includes(word));
}

function searchable(server) {
  const names = [...server.series.values()].map((sensor) => sensor.name);
  const labels = Object.entries(server.labels ?? {}).map(([key, value]) => `${key}:${value} ${key}=${value}`);
  return [server.hostname, server.id, ...server.addresses, ...labels, ...new Set(names)].join("\n").toLowerCase();
}

/** Chips into `chips`; `search` is the page's search box. */
export function mountFilters(store, { chips, search }) {
  const counts = new Map();
  const buttons = new Map();
  for (const [name, [label]] of FILTERS) {
    const amount = el("span", { class: "chip-count" }, "0");
    const click = () => store.setView({ filter: name });
    const button = el("button", { type: "button", class: `chip chip-${name}`, click }, label, " ", amount);
    counts.set(name, amount);
    buttons.set(name, button);
    chips.append(button);
  }
  search.addEventListener("input", () => store.setView({ search: search.value }));
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && search.value) store.setView({ search: "" });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, textarea, select") && search.offsetParent) {
      event.preventDefault();
      search.focus();
    }
  });

  function showView({ filter, search: text }) {
    for (const [name, button] of buttons) setAttribute(button, "aria-pressed", String(name === filter));
    if (search.value !== text) search.value = text;
  }

  let due = 0;
  function recount() {
    due = 0;
    const servers = [...store.servers.values()];
    for (const [name, [, wanted]] of FILTERS) {
      const amount = servers.filter(wanted).length;
      setText(counts.get(name), count(amount));
      setAttribute(buttons.get(name), "data-zero", amount === 0);
    }
  }

  store.on("view", showView);
  store.on("servers", () => {
    due ||= setTimeout(recount, store.loaded && counts.get("all").textContent === "0" ? 0 : RECOUNT);
  });
  showView(store.view);
}
