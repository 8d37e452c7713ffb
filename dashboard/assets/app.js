// The page: one store, one connection, the shell around, and the page the address asks for.

import { connect } from "./connection.js";
import { mountHeader } from "./header.js";
import { mountNav } from "./nav.js";
import { startRouter } from "./router.js";
import { ROUTES } from "./routes.js";
import { createStore } from "./store.js";
import { mountTitle } from "./title.js";

const part = (id) => document.getElementById(id);

const store = createStore();
const nav = mountNav(ROUTES, part("nav"));
const title = mountTitle(store);
startRouter(ROUTES, part("main"), { store, title }, nav.show);

// A plain jump would change the address, which says what is shown.
part("skip").addEventListener("click", (event) => {
  event.preventDefault();
  part("main").focus();
});
const connection = connect(store);
mountHeader(
  store,
  { counters: part("counters"), pulse: part("pulse"), state: part("state"), banner: part("banner") },
  connection.now,
);
