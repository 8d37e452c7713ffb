// Servers as tiles, the most urgent first. Only what changed is touched, a slice at a time, and
// never more tiles are drawn than a person would look through.

import { isPinned } from "./pins.js";
import { urgency } from "./levels.js";
import { newTile } from "./tile.js";

const SLICE = 8;
const MOST = 120;

/** Tiles of the servers of `store` in `list`. `changed({shown, left})` says how many are drawn
 * and how many more there are. */
export function newTiles(store, list, changed) {
  const places = new Map();
  const tiles = new Map();
  const dirty = new Set();
  let wanted = () => false;
  let moved = true;
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
  }

  function bringUpToDate(id) {
    const server = store.servers.get(id);
    const place = server && wanted(server) ? placeOf(server) : undefined;
    if (places.get(id) !== place) {
      moved = true;
      if (place === undefined) places.delete(id);
      else places.set(id, place);
    }
    if (place !== undefined) tiles.get(id)?.show(server, store.now());
  }

  function arrange() {
    moved = false;
    const visible = first(places);
    const ids = new Set(visible);
    for (const [id, tile] of tiles) {
      if (ids.has(id)) continue;
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
    reorder(list, visible.map((id) => tiles.get(id).node));
    changed({ shown: visible.length, left: places.size - visible.length });
  }

  const everything = () => touch([...places.keys(), ...store.servers.keys()]);
  const stop = store.on("servers", (ids) => {
    if (ids === null) moved = true;
    if (ids === null) everything();
    else touch(ids);
  });

  return {
    setFilter(filter) {
      wanted = filter;
      moved = true;
      everything();
    },
    refilter: everything,
    /** Ages grow without any news. */
    tick: () => touch([...tiles.keys()].filter((id) => !store.servers.get(id)?.connected)),
    end() {
      stop();
      cancelAnimationFrame(drawing);
    },
  };
}

const byPlace = (a, b) => (a[1] < b[1] ? -1 : 1);
const first = (places) => [...places].sort(byPlace).slice(0, MOST).map(([id]) => id);

// A text that sorts by urgency, then by name with its numbers as numbers, then by id.
function placeOf(server) {
  const name = server.hostname.slice(0, 200).toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
  return `${urgency(server).toFixed(1)}${isPinned(server.id) ? 0 : 1}\n${name}\n${server.id}`;
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
