// All servers as tiles, the most urgent first. Only what changed is touched, a slice at a time,
// and only as many tiles are drawn as someone has scrolled to.

import { setShown, setText } from "./dom.js";
import { matches } from "./filters.js";
import { count } from "./format.js";
import { serverRank } from "./levels.js";
import { newTile } from "./tile.js";

const SLICE = 8;
const AGES = 10000;
const PAGE = 240;

/** Show the servers of `store` in `list`; `note` says so if there are none to show, `total` how
 * many there are, and more are drawn when `end`, which stands behind the list, comes near. */
export function mountFleet(store, { list, note, total, end }) {
  const places = new Map();
  const tiles = new Map();
  const dirty = new Set();
  let limit = PAGE;
  let moved = false;
  let drawing = 0;

  function touch(ids) {
    for (const id of ids) dirty.add(id);
    drawing ||= requestAnimationFrame(draw);
  }

  function draw() {
    drawing = 0;
    const until = performance.now() + SLICE;
    for (const id of dirty) {
      dirty.delete(id);
      bringUpToDate(id);
      if (performance.now() > until) break;
    }
    if (dirty.size) drawing = requestAnimationFrame(draw);
    else if (moved) arrange();
    say();
  }

  function bringUpToDate(id) {
    const server = store.servers.get(id);
    const place = server && matches(server, store.view) ? placeOf(server) : undefined;
    if (places.get(id) !== place) {
      moved = true;
      if (place === undefined) places.delete(id);
      else places.set(id, place);
    }
    if (place !== undefined) tiles.get(id)?.show(server, store.now());
  }

  function arrange() {
    moved = false;
    const ordered = [...places].sort((a, b) => (a[1] < b[1] ? -1 : 1)).slice(0, limit);
    const visible = new Set(ordered.map(([id]) => id));
    for (const [id, tile] of tiles) {
      if (visible.has(id)) continue;
      tile.node.remove();
      tiles.delete(id);
    }
    for (const id of visible) {
      if (tiles.has(id)) continue;
      const server = store.servers.get(id);
      const tile = newTile(server);
      tile.show(server, store.now());
      tiles.set(id, tile);
    }
    reorder(list, [...visible].map((id) => tiles.get(id).node));
    // Asks anew whether the end is near: the list may have become shorter.
    nearing.unobserve(end);
    nearing.observe(end);
  }

  const nearing = new IntersectionObserver(
    (entries) => {
      if (!entries.at(-1).isIntersecting || places.size <= limit) return;
      limit += PAGE;
      moved = true;
      touch([]);
    },
    { rootMargin: "800px" },
  );

  function say() {
    const shown = places.size;
    const known = store.servers.size;
    setText(total, shown === known ? `${count(known)} servers` : `${count(shown)} of ${count(known)} servers`);
    setShown(note, shown === 0 && !dirty.size);
    if (!store.loaded) setText(note, "Waiting for the fleet…");
    else if (known) setText(note, "No server matches this filter and search.");
    else setText(note, "No servers yet. They appear here as the sweep finds them.");
  }

  store.on("servers", (ids) => touch(ids ?? [...places.keys(), ...store.servers.keys()]));
  store.on("view", () => {
    limit = PAGE;
    touch([...places.keys(), ...store.servers.keys()]);
  });
  // Ages grow without any news.
  setInterval(() => touch([...tiles.keys()].filter((id) => !store.servers.get(id)?.connected)), AGES);
  say();
}

// A text that sorts by urgency, then by name with its numbers as numbers, then by id.
function placeOf(server) {
  const name = server.hostname.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
  return `${serverRank(server).toFixed(1)}\n${name}\n${server.id}`;
}

// Walks the list once and moves only what stands in the wrong place, so that a tile that is
// read or has the focus stays where it is unless its own place changed.
function reorder(list, nodes) {
  const focused = document.activeElement;
  let at = list.firstElementChild;
  for (const node of nodes) {
    if (node === at) {
      at = at.nextElementSibling;
    } else if (at && at.nextElementSibling === node) {
      const strayed = at;
      at = node.nextElementSibling;
      strayed.remove();
    } else {
      list.insertBefore(node, at);
    }
  }
  if (focused !== document.activeElement && list.contains(focused)) focused.focus({ preventScroll: true });
}
