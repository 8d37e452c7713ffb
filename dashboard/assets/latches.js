// Reactions that ran too often and wait for a person, each with the way to release it.

import { remove } from "./api.js";
import { age } from "./bits.js";
import { data, el, fill, setShown, setText } from "./dom.js";
import { icon } from "./icons.js";
import { serverLink } from "./route.js";

/** {node, show(latches)}. `released()` is called after one was. */
export function newLatches(store, released) {
  const list = el("ul", { class: "latches", "aria-label": "Latched reactions" });
  const none = el("p", { class: "note" }, "None: no reaction ran too often.");
  const answer = el("p", { class: "answer", role: "status" });
  let said = "";

  async function release(latch, button) {
    button.disabled = true;
    try {
      await remove(`/reactions/latches/${encodeURIComponent(latch.server)}/${encodeURIComponent(latch.sensor)}`);
      setText(answer, `${latch.sensor} on ${nameOf(latch)} is released.`);
      released();
    } catch (error) {
      setText(answer, `${latch.sensor} on ${nameOf(latch)} is still latched: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  }

  const nameOf = (latch) => store.servers.get(latch.server)?.hostname || latch.hostname || latch.server;

  function item(latch) {
    const name = nameOf(latch);
    const button = el("button", { type: "button", class: "button needs-act", "aria-label": `Release ${latch.sensor} on ${name}`, click: () => release(latch, button) }, "Release");
    return el(
      "li",
      { class: "latch" },
      icon("latch"),
      el("div", { class: "latch-what" }, el("span", {}, data(latch.sensor, { class: "latch-sensor" }), " on ", el("a", { href: serverLink(latch.server) }, data(name))), data(latch.reason, { class: "latch-why" })),
      age(latch.at, store.now()),
      button,
    );
  }

  return {
    node: el("div", {}, none, list, answer),
    show(latches) {
      const now = JSON.stringify(latches);
      if (now === said) return;
      said = now;
      fill(list, latches.map(item));
      setShown(none, latches.length === 0);
    },
  };
}
