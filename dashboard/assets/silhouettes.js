// The outline of each level, told apart even where a server is six pixels wide: corners in a
// unit square. Colour only repeats what the shape says.

import { svg } from "./dom.js";

const SQUARE = [[0.14, 0.14], [0.86, 0.14], [0.86, 0.86], [0.14, 0.86]];
const SHAPES = new Map([
  ["normal", SQUARE],
  ["disconnected", SQUARE],
  ["warned", [[0.5, 0], [1, 1], [0, 1]]],
  ["alarmed", [[0, 0], [1, 0], [1, 1], [0, 1]]],
  ["quarantined", [[0.5, 0], [1, 0.5], [0.5, 1], [0, 0.5]]],
  ["queued", [[0.14, 0.5], [0.86, 0.5], [0.86, 0.86], [0.14, 0.86]]],
]);

/** What is drawn for a server: its level, or that it is queued up where that is the worst. */
export function shapeOf({ queued_up: queuedUp, status }) {
  if (queuedUp && status === "normal") return "queued";
  return SHAPES.has(status) ? status : "disconnected";
}

/** Draw the shape `name` into a square of `size` at `x`, `y` of a canvas, in `colour`. */
export function drawShape(context, name, x, y, size, colour) {
  if (name === "disconnected") {
    const width = Math.max(1, size * 0.16);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(x + size * 0.14 + width / 2, y + size * 0.14 + width / 2, size * 0.72 - width, size * 0.72 - width);
    return;
  }
  context.fillStyle = colour;
  if (name === "normal") {
    // Whole pixels: ten thousand blurred edges would shimmer.
    const inset = Math.round(size * 0.14);
    context.fillRect(x + inset, y + inset, size - 2 * inset, size - 2 * inset);
    return;
  }
  const [first, ...rest] = SHAPES.get(name) ?? SQUARE;
  context.beginPath();
  context.moveTo(x + first[0] * size, y + first[1] * size);
  for (const [dx, dy] of rest) context.lineTo(x + dx * size, y + dy * size);
  context.fill();
  if (name === "alarmed" && size >= 9) cross(context, x, y, size);
}

/** The same of a server that is silenced: pale, and struck through where there is room. */
export function drawSilenced(context, name, x, y, size, colour) {
  context.globalAlpha = 0.4;
  drawShape(context, name, x, y, size, colour);
  context.globalAlpha = 1;
  if (size < 9) return;
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1.5, size * 0.12);
  context.beginPath();
  context.moveTo(x, y + size);
  context.lineTo(x + size, y);
  context.stroke();
}

// A hole in the shape of a cross, so that alarmed isn't only a larger normal.
function cross(context, x, y, size) {
  context.globalCompositeOperation = "destination-out";
  context.lineWidth = size * 0.13;
  context.strokeStyle = "#000";
  context.beginPath();
  context.moveTo(x + size * 0.28, y + size * 0.28);
  context.lineTo(x + size * 0.72, y + size * 0.72);
  context.moveTo(x + size * 0.72, y + size * 0.28);
  context.lineTo(x + size * 0.28, y + size * 0.72);
  context.stroke();
  context.globalCompositeOperation = "source-over";
}

/** The shape `name` as a small picture, for a legend. */
export function shapePicture(name) {
  const picture = svg("svg", { viewBox: "0 0 1 1", class: "shape", "data-level": name, "aria-hidden": "true" });
  if (name === "disconnected") picture.append(svg("rect", { x: 0.22, y: 0.22, width: 0.56, height: 0.56, class: "shape-line" }));
  else picture.append(svg("polygon", { points: (SHAPES.get(name) ?? SQUARE).map((corner) => corner.join(",")).join(" ") }));
  if (name === "alarmed") picture.append(svg("path", { d: "M.28 .28L.72 .72M.72 .28L.28 .72", class: "shape-hole" }));
  return picture;
}
