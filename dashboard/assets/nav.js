// The navigation: the pages of the routes that have a place in it.

import { el, setAttribute } from "./dom.js";
import { icon } from "./icons.js";

/** Links to the pages into `place`. `show(route)` marks the one that is shown. */
export function mountNav(routes, place) {
  const links = new Map();
  for (const { name, path, nav } of routes) {
    if (!nav) continue;
    const link = el("a", { class: "nav-link", href: `#${path}` }, icon(nav.icon), el("span", { class: "nav-label" }, nav.label));
    links.set(name, link);
    place.append(el("li", {}, link));
  }
  return {
    show(route) {
      const section = route.under ?? route.name;
      for (const [name, link] of links) setAttribute(link, "aria-current", name === section ? "page" : false);
      // On a phone not all of them are in sight.
      links.get(section)?.scrollIntoView({ block: "nearest", inline: "center" });
    },
  };
}
