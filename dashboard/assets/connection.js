// The websocket to the daemon: keeps it, notices when it is gone, and heals by itself.

import { isLarge, readSnapshot } from "./snapshot.js";

const SIGNED_OUT = 4401;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;
// The daemon sends its counters every second; several missed in a row are silence.
const SILENCE = 8000;
// Frames that wait while a snapshot is read. The daemon sends about five a second.
const MOST_WAITING = 400;

/** Keep `store` in step with the daemon for as long as the page lives. */
export function connect(store) {
  let socket = null;
  let failures = 0;
  let timer = 0;
  let waiting = null;

  function open() {
    clearTimeout(timer);
    if (socket) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const mine = new WebSocket(`${scheme}://${location.host}/api/v1/live`);
    socket = mine;
    waiting = null;
    store.setConnection({ attempted: Date.now(), retryAt: 0 });
    mine.addEventListener("message", (message) => {
      if (mine === socket) hear(message.data, mine);
    });
    mine.addEventListener("close", (event) => {
      if (mine === socket) lose(event.code);
    });
  }

  // One frame after the other, though a large one takes a while.
  function hear(text, from) {
    store.connection.heard = Date.now();
    if (waiting) waiting.push(text);
    else if (isLarge(text)) hearInPieces(text, from);
    else take(parsed(text));
    if (waiting?.length > MOST_WAITING) drop();
  }

  async function hearInPieces(text, from) {
    waiting = [];
    const snapshot = store.startSnapshot();
    const gone = () => from !== socket;
    const frame = await readSnapshot(text, snapshot.add, gone).catch(() => null);
    if (gone()) return;
    const late = waiting;
    waiting = null;
    if (frame === null) {
      drop();
      return;
    }
    snapshot.end(frame);
    settled();
    for (const one of late) if (!gone()) hear(one, from);
  }

  function take(frame) {
    if (!frame || !store.apply(frame)) drop();
    else if (frame.type === "snapshot") settled();
  }

  function settled() {
    failures = 0;
    if (store.connection.state !== "live") store.setConnection({ state: "live", since: Date.now() });
  }

  function drop() {
    const old = socket;
    lose(0);
    old?.close();
  }

  function lose(code) {
    socket = null;
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures) * (0.75 + Math.random() / 2);
    failures += 1;
    const since = store.connection.state === "lost" ? store.connection.since : Date.now();
    store.setConnection({ state: "lost", since, retryAt: Date.now() + wait });
    clearTimeout(timer);
    timer = setTimeout(code === SIGNED_OUT ? signIn : open, wait);
  }

  // The session has ended, or another daemon is here now; after signing in, what was shown is
  // shown again.
  function signIn() {
    location.replace(`/login${location.hash}`);
  }

  function watch() {
    const asked = Math.max(store.connection.heard, store.connection.attempted ?? 0);
    if (socket && Date.now() - asked > SILENCE) drop();
  }

  function now() {
    if (store.connection.state === "live") return;
    failures = 0;
    open();
  }

  setInterval(watch, 1000);
  addEventListener("online", now);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) now();
  });
  open();
  return { now };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
