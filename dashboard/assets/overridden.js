// Which overrides of the configuration change a sensor: on which servers, and to what.

import { data, el, fill } from "./dom.js";
import { count, number } from "./format.js";
import { serverLink } from "./route.js";

/** {node, show(overrides)} of the sensor `name`; the answer of `show` is whether there are any. */
export function newOverridden(name) {
  const node = el("ol", { class: "overrides", "aria-label": "Overrides" });
  let said = "";

  return {
    node,
    show(overrides) {
      const own = overrides.filter(({ sensors }) => sensors.some(({ sensor }) => sensor === name));
      // An open list of servers stays open until there is something else to tell.
      const now = JSON.stringify(own);
      if (now !== said) fill(node, own.map((one) => item(name, one)));
      said = now;
      return own.length > 0;
    },
  };
}

function item(name, { number: place, match, servers, first, sensors }) {
  const { changes } = sensors.find(({ sensor }) => sensor === name);
  return el(
    "li",
    { class: "override" },
    el("p", { class: "override-match" }, `${place}. `, data(matchWords(match))),
    el("ul", {}, changes.map(change)),
    servers ? matched(servers, first) : el("p", { class: "sub" }, "No server that is known matches it."),
  );
}

const change = ({ key, from, to, servers }) =>
  el("li", {}, data(key), ": ", data(valueWords(from)), " → ", el("strong", {}, data(valueWords(to))), el("span", { class: "sub" }, ` on ${amount(servers)}`));

function matched(servers, first) {
  const left = servers - first.length;
  return el(
    "details",
    { class: "reason" },
    el("summary", {}, el("span", { class: "reason-text" }, "Matches"), el("span", { class: "group-count" }, amount(servers))),
    el("ul", { class: "group-members" }, first.map(({ id, hostname }) => el("li", {}, el("a", { href: serverLink(id) }, data(hostname || id)))), left > 0 ? el("li", {}, `and ${count(left)} more`) : []),
  );
}

const amount = (servers) => (servers === 1 ? "1 server" : `${count(servers)} servers`);

const valueWords = (value) => (value === null ? "none" : typeof value === "number" ? number(value) : String(value));

// As the command line has it: `hostname=db* labels.site=lisbon`.
function matchWords(match) {
  const parts = Object.entries(match).flatMap(([key, wanted]) => {
    if (wanted === null || typeof wanted !== "object" || Array.isArray(wanted)) return [`${key}=${wanted}`];
    return Object.entries(wanted).map(([inner, value]) => `${key}.${inner}=${value}`);
  });
  return parts.join(" ") || "every server";
}
