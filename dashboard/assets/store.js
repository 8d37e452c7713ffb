// All state of the page in one place, and who wants to know when it changes.

const MOST_EVENTS = 300;
const MOST_BEATS = 120;

const seriesKey = (name, instance) => JSON.stringify([name, instance]);

/** A new, empty store. Topics: servers (a Set of ids, or null for all), stats, sweeps, events,
 * connection, view. Listeners of a topic are called after each change of it. */
export function createStore() {
  const listeners = new Map();
  let clockAhead = 0;

  const store = {
    servers: new Map(),
    seq: 0,
    loaded: false,
    stats: null,
    beats: [],
    sweeps: [],
    events: [],
    connection: { state: "connecting", since: Date.now(), heard: 0, retryAt: 0 },
    view: { filter: "all", search: "" },

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
      if (frame.type === "snapshot") replaceServers(frame);
      else if (frame.type === "delta") return applyDelta(frame);
      else if (frame.type === "event") store.addEvents(frame.events);
      else if (frame.type === "stats") takeStats(frame);
      return true;
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

    setView(changes) {
      store.view = { ...store.view, ...changes };
      tell("view", store.view);
    },
  };

  function tell(topic, detail) {
    for (const listener of listeners.get(topic) ?? []) listener(detail);
  }

  function replaceServers(frame) {
    store.servers = new Map(frame.servers.map((server) => [server.id, indexed(server)]));
    store.seq = frame.seq;
    store.loaded = true;
    tell("servers", null);
  }

  function applyDelta(frame) {
    if (frame.seq !== store.seq + 1) return false;
    store.seq = frame.seq;
    const touched = new Set();
    for (const changes of frame.servers) {
      const old = store.servers.get(changes.id);
      store.servers.set(changes.id, old ? merged(old, changes) : indexed(changes));
      touched.add(changes.id);
    }
    for (const [id, series] of Object.entries(frame.gone ?? {})) {
      const server = store.servers.get(id);
      if (!server) continue;
      for (const [name, instance] of series) server.series.delete(seriesKey(name, instance));
      touched.add(id);
    }
    for (const id of frame.removed ?? []) {
      store.servers.delete(id);
      touched.add(id);
    }
    tell("servers", touched);
    return true;
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

function indexed(server) {
  const { sensors, ...rest } = server;
  const series = (sensors ?? []).map((sensor) => [seriesKey(sensor.name, sensor.instance), sensor]);
  return { ...rest, series: new Map(series) };
}

function merged(old, changes) {
  const { sensors, ...rest } = changes;
  for (const sensor of sensors ?? []) old.series.set(seriesKey(sensor.name, sensor.instance), sensor);
  return { ...old, ...rest };
}

/** The key under which a server's `series` holds this sensor. */
export const keyOf = (sensor) => seriesKey(sensor.name, sensor.instance);
