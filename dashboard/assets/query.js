// What people type to narrow the fleet down (pure): words, and `key:value` terms.
//
//   web lisbon              all words, in hostname, addresses, labels, sensors or OS
//   level:alarmed           also warned, normal, disconnected, quarantined, queued, failing,
//                           attention, silenced
//   os:debian  sensor:mysql
//   range:10.0.0.0/24       a range, or the beginning of an address
//   site:lisbon  site=lisbon  label:site      a label, or any value of it
//   -os:alpine              not that

import { parseAddress, parseRange, within } from "./addresses.js";
import { needsAttention } from "./levels.js";

const MOST_TERMS = 20;

/** The keys a term may have besides the names of labels. */
export const KEYS = ["level", "os", "range", "sensor", "label"];

/** The statuses and conditions that `level:` knows. */
export const LEVELS = ["alarmed", "quarantined", "warned", "disconnected", "normal", "queued", "failing", "attention", "silenced"];

const lower = (text) => String(text ?? "").toLowerCase();

/** A function that says whether a server is what `text` asks for. */
export function compile(text) {
  const terms = words(text).slice(0, MOST_TERMS).map(compileTerm);
  return (server) => terms.every((term) => term(server));
}

// `text` split at spaces outside of double quotes.
function words(text) {
  return (lower(text).match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []).map((word) => word.replaceAll('"', "")).filter(Boolean);
}

function compileTerm(word) {
  const negative = word.startsWith("-") && word.length > 1;
  const term = positive(negative ? word.slice(1) : word);
  return negative ? (server) => !term(server) : term;
}

function positive(word) {
  const cut = word.search(/[:=]/);
  if (cut < 1 || cut === word.length - 1) return plainWord(word);
  const key = word.slice(0, cut);
  const value = word.slice(cut + 1);
  if (word[cut] === ":") {
    if (key === "level" || key === "status") return level(value);
    if (key === "os") return (server) => lower(server.facts?.os).includes(value);
    if (key === "sensor") return (server) => sensorNames(server).some((name) => name.includes(value));
    if (key === "range" || key === "address") return inRange(value);
    if (key === "label") return value.includes("=") ? positive(value) : hasLabel(value);
    // An IPv6 address, not a key.
    if (parseAddress(word) || word.includes("::")) return plainWord(word);
  }
  return (server) =>
    Object.entries(server.labels ?? {}).some(([name, one]) => lower(name) === key && lower(one).includes(value));
}

function level(value) {
  if (value === "queued") return (server) => Boolean(server.queued_up);
  if (value === "failing") return (server) => server.failing > 0;
  if (value === "attention") return needsAttention;
  if (value === "silenced") return (server) => Boolean(server.quiet);
  return (server) => server.status === value;
}

const hasLabel = (key) => (server) => Object.keys(server.labels ?? {}).some((name) => lower(name) === key);

function inRange(value) {
  const range = parseRange(value);
  if (!range) return (server) => server.addresses.some((address) => lower(address).startsWith(value));
  return (server) => server.addresses.some((address) => within(range, parseAddress(address)));
}

const plainWord = (word) => (server) => searchable(server).includes(word);

const sensorNames = (server) => [...new Set([...server.series.values()].map((sensor) => lower(sensor.name)))];

const texts = new WeakMap();

// All that words are looked for in, in lower case. Kept until a part of it changes: a server's
// parts stay the same objects while only its readings change.
function searchable(server) {
  const known = texts.get(server.series);
  if (
    known && known.hostname === server.hostname && known.addresses === server.addresses
    && known.labels === server.labels && known.facts === server.facts && known.size === server.series.size
  ) return known.text;
  const { hostname, addresses, labels, facts } = server;
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}:${value} ${key}=${value}`);
  const text = lower([hostname, server.id, ...addresses, ...pairs, facts?.os ?? "", ...sensorNames(server)].join("\n"));
  texts.set(server.series, { hostname, addresses, labels, facts, size: server.series.size, text });
  return text;
}
