// Who has taken an incident on, what they say of it, and what silences it.

import { isAllowed } from "./allowed.js";
import { post, remove } from "./api.js";
import { age, moment } from "./bits.js";
import { data, el, fill, setAttribute, setShown, setText } from "./dom.js";
import { seriesName } from "./format.js";
import { icon } from "./icons.js";
import { newSilenceLink } from "./route.js";
import { untilWords } from "./silence-words.js";

const LONGEST = 2000;

/** {node, show(incident)}; `changed` is called once something was done. */
export function newIncidentDesk(store, changed) {
  const who = el("p", { class: "desk-who" });
  const silenced = el("p", { class: "desk-who", hidden: true });
  const text = el("textarea", { id: "desk-text", class: "area", rows: 2, maxlength: LONGEST, input: showButtons });
  const take = el("button", { type: "submit", class: "button button-first" }, "Acknowledge");
  const giveBack = el("button", { type: "button", class: "button", click: () => act(() => remove(path("acknowledge")), "Acknowledgement withdrawn.") }, "Withdraw");
  const note = el("button", { type: "button", class: "button", click: addNote }, "Add note");
  const silence = el("a", { class: "button" }, "Silence this…");
  const answer = el("p", { class: "answer", role: "status" });
  const label = el("label", { for: "desk-text" });
  const form = el("form", { class: "desk-form", hidden: true, submit: acknowledge }, label, text, el("div", { class: "desk-buttons" }, take, note, giveBack, silence, answer));
  const node = el("section", { class: "panel desk", "aria-label": "Who has it" }, who, silenced, form);
  let incident = null;
  let busy = false;

  const path = (what) => `/incidents/${Number(incident.id)}/${what}`;

  function acknowledge(event) {
    event.preventDefault();
    const comment = text.value.trim();
    act(() => post(path("acknowledge"), comment ? { comment } : {}), "It is yours.", true);
  }

  function addNote() {
    act(() => post(path("notes"), { text: text.value.trim() }), "Noted.", true);
  }

  // What was typed stays until the daemon has it.
  async function act(ask, done, used = false) {
    if (busy) return;
    busy = true;
    showButtons();
    setText(answer, "");
    try {
      await ask();
      if (used) text.value = "";
      setText(answer, done);
      setAttribute(answer, "data-failed", false);
      changed();
    } catch (error) {
      setText(answer, error.message);
      setAttribute(answer, "data-failed", true);
    }
    busy = false;
    showButtons();
  }

  function showButtons() {
    if (!incident) return;
    const taken = Boolean(incident.acknowledged);
    const open = incident.state === "open";
    setShown(take, open && !taken);
    setShown(giveBack, open && taken);
    setShown(silence, open && Boolean(incident.server));
    setText(label, open && !taken ? "Comment or note" : "Note");
    take.disabled = giveBack.disabled = busy;
    note.disabled = busy || !text.value.trim();
  }

  function show(found) {
    incident = found;
    showWho();
    const about = { server: found.hostname, sensor: found.sensor === null ? "" : seriesName({ name: found.sensor, instance: found.instance }) };
    setAttribute(silence, "href", newSilenceLink(about));
    setShown(silenced, Boolean(found.silenced));
    if (found.silenced) fill(silenced, icon("silenced"), el("span", {}, el("a", { href: "#/silences" }, "Silenced"), " ", untilWords(found.silenced.ends), ": ", data(found.silenced.reason)));
    showButtons();
  }

  function showWho() {
    const { acknowledged, state } = incident;
    const open = state === "open";
    setAttribute(node, "data-taken", open ? (acknowledged ? "yes" : "no") : false);
    if (!acknowledged) {
      fill(who, icon(open ? "unknown" : "normal"), el("span", {}, open ? "Nobody has taken this on." : "Nobody had taken this on when it ended."));
      return;
    }
    const { by, at } = acknowledged;
    fill(who, icon("acknowledged"), el("span", {}, "Acknowledged by ", el("strong", {}, data(by || "somebody")), ", ", moment(at), " (", age(at, store.now()), ")"));
  }

  isAllowed("act").then((may) => setShown(form, may));
  return { node, show };
}
