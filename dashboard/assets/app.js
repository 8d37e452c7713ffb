// The page: one store, one connection, the shell around, and the page the address asks for.

import { mountAccount } from "./account.js";
import { isAllowed } from "./allowed.js";
import { connect } from "./connection.js";
import { mountConsole } from "./console.js";
import { mountHappenings } from "./happenings.js";
import { mountHeader } from "./header.js";
import { mountHelp } from "./help.js";
import { createKeys } from "./keys.js";
import { mountNav } from "./nav.js";
import { isPinned, setPinned } from "./pins.js";
import { startRouter } from "./router.js";
import { findRoute } from "./route.js";
import { ROUTES } from "./routes.js";
import { mountSearch } from "./search.js";
import { isSpeaking, mountSpeech, setSpeaking } from "./speech.js";
import { createStore } from "./store.js";
import { mountStopped } from "./stopped.js";
import { mountTitle } from "./title.js";
import { mountTools, nextTheme } from "./tools.js";

const part = (id) => document.getElementById(id);
const pages = ROUTES.filter(({ nav }) => nav).map(({ path, nav }) => [nav.label, `#${path}`, nav.icon]);

const store = createStore();
const keys = createKeys();
const help = mountHelp(keys);
const nav = mountNav(ROUTES, part("nav"));
const search = mountSearch(store, pages);
const terminal = mountConsole(store, { search: search.open, help, wall: openWall }, pages);

// The wall takes the screen where the browser lets it: from a key or a click, it does.
function openWall() {
  document.documentElement.requestFullscreen?.().catch(() => {});
  location.hash = "#/wall";
}

// The server that is shown, or whose link or tile has the focus.
function pinThis() {
  const link = document.activeElement?.closest("li, [role=row]")?.querySelector('a[href^="#/server/"]');
  const found = findRoute(ROUTES, link?.getAttribute("href") ?? location.hash);
  if (found?.route.name === "server") setPinned(found.params.id, !isPinned(found.params.id));
}

keys.add("/", "search servers, sensors and pages", () => search.open());
keys.add("`", "the console", () => terminal.toggle());
keys.add("?", "this help", help);
keys.add("m", "mute or speak alarms", () => setSpeaking(!isSpeaking()));
keys.add("t", "the next theme: system, light, dark", nextTheme);
keys.add("w", "wall mode; Escape leaves it", openWall);
keys.add("p", "pin or unpin the server that is shown or has the focus", pinThis);
for (const { path, nav: entry } of ROUTES) {
  if (entry?.key) keys.add(`g ${entry.key}`, entry.label.toLowerCase(), () => void (location.hash = `#${path}`));
}

mountTools(part("tools"), { help, wall: openWall, console: () => terminal.toggle(), account: mountAccount });
part("search-button").addEventListener("click", () => search.open());
mountSpeech(store);
mountStopped(store, part("stopped"));
mountHappenings(store, part("ticker"));
startRouter(ROUTES, part("main"), { store, title: mountTitle(store) }, nav.show);

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

// What sticks to the top does so below what stands there already.
const measures = new ResizeObserver((seen) => seen.forEach(({ target }) => document.documentElement.style.setProperty(`--${target.id}`, `${target.offsetHeight}px`)));
measures.observe(part("bars"));
measures.observe(part("top"));

// What only those see who may act has the class `needs-act`.
isAllowed("act").then((may) => document.documentElement.toggleAttribute("data-may-act", may));

// With all pages at hand, going to another one needs no daemon that answers.
const later = globalThis.requestIdleCallback ?? ((job) => setTimeout(job, 1000));
later(() => ROUTES.forEach(({ load }) => load().catch(() => {})));
