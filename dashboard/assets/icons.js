// A shape for each status, so that colour is never the only sign.

import { svg } from "./dom.js";

const SHAPES = {
  normal: ["M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M5 8.2l2.1 2.1L11.2 6"],
  warned: ["M8 1.8L15 14H1z", "M8 6.2v3.6M8 11.7v.2"],
  alarmed: ["M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z", "M8 4.6v4M8 11v.2"],
  fired: ["M9 1L3 9h4l-1 6 7-8.6H8.6z"],
  disconnected: ["M2 2l12 12", "M5 3.5v2M11 3.5v2M4 6h7.5v2a4 4 0 0 1-1 2.6M4 6v2a4 4 0 0 0 4 4v2.5"],
  quarantined: ["M8 1.5l5.5 2v4c0 3.4-2.2 5.8-5.5 7-3.3-1.2-5.5-3.6-5.5-7v-4z", "M6 6l4 4M10 6l-4 4"],
  failed: ["M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"],
  stale: ["M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M8 4.5V8l2.5 1.8"],
  unknown: ["M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M6.3 6.3a1.8 1.8 0 1 1 2.5 1.7c-.5.2-.8.5-.8 1M8 11.3v.2"],
  queued: ["M2 4h12M2 8h8M2 12h4"],
  found: ["M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2zM11 11l3.5 3.5"],
  connected: ["M5.5 8h5M6 5H4.5a3 3 0 0 0 0 6H6M10 5h1.5a3 3 0 0 1 0 6H10"],
  sensor: ["M1.5 8h3l2-5 3 10 2-5h3"],
  message: ["M2 3h12v8H7l-3 3v-3H2z"],
  undo: ["M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6", "M5.8 3.5L2.8 6.5l3 3"],
  earlier: ["M9.5 3.5L5 8l4.5 4.5"],
  later: ["M6.5 3.5L11 8l-4.5 4.5"],
  minus: ["M3 8h10"],
  plus: ["M3 8h10M8 3v10"],
  back: ["M9.5 3L4.5 8l5 5"],
  pin: ["M6 1.5h4l-.6 4.2 2.6 2.4v1.4H4V8.1l2.6-2.4z", "M8 9.5v5"],
  search: ["M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2zM11 11l3.5 3.5"],
  speaking: ["M2 6v4h2.6L8 13V3L4.6 6z", "M10.5 5.5a3.5 3.5 0 0 1 0 5M12.6 3.5a6.3 6.3 0 0 1 0 9"],
  muted: ["M2 6v4h2.6L8 13V3L4.6 6z", "M10.8 6l4 4M14.8 6l-4 4"],
  system: ["M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M8 1.5v13M8 4.5h3.6M8 7.5h6.2M8 10.5h5.2M8 13h2.4"],
  light: ["M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6z", "M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9L13 13M3 13l1.1-1.1M11.9 4.1L13 3"],
  dark: ["M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z"],
  wall: ["M1.5 2.5h13v9h-13z", "M5 14.5h6M8 11.5v3"],
  console: ["M1.5 2.5h13v11h-13z", "M4.5 6l2.5 2-2.5 2M8.5 10.5h3"],
  help: ["M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M6.3 6.3a1.8 1.8 0 1 1 2.5 1.7c-.5.2-.8.5-.8 1M8 11.3v.2"],
  account: ["M8 2a3 3 0 1 0 0 6 3 3 0 0 0 0-6z", "M2.5 14a5.5 5.5 0 0 1 11 0"],
  close: ["M3.5 3.5l9 9M12.5 3.5l-9 9"],
  map: ["M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z"],
  list: ["M2 3.5h12M2 8h12M2 12.5h12"],
  overview: ["M2 2h5v6H2zM9 2h5v3H9zM9 7h5v7H9zM2 10h5v4H2z"],
  fleet: ["M2 2h3v3H2zM6.5 2h3v3h-3zM11 2h3v3h-3zM2 6.5h3v3H2zM6.5 6.5h3v3h-3zM11 6.5h3v3h-3zM2 11h3v3H2zM6.5 11h3v3h-3zM11 11h3v3h-3z"],
  sensors: ["M1.5 8h3l2-5 3 10 2-5h3"],
  discovery: ["M8 1.5a6.5 6.5 0 1 0 6.5 6.5", "M8 4.8A3.2 3.2 0 1 0 11.2 8", "M8 8l6-6"],
  events: ["M5.5 3.5h9M5.5 8h9M5.5 12.5h9M2 3.5h.5M2 8h.5M2 12.5h.5"],
  flapping: ["M1.5 8l2.5-4 3 8 3-8 2.5 6 2-4"],
  blind: ["M1.5 8s2.4-4.3 6.5-4.3S14.5 8 14.5 8s-2.4 4.3-6.5 4.3S1.5 8 1.5 8z", "M3 13L13 3"],
  acknowledged: ["M6 2a2.7 2.7 0 1 0 0 5.4A2.7 2.7 0 0 0 6 2z", "M1.5 14a4.6 4.6 0 0 1 8-3.1", "M9.5 12.2l1.9 1.9 3.4-4"],
  note: ["M3.5 1.5h6l3 3v10h-9z", "M5.8 7.5h4.4M5.8 10.5h4.4"],
  silenced: ["M4 11.5V7a4 4 0 0 1 6.4-3.2M12 6.5v5M2.5 11.5h11M6.8 14h2.4", "M2 14L14 2"],
  control: ["M2 3l4.5 5L2 13M8 13h6"],
  silences: ["M4 11.5V7a4 4 0 0 1 6.4-3.2M12 6.5v5M2.5 11.5h11M6.8 14h2.4", "M2 14L14 2"],
  reactions: ["M13.2 5.5A5.8 5.8 0 1 0 13.8 8", "M13.8 2.2v3.6h-3.6", "M6.6 5.6L10.2 8l-3.6 2.4z"],
  notices: ["M3.2 11.5h9.6l-1.3-2V6.6a3.5 3.5 0 0 0-7 0v2.9z", "M6.7 13.8h2.6"],
  latch: ["M3.5 7h9v7h-9z", "M5.2 7V4.8a2.8 2.8 0 0 1 5.6 0V7", "M8 9.7v1.8"],
  stopped: ["M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z", "M5.6 5.6h4.8v4.8H5.6z"],
  incidents: ["M9 1L3 9h4l-1 6 7-8.6H8.6z"],
};

/** The picture called `name`, hidden from assistive technology: words stand beside it. */
export function icon(name) {
  const paths = (Object.hasOwn(SHAPES, name) ? SHAPES[name] : SHAPES.unknown).map((d) => svg("path", { d }));
  return svg("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" }, ...paths);
}
