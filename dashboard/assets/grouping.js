// The ways to put servers together (pure).

import { networkOf, parseAddress, parseRange, within } from "./addresses.js";
import { serverRank, word } from "./levels.js";

const MOST_LABELS = 20;

/** The choices for the servers there are: [value, name] each. */
export function groupings(servers) {
  const labels = new Map();
  for (const server of servers) {
    for (const key of Object.keys(server.labels ?? {})) labels.set(key, (labels.get(key) ?? 0) + 1);
  }
  const common = [...labels].sort((a, b) => b[1] - a[1]).slice(0, MOST_LABELS).map(([key]) => [`label:${key}`, `Label ${key}`]);
  return [["none", "Nothing"], ["level", "Level"], ["range", "Range"], ["os", "OS"], ...common];
}

/** A function that gives a server's group, as text. `ranges` are those configured, as texts. */
export function grouper(name, ranges) {
  if (name === "level") return (server) => word(server.status);
  if (name === "os") return (server) => shortOs(server.facts?.os) || "Unknown OS";
  if (name === "range") return byRange(ranges);
  if (name.startsWith("label:")) {
    const key = name.slice("label:".length);
    return (server) => (Object.hasOwn(server.labels ?? {}, key) ? String(server.labels[key]) : `Without ${key}`);
  }
  return () => "";
}

/** Groups in the order people look for them: levels by urgency, all else by name. */
export function groupOrder(name) {
  if (name === "level") return (a, b) => serverRank(a.servers[0]) - serverRank(b.servers[0]);
  return (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true });
}

/** "Debian GNU/Linux 12" of "Debian GNU/Linux 12 (bookworm)": point releases and names apart
 * would scatter what belongs together. */
export const shortOs = (os) => String(os ?? "").replace(/\s*\(.*\)\s*$/, "");

function byRange(texts) {
  const ranges = texts
    .map((text) => [text, parseRange(text)])
    .filter(([, range]) => range)
    .sort(([, a], [, b]) => (a.last - a.first < b.last - b.first ? -1 : 1));
  const known = new Map();
  const find = (address) => {
    const parsed = parseAddress(address);
    return ranges.find(([, range]) => within(range, parsed))?.[0] ?? (networkOf(address) || "No address");
  };
  return (server) => {
    const address = server.addresses[0] ?? "";
    if (!known.has(address)) known.set(address, find(address));
    return known.get(address);
  };
}
