// The servers that the fleet page shows, in order and in groups; worked out again only when
// something they depend on changed, and never more often than people can follow.

import { grouper, groupOrder } from "./grouping.js";
import { urgency } from "./levels.js";
import { compile } from "./query.js";

const PAUSE = 400;

/** The selection from `store`. `changed()` is called when `groups` is another:
 * [{name, servers: [server…], counts: Map of status → number}]. */
export function newSelection(store, changed) {
  let view = { text: "", group: "none" };
  let byName = [];
  let generation = -1;
  let due = 0;
  let ranges = [];
  const selection = { groups: [], total: 0, view, set, setRanges, end };

  function set(changes) {
    const next = { ...view, ...changes };
    if (Object.keys(next).every((key) => next[key] === view[key]) && selection.groups.length) return;
    view = selection.view = next;
    compute();
  }

  // The configured ranges, as texts: what `range` groups by.
  function setRanges(texts) {
    ranges = texts;
    if (view.group === "range") compute();
  }

  function compute() {
    clearTimeout(due);
    due = 0;
    if (generation !== store.generation) {
      generation = store.generation;
      byName = sorted([...store.servers.values()]);
    }
    const wanted = compile(view.text);
    const groupOf = grouper(view.group, ranges);
    const groups = new Map();
    let total = 0;
    for (const id of byName) {
      const server = store.servers.get(id);
      if (!server || !wanted(server)) continue;
      total += 1;
      const name = groupOf(server);
      if (!groups.has(name)) groups.set(name, { name, servers: [], counts: new Map() });
      const group = groups.get(name);
      group.servers.push(server);
      group.counts.set(server.status, (group.counts.get(server.status) ?? 0) + 1);
    }
    selection.groups = [...groups.values()].sort(groupOrder(view.group));
    selection.total = total;
    changed();
  }

  const stop = store.on("shapes", (ids) => {
    if (ids === null) compute();
    else due ||= setTimeout(compute, PAUSE);
  });

  function end() {
    clearTimeout(due);
    stop();
  }

  return selection;
}

// A collator that knows numbers is slow enough to be felt with 10,000 names; with their numbers
// padded, they sort as plain texts.
function sorted(servers) {
  const keyed = servers.map((server) => [sortKey(server), server.id]);
  keyed.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : 1));
  return keyed.map(([, id]) => id);
}

const sortKey = (server) =>
  (server.hostname || server.addresses[0] || server.id).slice(0, 200).toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));

/** These servers with the most urgent first; those of equal urgency stay in their order. */
export function byUrgency(servers) {
  const buckets = new Map();
  for (const server of servers) {
    const rank = urgency(server);
    if (!buckets.has(rank)) buckets.set(rank, []);
    buckets.get(rank).push(server);
  }
  return [...buckets].sort((a, b) => a[0] - b[0]).flatMap(([, bucket]) => bucket);
}
