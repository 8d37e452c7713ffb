// Runs in the page before its own scripts, for bench.browser: how long after the snapshot something
// useful is on the screen, and how long after a reading the tiles of the pinned servers show it.

({ useful, pins }) => {
  localStorage.setItem("outkept.pins", JSON.stringify(pins));
  let painted;
  const seen = (window.bench = { late: [], painted: new Promise((told) => (painted = told)) });
  const waiting = new Map();
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (data.startsWith('{"type":"snapshot"')) arrived();
        else if (data.startsWith('{"type":"delta"')) for (const id of pins) note(data, id);
      });
    }
  };
  function arrived() {
    const at = performance.now();
    const look = () => {
      if (document.querySelector(useful)) requestAnimationFrame(() => painted(performance.now() - at));
      else requestAnimationFrame(look);
    };
    look();
  }
  // The first sensor's time is all that is needed, and parsing the frame would be work of ours.
  function note(text, id) {
    const start = text.indexOf(`"id":"${id}"`);
    if (start < 0) return;
    const begin = Math.max(0, text.lastIndexOf('"at":', start));
    const found = /"at":([0-9.]+)/.exec(text.slice(begin, start + 4000));
    if (found) waiting.set(id, Number(found[1]));
  }
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const tile = (target.nodeType === 1 ? target : target.parentElement)?.closest(".tile");
      const id = tile?.querySelector("a.tile-link")?.hash.split("/").pop();
      if (!waiting.has(id)) continue;
      const at = waiting.get(id);
      waiting.delete(id);
      requestAnimationFrame(() => seen.late.push(Date.now() - at * 1000));
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
}
