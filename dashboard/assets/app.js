// The page: one store, one connection, and the views that show them.

import { connect } from "./connection.js";
import { setShown } from "./dom.js";
import { mountEvents } from "./events.js";
import { mountFilters } from "./filters.js";
import { mountFleet } from "./fleet.js";
import { mountHeader } from "./header.js";
import { fleetLink, parseRoute } from "./route.js";
import { mountServer } from "./server.js";
import { createStore } from "./store.js";
import { mountSweeps } from "./sweeps.js";

const WIDE = "(min-width: 1100px)";
const part = (id) => document.getElementById(id);

const store = createStore();
const fleetPage = part("fleet-page");
const serverPage = part("server-page");
let leave = () => {};
let scrolled = 0;

function go() {
  const route = parseRoute(location.hash);
  leave();
  leave = () => {};
  const fleet = route.page === "fleet";
  if (!fleet && !fleetPage.hidden) scrolled = scrollY;
  setShown(fleetPage, fleet);
  setShown(serverPage, !fleet);
  if (fleet) {
    serverPage.replaceChildren();
    store.setView({ filter: route.filter, search: route.search });
    scrollTo(0, scrolled);
  } else {
    leave = mountServer(store, route.id, serverPage, fleetLink(store.view));
    scrollTo(0, 0);
  }
}

// Typing in the search box must not fill the browser's history.
function remember(view) {
  const link = fleetLink(view);
  if (!fleetPage.hidden && link !== (location.hash || "#/")) history.replaceState(null, "", link);
}

function fold() {
  part("events-panel").open = matchMedia(WIDE).matches;
}

mountFilters(store, { chips: part("chips"), search: part("search") });
mountFleet(store, { list: part("tiles"), note: part("fleet-note"), total: part("fleet-total"), end: part("tiles-end") });
mountEvents(store, { list: part("events"), last: part("last-event"), note: part("events-note") });
mountSweeps(store, part("sweeps"));
store.on("view", remember);
addEventListener("hashchange", go);
matchMedia(WIDE).addEventListener("change", fold);
fold();
// A plain jump would change the address, which says what is shown.
part("skip").addEventListener("click", (event) => {
  event.preventDefault();
  part("main").focus();
});
go();
const connection = connect(store);
mountHeader(
  store,
  { counters: part("counters"), pulse: part("pulse"), state: part("state"), banner: part("banner") },
  connection.now,
);
