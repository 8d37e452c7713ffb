// A snapshot of 10,000 servers is some 20 MB of JSON: parsing it in one go would freeze the page
// for a good part of a second. It is parsed a few dozen servers at a time.

const START = '{"type":"snapshot"';
const SERVERS = '"servers":[';
// Inside a JSON string every quote is escaped, so this is where one object ends and one that
// begins with an id starts, whatever a server is called.
const BETWEEN = '},{"id":"';
const PIECE = 128 * 1024;
const SLICE = 10;

/** Whether `text` is a snapshot that is worth reading in pieces. */
export const isLarge = (text) => text.length > PIECE && text.startsWith(START) && text.endsWith("]}") && text.includes(SERVERS);

/** The frame in `text` without its servers, which are handed to `take` one by one. Gives the
 * page time to breathe in between; stops when `ended()`. Throws SyntaxError for broken JSON. */
export async function readSnapshot(text, take, ended) {
  const first = text.indexOf(SERVERS) + SERVERS.length;
  const last = text.length - 2;
  const frame = JSON.parse(`${text.slice(0, first)}]}`);
  let until = performance.now() + SLICE;
  let start = first;
  let look = first;
  while (start < last) {
    const found = text.indexOf(BETWEEN, look + PIECE);
    const end = found < 0 ? last : found + 1;
    const servers = parsed(text.slice(start, end));
    look = end;
    // Cut inside a server, by some nested object with an id: read on to the next place.
    if (!servers && found >= 0) continue;
    if (!servers) throw new SyntaxError("the snapshot is broken");
    servers.forEach(take);
    start = end + 1;
    look = start;
    if (performance.now() < until) continue;
    await breath();
    if (ended()) return frame;
    until = performance.now() + SLICE;
  }
  return frame;
}

function parsed(piece) {
  try {
    return JSON.parse(`[${piece}]`);
  } catch {
    return null;
  }
}

// A timer would wait four milliseconds each time, and a second in a hidden tab.
function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
