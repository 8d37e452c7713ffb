// Silences in words: what they are about, and when they hold.

import { moment } from "./bits.js";
import { data, el } from "./dom.js";
import { count } from "./format.js";
import { serverLink } from "./route.js";

/** The days as the API has them, and as people read them. */
export const DAYS = [["mon", "Mon"], ["tue", "Tue"], ["wed", "Wed"], ["thu", "Thu"], ["fri", "Fri"], ["sat", "Sat"], ["sun", "Sun"]];
const EVERY = "*";
const MOST_NAMED = 8;

const isEvery = (glob) => !glob || /^[*?]*\*[*?]*$/.test(glob);

/** What it is about: `disk on db*, site=lisbon`. */
export function whatWords({ server, sensor, labels }) {
  const where = [...(isEvery(server) ? [] : [server]), ...Object.entries(labels ?? {}).map(([name, glob]) => `${name}=${glob}`)];
  const parts = where.flatMap((one, index) => [index ? ", " : "", data(one)]);
  return [isEvery(sensor) ? "Everything" : data(sensor), " on ", parts.length ? parts : "all servers"].flat();
}

/** Until when, for `ends` in UNIX seconds or null. */
export const untilWords = (ends) => (ends === null || ends === undefined ? "until it is ended" : ["until ", moment(ends)]);

/** The same as text. */
export const untilText = (ends) => [untilWords(ends)].flat().map((part) => part.textContent ?? part).join("");

/** A weekly window: `Sat, Sun 22:00–02:00 Europe/Lisbon`. */
export function weeklyWords({ days, from, to, zone }) {
  const names = DAYS.filter(([day]) => days.includes(day)).map(([, name]) => name);
  return `${names.length === DAYS.length ? "Every day" : names.join(", ")} ${from}–${to} ${zone}`;
}

/** `site=lisbon, role=db*` as the object it means. Throws an Error that says what is wrong. */
export function readLabels(text) {
  const found = {};
  // What has commas in it goes on until the next NAME=.
  for (const part of text.split(/,(?=[^,=]*=)/).map((one) => one.trim()).filter(Boolean)) {
    const [, name, glob] = /^([^=]+)=(.*)$/.exec(part) ?? [];
    if (!name) throw new Error(`Labels are written NAME=VALUE, separated by commas; ${part} isn't one.`);
    found[name.trim()] = glob.trim();
  }
  return found;
}

/** The same, the other way round. */
export const labelsText = (labels) => Object.entries(labels ?? {}).map(([name, glob]) => `${name}=${glob}`).join(", ");

/** Whether it leaves out nothing at all: the API wants to hear that this is meant. */
export const isEverything = ({ server, sensor, labels }) => isEvery(server) && isEvery(sensor) && !Object.keys(labels).length;

/** What a field that is left empty means. */
export const globOf = (text) => text.trim() || EVERY;

/** How much it matches now, as the API says, and the first of it; as `links` where nothing is lost
 * by following one. */
export function matchWords({ servers, series, first }, links = false) {
  if (!servers) return ["It matches nothing that is there now."];
  const named = first.slice(0, MOST_NAMED);
  const parts = named.flatMap(({ id, hostname }, index) => [index ? ", " : "", links ? el("a", { href: serverLink(id) }, data(hostname || id)) : data(hostname || id)]);
  const things = (amount, one, many) => `${count(amount)} ${amount === 1 ? one : many}`;
  return ["It matches ", el("strong", {}, `${things(servers, "server", "servers")}, ${things(series, "series", "series")}`), ": ", ...parts, servers > named.length ? ", …" : ""];
}
