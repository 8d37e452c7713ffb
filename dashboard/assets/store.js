// All state of the page in one place, and who wants to know when it changes.

import { needsAttention } from "./levels.js";

const MOST_EVENTS = 300;
const MOST_BEATS = 120;

const seriesKey = (name, instance) => JSON.stringify([name, instance]);

// What servers are sorted, filtered and counted by. Readings change all the time, these seldom.
const SHAPE = ["status", "queued_up", "quiet", "muted", "hostname", "addresses", "labels", "facts"];

/** A new, empty store. Topics: servers (a Set of ids, or null for all), shapes (the same, of
 * those of which more changed than readings; told before servers), stats, sweeps, events
 * (those added, old ones too), news (those that happened just now), connection. Listeners of a
 * topic are called after each change of it. */
export function createStore() {
  const listeners = new Map();
  let clockAhead = 0;

  const store = {
    servers: new Map(),
    /** How many servers have each status, and how many are `queued`, `failing` (sensors of
     * them), `silenced` (all of them, or all that is wrong), `alarming` (alarmed, and not
     * silenced), or need `attention`. */
    counts: new Map(),
    /** Grows with every server that comes, goes or is named otherwise: what is sorted by name
     * is out of date then. */
    generation: 0,
    seq: 0,
    loaded: false,
    stats: null,
    beats: [],
    sweeps: [],
    events: [],
    connection: { state: "connecting", since: Date.now(), heard: 0, retryAt: 0 },

    on(topic, listener) {
      if (!listeners.has(topic)) listeners.set(topic, new Set());
      listeners.get(topic).add(listener);
      return () => listeners.get(topic).delete(listener);
    },

    /** The daemon's clock, in UNIX seconds: ages are right even where ours is wrong. */
    now: () => Date.now() / 1000 + clockAhead,

    /** Take in one frame. False if a delta is missing before it. */
    apply(frame) {
      if (frame.now) clockAhead = frame.now - Date.now() / 1000;
      if (frame.type === "snapshot") takeSnapshot(frame);
      else if (frame.type === "delta") return applyDelta(frame);
      else if (frame.type === "event") takeNews(frame.events);
      else if (frame.type === "stats") takeStats(frame);
      return true;
    },

    /** Take in a snapshot server by server: `add(server)` each, then `end(frame)`. What is shown
     * stays as it was until then. */
    startSnapshot() {
      const servers = new Map();
      const counts = new Map();
      return {
        add(server) {
          const one = indexed(server);
          servers.set(one.id, one);
          tally(counts, one, 1);
        },
        end(frame) {
          if (frame.now) clockAhead = frame.now - Date.now() / 1000;
          Object.assign(store, { servers, counts, seq: frame.seq, loaded: true });
          store.generation += 1;
          tell("shapes", null);
          tell("servers", null);
        },
      };
    },

    /** Put events with those that are there: each once, newest first, bounded. */
    addEvents(events) {
      const known = new Set(store.events.map((event) => event.id));
      const added = events.filter((event) => !known.has(event.id));
      if (!added.length) return;
      store.events = [...added, ...store.events].sort((a, b) => b.id - a.id).slice(0, MOST_EVENTS);
      tell("events", added);
    },

    setConnection(changes) {
      store.connection = { ...store.connection, ...changes };
      tell("connection", store.connection);
    },
  };

  function tell(topic, detail) {
    for (const listener of [...(listeners.get(topic) ?? [])]) listener(detail);
  }

  function takeSnapshot({ servers, ...frame }) {
    const snapshot = store.startSnapshot();
    servers.forEach(snapshot.add);
    snapshot.end(frame);
  }

  function put(id, server) {
    const old = store.servers.get(id);
    if (old) tally(store.counts, old, -1);
    if (server) tally(store.counts, server, 1);
    if (old?.hostname !== server?.hostname) store.generation += 1;
    if (server) store.servers.set(id, server);
    else store.servers.delete(id);
  }

  function applyDelta(frame) {
    if (frame.seq !== store.seq + 1) return false;
    store.seq = frame.seq;
    const touched = new Set();
    const shapes = new Set();
    for (const changes of frame.servers) {
      const old = store.servers.get(changes.id);
      const known = old?.series.size;
      const server = old ? merged(old, changes) : indexed(changes);
      put(changes.id, server);
      touched.add(changes.id);
      if (server.series.size !== known || server.failing !== old?.failing || SHAPE.some((key) => key in changes)) shapes.add(changes.id);
    }
    for (const [id, series] of Object.entries(frame.gone ?? {})) {
      const server = store.servers.get(id);
      if (!server) continue;
      for (const [name, instance] of series) server.series.delete(seriesKey(name, instance));
      put(id, { ...server, failing: failing(server.series) });
      touched.add(id);
      shapes.add(id);
    }
    for (const id of frame.removed ?? []) {
      put(id, null);
      touched.add(id);
      shapes.add(id);
    }
    if (shapes.size) tell("shapes", shapes);
    tell("servers", touched);
    return true;
  }

  function takeNews(events) {
    store.addEvents(events);
    tell("news", events);
  }

  function takeStats(frame) {
    const { type, now, sweeps, ...stats } = frame;
    store.stats = stats;
    store.beats = [...store.beats, stats.events_per_s ?? 0].slice(-MOST_BEATS);
    tell("stats", stats);
    if (JSON.stringify(sweeps) !== JSON.stringify(store.sweeps)) {
      store.sweeps = sweeps ?? [];
      tell("sweeps", store.sweeps);
    }
  }

  return store;
}

function tally(counts, server, by) {
  const add = (key) => counts.set(key, (counts.get(key) ?? 0) + by);
  add(server.status);
  if (server.queued_up) add("queued");
  if (server.failing) add("failing");
  if (server.quiet) add("silenced");
  else if (server.status === "alarmed") add("alarming");
  if (needsAttention(server)) add("attention");
}

function indexed(server) {
  const { sensors, ...rest } = server;
  const series = new Map((sensors ?? []).map((sensor) => [seriesKey(sensor.name, sensor.instance), sensor]));
  return { ...rest, series, failing: failing(series) };
}

function merged(old, changes) {
  const { sensors, ...rest } = changes;
  for (const sensor of sensors ?? []) old.series.set(seriesKey(sensor.name, sensor.instance), sensor);
  return { ...old, ...rest, failing: sensors?.length ? failing(old.series) : old.failing };
}

// How many series have failed. Kept with the server, whose series change in place: what was
// counted of it must be what is taken away again.
function failing(series) {
  let failed = 0;
  for (const { status } of series.values()) if (status === "failed") failed += 1;
  return failed;
}

/** The key under which a server's `series` holds this sensor. */
export const keyOf = (sensor) => seriesKey(sensor.name, sensor.instance);
