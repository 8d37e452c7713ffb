// Making a silence: what it is about, for how long, and why; and what it would match, before it
// is made.

import { post } from "./api.js";
import { el, fill, setAttribute, setShown, setText } from "./dom.js";
import { field, labelled, wrong } from "./fields.js";
import { newPeriod } from "./silence-period.js";
import { globOf, isEverything, matchWords, readLabels } from "./silence-words.js";
import { paced } from "./slices.js";

const LONGEST_GLOB = 300;
const LONGEST_REASON = 1000;
const TYPING = 300;

/** {node, open(about), close()}. `made` is called with each silence that was made, `closed` when
 * the form closes. */
export function newSilenceForm(store, signal, { made, closed }) {
  const server = field("silence-server", { maxlength: LONGEST_GLOB, placeholder: "all servers" });
  const sensor = field("silence-sensor", { maxlength: LONGEST_GLOB, placeholder: "all sensors" });
  const labels = field("silence-labels", { maxlength: 1000, placeholder: "site=lisbon, role=db*" });
  const reason = field("silence-reason", { maxlength: LONGEST_REASON, required: true, placeholder: "What is being done, a ticket…" });
  const period = newPeriod();
  const preview = el("p", { class: "silence-preview", role: "status" });
  const everything = el("input", { type: "checkbox", id: "silence-everything" });
  const sure = el("label", { class: "tick", for: "silence-everything", hidden: true }, everything, "Yes, silence everything");
  const make = el("button", { type: "submit", class: "button button-first" }, "Silence");
  const cancel = el("button", { type: "button", class: "button", click: close }, "Cancel");
  const answer = el("p", { class: "answer", role: "alert", "data-failed": true });
  const node = el(
    "form",
    { class: "panel silence-form", "aria-label": "New silence", hidden: true, novalidate: true, submit },
    el("h2", {}, "New silence"),
    el("div", { class: "fields" },
      labelled("Server", server, "A name, id or address; * and ? stand for anything"),
      labelled("Sensor", sensor, "disk for all disks, disk[/var] for one"),
      labelled("Labels", labels, "All of them must match")),
    period.node,
    el("div", { class: "fields" }, labelled("Reason", reason)),
    preview,
    sure,
    el("div", { class: "desk-buttons" }, make, cancel, answer),
  );

  function about() {
    return { server: globOf(server.value), sensor: globOf(sensor.value), labels: readLabels(labels.value) };
  }

  const look = paced(async () => {
    try {
      const wanted = about();
      setShown(sure, isEverything(wanted));
      fill(preview, matchWords(await post("/silences/preview", { ...wanted, for: "1h", reason: "preview", everything: true })));
      setAttribute(preview, "data-failed", false);
    } catch (error) {
      if (signal.aborted) return;
      setText(preview, error.message);
      setAttribute(preview, "data-failed", true);
    }
  }, TYPING, signal);

  async function submit(event) {
    event.preventDefault();
    setText(answer, "");
    make.disabled = true;
    try {
      if (!reason.value.trim()) throw wrong("Say why: others will read it.", reason);
      const wanted = { ...about(), ...period.read(), reason: reason.value.trim(), everything: everything.checked };
      setShown(sure, isEverything(wanted));
      if (isEverything(wanted) && !everything.checked) throw wrong("This leaves nothing out: say that it is meant.", everything);
      const silence = await post("/silences", wanted);
      close();
      made(silence);
    } catch (error) {
      setText(answer, error.message);
      error.field?.focus();
    } finally {
      make.disabled = false;
    }
  }

  function close() {
    setShown(node, false);
    closed();
  }

  node.addEventListener("input", (event) => {
    if ([server, sensor, labels].includes(event.target)) look();
  });
  // What could not be asked while the daemon was away.
  store.on("connection", ({ state }) => {
    if (state === "live" && !node.hidden) look();
  });

  return {
    node,
    /** Show it, filled in with `about`: {server, sensor, labels, reason} as texts. */
    open(about) {
      setShown(node, true);
      for (const [input, value] of [[server, about.server], [sensor, about.sensor], [labels, about.labels], [reason, about.reason]]) input.value = value ?? "";
      everything.checked = false;
      period.reset();
      setText(answer, "");
      look();
      (server.value ? reason : server).focus();
    },
    close,
  };
}
