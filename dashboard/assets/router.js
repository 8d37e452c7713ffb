// Shows the page that the address asks for: one at a time, each in a fresh element.

import { el, fill } from "./dom.js";
import { findRoute, linkTo, splitHash } from "./route.js";

/** Start showing `routes` in `main`. `shared` is what every page's context has besides:
 *
 * - `store`: the store; what a page subscribes to through its context's ends with the page
 * - `params`: the named parts of the path
 * - `query`: the address's query now, as URLSearchParams
 * - `setQuery(changes, {push})`: change it; without `push` the browser's history doesn't grow
 * - `onQuery(listener)`: called when the address's query changed otherwise (back, a link)
 * - `every(ms, job)`: an interval that ends with the page
 * - `signal`: aborted when the page ends, for `get(…, signal)` and addEventListener
 * - `title(text)`: what the browser's tab says
 *
 * The context's `name` is the route's. `arrived` is called with each route that is shown. */
export function startRouter(routes, main, shared, arrived) {
  let current = null;

  function go() {
    const found = findRoute(routes, location.hash) ?? { route: MISSING, params: {} };
    const key = linkTo(splitHash(location.hash).path);
    if (current?.key === key) {
      current.listeners.forEach((listener) => listener(splitHash(location.hash).query));
      return;
    }
    const first = current === null;
    current?.end();
    current = newVisit(found.route, found.params, key, main, shared);
    arrived(found.route);
    current.start(first);
  }

  addEventListener("hashchange", go);
  go();
}

const MISSING = { name: "missing", load: async () => ({ mount: (root) => void root.append(problem("This page doesn't exist.")) }) };

function newVisit(route, params, key, main, shared) {
  const leaving = new AbortController();
  const timers = [];
  const stops = [];
  const listeners = new Set();
  let unmount = null;

  const store = Object.create(shared.store, {
    on: {
      value(topic, listener) {
        const stop = shared.store.on(topic, listener);
        stops.push(stop);
        return stop;
      },
    },
  });
  const context = {
    ...shared,
    store,
    params,
    name: route.name,
    signal: leaving.signal,
    get query() {
      return splitHash(location.hash).query;
    },
    setQuery(changes, { push = false } = {}) {
      if (leaving.signal.aborted) return;
      const { path, query } = splitHash(location.hash);
      const link = linkTo(path, { ...Object.fromEntries(query), ...changes });
      if (link === linkTo(path, Object.fromEntries(query))) return;
      history[push ? "pushState" : "replaceState"](null, "", link);
    },
    onQuery: (listener) => void listeners.add(listener),
    every: (ms, job) => void timers.push(setInterval(job, ms)),
    title(text) {
      shared.title(text);
    },
  };

  async function start(first) {
    const root = el("div", { id: `${route.name}-page`, class: `page ${route.name}-page` });
    fill(main, root);
    scrollTo(0, 0);
    shared.title(route.nav?.label ?? "");
    let module = null;
    try {
      module = await route.load();
    } catch {
      // The daemon went away in between: once it is back, another attempt.
      if (!leaving.signal.aborted) retry(root, first);
      return;
    }
    if (leaving.signal.aborted) return;
    unmount = module.mount(root, context) ?? null;
    if (!first) announce(root);
  }

  function retry(root, first) {
    root.append(problem("This page could not be loaded. It is tried again when the daemon answers."));
    const stop = store.on("connection", ({ state }) => {
      if (state !== "live") return;
      stop();
      start(first);
    });
  }

  function end() {
    leaving.abort();
    unmount?.();
    stops.forEach((stop) => stop());
    timers.forEach(clearInterval);
  }

  return { key, listeners, start, end };
}

const problem = (text) => el("p", { class: "note", role: "alert" }, text);

// People who don't see the page change hear its heading.
function announce(root) {
  const heading = root.querySelector("h1");
  if (!heading || root.contains(document.activeElement)) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}
