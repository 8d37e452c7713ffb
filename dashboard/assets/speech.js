// Alarms said aloud by the browser's own voice. Silent until a person allows it: browsers want
// that, and so do people.

import { get } from "./api.js";
import { kept } from "./kept.js";
import { plain } from "./dom.js";

const GATHER_MS = 700;
const MOST_WAITING = 8;
const MOST_NAMED = 3;
const LONGEST = 160;
const MOST_INCIDENTS = 200;
const SPOKEN = new Set(["alarmed", "gone", "blind", "host_key_changed"]);

const on = kept("speech", false, (found) => typeof found === "boolean");

export const canSpeak = () => "speechSynthesis" in window;
export const isSpeaking = () => on.get();
export const onSpeaking = (listener) => on.on(listener);

/** Allow or mute. Muting ends what is being said. */
export function setSpeaking(wanted) {
  on.set(wanted);
  if (!canSpeak()) return;
  speechSynthesis.cancel();
  if (wanted) say("Alarms are spoken.");
}

/** Speak the alarms that `store` hears of. Those of one moment become one sentence, and what is
 * more than a few sentences behind is left out: it is on the page. */
export function mountSpeech(store) {
  const gathered = [];
  let due = 0;

  async function speak() {
    due = 0;
    const events = await audible(gathered.splice(0));
    if (on.get() && events.length) say(sentence(events, (id) => store.servers.get(id)?.hostname ?? ""));
  }

  store.on("news", (events) => {
    if (!on.get()) return;
    gathered.push(...events.filter((event) => SPOKEN.has(event.type)));
    if (gathered.length) due ||= setTimeout(speak, GATHER_MS);
  });
}

// Without those of which nobody is to be told. Where the daemon doesn't say, all are spoken.
async function audible(events) {
  if (!events.length) return events;
  const { items } = await get("/incidents", { state: "open", limit: MOST_INCIDENTS }).catch(() => ({ items: [] }));
  const quiet = new Set(items.filter((one) => one.silenced).map((one) => one.id));
  return events.filter((event) => !quiet.has(event.incident));
}

// What is said of `events`: each by name, or how many there are.
function sentence(events, nameOf) {
  const servers = new Set(events.map((event) => event.server));
  if (events.length > MOST_NAMED) {
    return `${events.length} alarms on ${servers.size} ${servers.size === 1 ? "server" : "servers"}.`;
  }
  return events.map((event) => about(event, nameOf(event.server))).join(" ");
}

// The first part of a hostname is what people call a server.
function about(event, hostname) {
  const [name] = hostname.split(".");
  if (event.type === "blind") return "Many servers are gone at once: we may be blind.";
  if (event.type === "gone") return `Alarm: ${name || "a server"} is gone.`;
  if (event.type === "host_key_changed") return `The host key of ${name || "a server"} changed.`;
  const sensor = String(event.sensor ?? "").replace(/\[(.*)\]$/, " $1");
  return `Alarm: ${[name, sensor].filter(Boolean).join(", ")}.`;
}

let waiting = 0;

function say(text) {
  if (!canSpeak() || !text || waiting >= MOST_WAITING) return;
  const utterance = new SpeechSynthesisUtterance(plain(text).slice(0, LONGEST));
  utterance.lang = "en";
  const done = () => {
    waiting = Math.max(0, waiting - 1);
  };
  utterance.addEventListener("end", done);
  utterance.addEventListener("error", done);
  waiting += 1;
  speechSynthesis.speak(utterance);
}
