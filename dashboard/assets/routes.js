// The pages: which address shows which module. A page is a module with `mount(root, context)`;
// what that returns, if anything, ends it (see router.js).
//
// `nav` puts a page into the navigation (label, icon of icons.js, the key after "g"); `under`
// names the page it belongs to there. `:name` in a path is one part of the address, handed over
// decoded in `context.params`.

export const ROUTES = [
  { name: "overview", path: "/", load: () => import("./overview.js"), nav: { label: "Overview", icon: "overview", key: "o" } },
  { name: "fleet", path: "/fleet", load: () => import("./fleet.js"), nav: { label: "Fleet", icon: "fleet", key: "f" } },
  { name: "server", path: "/server/:id", load: () => import("./server.js"), under: "fleet" },
  { name: "wall", path: "/wall", load: () => import("./wall.js") },
  { name: "sensors", path: "/sensors", load: () => import("./sensor-list.js"), nav: { label: "Sensors", icon: "sensors", key: "s" } },
  { name: "sensor", under: "sensors", path: "/sensors/:name", load: () => import("./sensor.js") },
  { name: "discovery", path: "/discovery", load: () => import("./discovery.js"), nav: { label: "Discovery", icon: "discovery", key: "d" } },
  { name: "events", path: "/events", load: () => import("./event-log.js"), nav: { label: "Events", icon: "events", key: "e" } },
  { name: "incidents", path: "/incidents", load: () => import("./incident-list.js"), nav: { label: "Incidents", icon: "incidents", key: "i" } },
  { name: "silences", path: "/silences", load: () => import("./silences.js"), nav: { label: "Silences", icon: "silences", key: "q" } },
  { name: "reactions", path: "/reactions", load: () => import("./reactions.js"), nav: { label: "Reactions", icon: "reactions", key: "r" } },
  { name: "run-form", under: "reactions", path: "/run", load: () => import("./run-form.js") },
  { name: "run", under: "reactions", path: "/run/:id", load: () => import("./run.js") },
  { name: "notices", path: "/notices", load: () => import("./notices.js"), nav: { label: "Notices", icon: "notices", key: "n" } },
  { name: "incident", under: "incidents", path: "/incidents/:id", load: () => import("./incident.js") },
];
