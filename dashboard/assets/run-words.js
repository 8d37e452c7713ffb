// How far a run has come on a server, and what holds it, in words and pictures.

const STATES = new Map([
  ["waiting", ["Waiting", "stale", "unknown"]],
  ["running", ["Running", "fired", "fired"]],
  ["held", ["Held", "minus", "warned"]],
  ["not sent", ["Not sent", "disconnected", "disconnected"]],
  ["unknown", ["Unknown whether it ran", "unknown", "failed"]],
  ["stopped", ["Stopped before it began", "minus", "disconnected"]],
]);

/** A server's state in a run: [words, picture, status for its colour]. */
export function stateWords({ state, status }) {
  if (state === "done") return status ? [`Failed, exit status ${status}`, "failed", "failed"] : ["Done", "normal", "normal"];
  return STATES.get(state) ?? [String(state), "unknown", "unknown"];
}

/** Groups of states that people look at: [key, words, whether a server is in it]. */
export const GROUPS = [
  ["", "All", () => true],
  ["going", "Under way", ({ state }) => state === "waiting" || state === "running"],
  ["done", "Done", ({ state, status }) => state === "done" && !status],
  ["failed", "Failed or unknown", ({ state, status }) => (state === "done" && Boolean(status)) || state === "unknown"],
  ["held", "Not run", ({ state }) => ["held", "not sent", "stopped"].includes(state)],
];

/** What a person may have overridden, and in which words. */
export const OVERRIDES = new Map([
  ["cooldown", "although it ran a short while ago"],
  ["latch", "although it is latched"],
  ["share", "although so many servers were reacted on lately"],
  ["blind", "although we may be blind"],
]);

/** A step of a sensor's reaction. */
export const stepWord = (step) => (step === 2 ? "fallback" : "reaction");
