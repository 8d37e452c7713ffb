// When a silence holds: from when, until when, and in which hours of the week.

import { newChoice } from "./bits.js";
import { el, setAttribute, setShown } from "./dom.js";
import { field, labelled, localTime, secondsOf, wrong } from "./fields.js";
import { DAYS } from "./silence-words.js";

const MORNING = 8;
const STARTS = [["now", "Now"], ["at", "At…"]];
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** {node, reset(), read()}. `read` answers with what the API wants of it, and throws an Error
 * whose `field` is what is wrong. */
export function newPeriod() {
  const start = newChoice("Starts", STARTS, (value) => chooseStart(value));
  const startAt = field("silence-starts", { type: "datetime-local", "aria-label": "Starts at" });
  const end = newChoice("Ends", [["1h", "1 hour"], ["4h", "4 hours"], ["morning", morningWords()], ["7d", "A week"], ["at", "Until…"], ["never", "Until it is ended"]], (value) => chooseEnd(value));
  const endAt = field("silence-ends", { type: "datetime-local", "aria-label": "Ends at" });
  const weekly = el("input", { type: "checkbox", id: "silence-weekly", change: () => chooseWeekly(weekly.checked) });
  const days = new Map(DAYS.map(([day, name]) => [day, el("button", { type: "button", class: "chip", "aria-pressed": "false", click: () => toggle(day) }, name)]));
  const from = field("silence-from", { type: "time" });
  const to = field("silence-to", { type: "time" });
  const zone = field("silence-zone", { list: "silence-zones", maxlength: 64 });
  const zones = el("datalist", { id: "silence-zones" }, Intl.supportedValuesOf("timeZone").map((name) => el("option", { value: name })));
  const window_ = el("fieldset", { class: "weekly", hidden: true }, el("legend", { class: "unseen" }, "Weekly window"),
    el("div", { class: "chips", role: "group", "aria-label": "Days" }, ...days.values()),
    el("div", { class: "fields" }, labelled("From", from), labelled("To", to, "May be on the next day"), labelled("Time zone", zone)), zones);
  const node = el(
    "div",
    { class: "period" },
    el("div", { class: "period-row" }, el("span", { class: "period-word", "aria-hidden": "true" }, "Starts"), start.node, startAt),
    el("div", { class: "period-row" }, el("span", { class: "period-word", "aria-hidden": "true" }, "Ends"), end.node, endAt),
    el("label", { class: "tick", for: "silence-weekly" }, weekly, "Only in a window that comes again each week"),
    window_,
  );
  let starts = "now";
  let ends = "1h";
  const chosen = new Set();

  function chooseStart(value) {
    starts = value;
    start.show(value);
    setShown(startAt, value === "at");
    if (value === "at" && !startAt.value) startAt.value = localTime(Date.now() / 1000);
  }

  function chooseEnd(value) {
    ends = value;
    end.show(value);
    setShown(endAt, value === "at");
    if (value === "at" && !endAt.value) endAt.value = localTime(Date.now() / 1000 + 3600);
  }

  // A window that comes again is seldom for hours.
  function chooseWeekly(on) {
    setShown(end.buttons.get("never"), on);
    weekly.checked = on;
    setShown(window_, on);
    if (on && ["1h", "4h", "morning"].includes(ends)) chooseEnd("never");
    else if (!on && ends === "never") chooseEnd("1h");
  }

  function toggle(day) {
    if (!chosen.delete(day)) chosen.add(day);
    showDays();
  }

  function showDays() {
    for (const [day, button] of days) setAttribute(button, "aria-pressed", String(chosen.has(day)));
  }

  function readEnd() {
    if (ends === "never") return {};
    if (ends === "morning") return { ends: morning().getTime() / 1000 };
    if (ends !== "at") return { for: ends };
    const at = secondsOf(endAt);
    if (at === null) throw wrong("Say when it ends.", endAt);
    return { ends: at };
  }

  function readWindow() {
    if (!weekly.checked) return {};
    if (!chosen.size) throw wrong("Choose the days of the window.", days.get("mon"));
    if (!from.value || !to.value) throw wrong("Say from when to when the window is.", from.value ? to : from);
    if (!zone.value.trim()) throw wrong("Say by the clock of which time zone.", zone);
    return { weekly: { days: DAYS.map(([day]) => day).filter((day) => chosen.has(day)), from: from.value, to: to.value, zone: zone.value.trim() } };
  }

  return {
    node,
    reset() {
      startAt.value = endAt.value = "";
      chosen.clear();
      showDays();
      from.value = "22:00";
      to.value = "02:00";
      zone.value = HERE;
      chooseStart("now");
      chooseEnd("1h");
      chooseWeekly(false);
    },
    read() {
      const at = starts === "at" ? secondsOf(startAt) : null;
      if (starts === "at" && at === null) throw wrong("Say when it starts.", startAt);
      return { ...(at === null ? {} : { starts: at }), ...readEnd(), ...readWindow() };
    },
  };
}

// The next morning: today's for those who are up before it.
function morning() {
  const at = new Date();
  if (at.getHours() >= MORNING) at.setDate(at.getDate() + 1);
  at.setHours(MORNING, 0, 0, 0);
  return at;
}

const morningWords = () => `Until ${morning().getDate() === new Date().getDate() ? "this morning" : "tomorrow"} ${MORNING}:00`;
