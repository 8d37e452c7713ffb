// The contract's types of events in words and pictures.

const TYPES = new Map([
  ["found", ["Found", "found"]],
  ["connected", ["Connected", "connected"]],
  ["disconnected", ["Disconnected", "disconnected"]],
  ["removed", ["Removed", "disconnected"]],
  ["sensor", ["Sensor", "sensor"]],
  ["warned", ["Warned", "warned"]],
  ["alarmed", ["Alarmed", "alarmed"]],
  ["fired", ["Fired", "fired"]],
  ["recovered", ["Recovered", "normal"]],
  ["queued_up", ["Queued up", "queued"]],
  ["queue_cleared", ["Queue cleared", "queued"]],
  ["host_key_changed", ["Host key changed", "quarantined"]],
  ["failing", ["Failing", "failed"]],
  ["gone", ["Gone", "disconnected"]],
  ["blind", ["Maybe blind", "blind"]],
  ["flapping", ["Flapping", "flapping"]],
  ["mended", ["Mended", "normal"]],
  ["not_mended", ["Not mended", "failed"]],
  ["acknowledged", ["Acknowledged", "acknowledged"]],
  ["unacknowledged", ["Given back", "undo"]],
  ["note", ["Note", "note"]],
  ["silenced", ["Silence", "silenced"]],
  ["control", ["Control", "control"]],
  ["feed", ["Feed", "message"]],
  ["message", ["Message", "message"]],
]);
const OTHER = ["Message", "message"];

export const eventWord = (type) => (TYPES.get(type) ?? OTHER)[0];
export const eventIcon = (type) => (TYPES.get(type) ?? OTHER)[1];

/** An event's message without the name that stands beside it. */
export function said(event, hostname) {
  const message = String(event.message ?? "");
  const rest = hostname && message.startsWith(hostname) ? message.slice(hostname.length) : "";
  return /^:? \S/.test(rest) ? rest.replace(/^:? /, "") : message;
}
