// One event, with links to its server, its sensor and its incident.

import { data, el } from "./dom.js";
import { eventIcon, eventWord, said } from "./event-words.js";
import { instant, time } from "./format.js";
import { icon } from "./icons.js";
import { incidentLink, sensorLink, serverLink } from "./route.js";

/** A list item. `hostname` is empty where the server is no longer known. */
export function eventRow(event, hostname) {
  const name = hostname || event.server || "";
  const links = [];
  if (event.server) links.push(hostname ? el("a", { href: serverLink(event.server) }, data(hostname)) : data(name));
  if (event.sensor) links.push(el("a", { href: sensorLink(event.sensor.split("[")[0]), class: "log-sensor" }, data(event.sensor)));
  if (event.incident) links.push(el("a", { href: incidentLink(event.incident), class: "log-incident" }, "Incident"));
  return el(
    "li",
    { class: "log-item", "data-type": event.type },
    el("time", { datetime: new Date(event.at * 1000).toISOString(), title: instant(event.at) }, time(event.at)),
    el("span", { class: "log-kind" }, icon(eventIcon(event.type)), eventWord(event.type)),
    el("span", { class: "log-text" }, data(said(event, hostname), { class: "log-message" }), el("span", { class: "log-links" }, event.by && !event.message.includes(event.by) ? el("span", { class: "log-by" }, "by ", data(event.by)) : [], links)),
  );
}
