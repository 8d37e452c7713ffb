// The contract's statuses in words, and how urgent each is. Maps, so that no name a server
// could send finds anything but these.

const SERVER_RANK = new Map([["alarmed", 0], ["quarantined", 1], ["warned", 2], ["disconnected", 3], ["normal", 4]]);
const SENSOR_RANK = new Map([
  ["alarmed", 0], ["fired", 1], ["warned", 2], ["failed", 3], ["stale", 4], ["normal", 5], ["unknown", 6],
]);
const WORDS = new Map([
  ["normal", "Normal"],
  ["warned", "Warned"],
  ["alarmed", "Alarmed"],
  ["fired", "Fired"],
  ["failed", "Failed"],
  ["stale", "Stale"],
  ["unknown", "No reading"],
  ["disconnected", "Disconnected"],
  ["quarantined", "Quarantined"],
]);

/** The status as people read it. */
export const word = (status) => WORDS.get(status) ?? "Unknown";

/** Lower is more urgent. */
export const serverRank = (server) => (SERVER_RANK.get(server.status) ?? 4) - (server.queued_up ? 0.5 : server.failing ? 0.3 : 0);

/** Lower is more urgent. */
export const sensorRank = (status) => SENSOR_RANK.get(status) ?? 6;

const USUAL = ["load", "users", "cpu", "memory", "disk", "swap", "network_rx", "network_tx", "temperature", "uptime"];

/** Lower is looked at more often; numbers before texts. */
export function usual({ name, value }) {
  const place = USUAL.indexOf(name);
  if (place >= 0) return place;
  return typeof value === "string" ? USUAL.length + 1 : USUAL.length;
}

/** Whether something is wrong with this server. One whose sensors fail may be anything but well. */
const isIll = (server) => server.status !== "normal" || Boolean(server.queued_up) || server.failing > 0;

/** Whether a person should look at this server: nobody is told of what is silenced. */
export const needsAttention = (server) => isIll(server) && !server.quiet;

/** Lower stands further up: what is silenced stands below all that isn't, above what is well. */
export const urgency = (server) => (server.quiet && isIll(server) ? 3.8 : serverRank(server));

/** Whether a series of the server is silenced; all of it may be. */
export const isMuted = (server, label) => server.muted?.[0] === "*" || Boolean(server.muted?.includes(label));

/** A status as a name for a class: one of ours, whatever was sent. */
export const statusClass = (status) => (WORDS.has(status) ? status : "unknown");
