// The pages: which address shows which module. A page is a module, loaded when it is first asked
// for, with `mount(root, context)`; what it returns, if anything, ends it (see router.js).
//
// `nav` puts a page into the navigation (label, icon of icons.js, the key after "g"). `:name` in
// a path is one part of the address, handed over decoded in `context.params`.

export const ROUTES = [
  { name: "overview", path: "/", load: () => import("./overview.js"), nav: { label: "Overview", icon: "overview", key: "o" } },
  { name: "server", path: "/server/:id", load: () => import("./server.js") },
];
