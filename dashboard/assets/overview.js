// The servers at a glance, and what happened last.

import { el } from "./dom.js";
import { mountEvents } from "./events.js";
import { mountFilters } from "./filters.js";
import { mountFleet } from "./fleet.js";
import { mountSweeps } from "./sweeps.js";

const WIDE = "(min-width: 1100px)";

/** The page's module interface: see router.js. */
export function mount(root, { store, query, setQuery }) {
  const parts = build();
  root.classList.add("fleet-page");
  root.append(...parts.nodes);
  store.setView({ filter: query.get("show") ?? "all", search: query.get("q") ?? "" });
  mountFilters(store, parts);
  mountFleet(store, parts);
  mountEvents(store, { list: parts.events, last: parts.last, note: parts.eventsNote });
  mountSweeps(store, parts.sweeps);
  store.on("view", ({ filter, search }) => setQuery({ show: filter === "all" ? "" : filter, q: search }));
  parts.panel.open = matchMedia(WIDE).matches;
  store.setView({});
}

function build() {
  const chips = el("div", { class: "chips", role: "group", "aria-label": "Which servers are shown" });
  const search = el("input", {
    id: "search", class: "search", type: "search", placeholder: "Search  /", maxlength: 200, autocomplete: "off",
    "aria-label": "Search hostnames, addresses, labels and sensors",
  });
  const total = el("span", { class: "fleet-total", role: "status" });
  const list = el("ul", { id: "tiles", class: "tiles", "aria-label": "Servers" });
  const end = el("div");
  const note = el("p", { class: "note" });
  const sweeps = el("section", { class: "sweeps", "aria-label": "Sweeps" });
  const servers = el(
    "section",
    { class: "servers", "aria-labelledby": "servers-title" },
    el("div", { class: "section-head" }, el("h2", { id: "servers-title" }, "Servers"), chips, search, total),
    list,
    end,
    note,
  );
  const last = el("bdi", { class: "last-event" });
  const events = el("ol", { id: "events", class: "events" });
  const eventsNote = el("p", { class: "note" }, "Nothing happened yet.");
  const panel = el(
    "details",
    { id: "events-panel", class: "panel" },
    el("summary", {}, el("h2", {}, "Events"), " ", last),
    eventsNote,
    events,
  );
  const aside = el("aside", { class: "aside", "aria-label": "Events" }, panel);
  return { nodes: [el("h1", { class: "unseen" }, "Overview"), sweeps, servers, aside], chips, search, total, list, end, note, sweeps, last, panel, events, eventsNote };
}
