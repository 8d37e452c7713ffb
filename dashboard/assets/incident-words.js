// What an incident is about, and what has become of it, in words.

import { data, el } from "./dom.js";
import { seriesName } from "./format.js";
import { icon } from "./icons.js";
import { serverLink } from "./route.js";
import { untilWords } from "./silence-words.js";

const CONDITIONS = new Map([
  ["failed", ["Sensor fails", "failed"]],
  ["stale", ["No readings", "stale"]],
  ["gone", ["Server gone", "disconnected"]],
  ["blind", ["Many at once", "blind"]],
]);

/** What an incident is called: the words that lead to it, and those after them. */
export function nameOf(incident) {
  const { condition, server, hostname, state } = incident;
  const link = el("a", { href: serverLink(server ?? "") }, data(hostname));
  if (condition === "blind") return ["We may be blind", []];
  if (condition === "gone") return [hostname, state === "open" ? " is gone" : " was gone"];
  return [seriesName({ name: incident.sensor, instance: incident.instance }), server ? [" on ", link] : []];
}

/** The same as text. */
export function titleOf(incident) {
  const [first, rest] = nameOf(incident);
  return `${first}${[rest].flat().map((part) => part.textContent ?? part).join("")}`;
}

/** Whether there are readings that belong to it. */
export const hasReadings = ({ condition }) => condition === "level";

/** What is to be known of it besides its level, as marks: its condition, whether it flaps, who has
 * it, and whether it is silenced. */
export function flags(incident) {
  const { condition, flapping, acknowledged, silenced } = incident;
  const [word, picture] = CONDITIONS.get(condition) ?? [];
  return [
    word ? flag(condition, picture, word) : [],
    flapping ? flag("flapping", "flapping", "Flapping") : [],
    acknowledged ? flag("acknowledged", "acknowledged", acknowledged.by ? ["With ", data(acknowledged.by)] : "Acknowledged") : [],
    silenced ? flag("silenced", "silenced", ["Silenced ", untilWords(silenced.ends)].flat(), silenced.reason) : [],
  ].flat();
}

const flag = (kind, picture, words, title = false) => el("span", { class: "flag", "data-flag": kind, title }, icon(picture), words);
