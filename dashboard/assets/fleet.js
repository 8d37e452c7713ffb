// All servers as tiles, the most urgent first. Only what changed is touched, a slice at a time.

import { count } from "./format.js";
import { setShown, setText } from "./dom.js";
import { matches } from "./filters.js";
import { serverRank } from "./levels.js";
import { newTile } from "./tile.js";

const SLICE = 8;
const AGES = 10000;
const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function order(a, b) {
  return serverRank(a) - serverRank(b) || byName.compare(a.hostname, b.hostname) || (a.id < b.id ? -1 : 1);
}

/** Show the servers of `store` in `list`; `note` says so if there are none to show. */
export function mountFleet(store, { list, note, total }) {
  const tiles = new Map();
  const dirty = new Set();
  let resort = false;
  let drawing = 0;

  function draw() {
    drawing = requestAnimationFrame(() => {
      drawing = 0;
      const end = performance.now() + SLICE;
      for (const id of dirty) {
        dirty.delete(id);
        showOne(id);
        if (performance.now() > end) break;
      }
      if (!dirty.size && resort) arrange();
      say();
      if (dirty.size) draw();
    });
  }

  function touch(ids) {
    for (const id of ids) dirty.add(id);
    if (!drawing) draw();
  }

  function showOne(id) {
    const server = store.servers.get(id);
    const old = tiles.get(id);
    if (!server || !matches(server, store.view)) {
      if (old) {
        old.tile.node.remove();
        tiles.delete(id);
      }
      return;
    }
    const tile = old?.tile ?? newTile(server);
    const key = `${serverRank(server)}\n${server.hostname}`;
    if (old?.key !== key) resort = true;
    tiles.set(id, { tile, key });
    tile.show(server, store.now());
    if (!old) list.append(tile.node);
  }

  // Walks the list once and moves only what stands in the wrong place, so that a tile that is
  // read or has the focus stays where it is unless its own place changed.
  function arrange() {
    resort = false;
    const sorted = [...tiles.keys()].map((id) => store.servers.get(id)).filter(Boolean).sort(order);
    const focused = document.activeElement;
    let at = list.firstElementChild;
    for (const server of sorted) {
      const { node } = tiles.get(server.id).tile;
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

  function say() {
    const shown = tiles.size;
    const known = store.servers.size;
    setText(total, shown === known ? `${count(known)} servers` : `${count(shown)} of ${count(known)} servers`);
    setShown(note, shown === 0 && !dirty.size);
    if (!store.loaded) setText(note, "Waiting for the fleet…");
    else if (known) setText(note, "No server matches this filter and search.");
    else setText(note, "No servers yet. They appear here as the sweep finds them.");
  }

  store.on("servers", (ids) => touch(ids ?? new Set([...tiles.keys(), ...store.servers.keys()])));
  store.on("view", () => touch([...tiles.keys(), ...store.servers.keys()]));
  setInterval(() => {
    for (const [id, server] of store.servers) if (!server.connected) dirty.add(id);
    if (dirty.size && !drawing) draw();
  }, AGES);
  say();
}
