// The bar over the charts of a page: which time they show, and how to get to another.

import { el, setAttribute, setText } from "./dom.js";
import { duration, instant, time } from "./format.js";
import { icon } from "./icons.js";
import { RANGES } from "./timeframe.js";

/** A bar for `frame` (timeframe.js). `tick` keeps its text true while the clock goes on. */
export function newTimebar(frame) {
  const presets = [...RANGES.keys()].map((name) =>
    el("button", { type: "button", class: "segment", "data-range": name, click: () => frame.choose(name) }, name),
  );
  const live = el("button", { type: "button", class: "timebar-live", click: () => frame.follow(!frame.live) }, el("span", { class: "timebar-dot", "aria-hidden": "true" }), "Live");
  const back = tool("undo", "Back to the time before", () => frame.back());
  const later = tool("later", "Later", () => frame.shift(0.5));
  const text = el("span", { class: "timebar-text", role: "status" });
  const node = el(
    "div",
    { class: "timebar", role: "group", "aria-label": "Time shown by the charts" },
    el("div", { class: "segments", role: "group", "aria-label": "How far back" }, presets),
    el(
      "div",
      { class: "timebar-tools" },
      tool("earlier", "Earlier", () => frame.shift(-0.5)),
      later,
      tool("minus", "Zoom out", () => frame.scale(2)),
      tool("plus", "Zoom in", () => frame.scale(0.5)),
      back,
      live,
    ),
    text,
  );

  function show() {
    for (const button of presets) setAttribute(button, "aria-pressed", String(button.dataset.range === frame.name));
    setAttribute(live, "aria-pressed", String(frame.live));
    setAttribute(live, "title", frame.live ? "Stop following the clock" : "Follow the clock again");
    back.disabled = !frame.canGoBack;
    later.disabled = frame.live;
    const [from, to] = frame.window();
    setText(text, frame.live ? `Last ${duration(frame.span)}` : `${time(from)} to ${time(to)} (${duration(to - from)})`);
    // A preset that is pressed says it already.
    text.classList.toggle("unseen", frame.name !== "");
    setAttribute(text, "title", `${instant(from)} to ${instant(to)}`);
  }

  frame.on(show);
  show();
  return { node, tick: show };
}

function tool(picture, label, click) {
  return el("button", { type: "button", class: "tool", "aria-label": label, title: label, click }, icon(picture));
}
