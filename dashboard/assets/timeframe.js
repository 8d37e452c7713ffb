// Which time the charts of a page show: a range that ends now and follows the clock, or a fixed
// one. No elements here, and no I/O.

/** The choices of how far back, in seconds. */
export const RANGES = new Map([
  ["15m", 900], ["1h", 3600], ["6h", 21600], ["24h", 86400], ["7d", 604800], ["30d", 2592000], ["1y", 31536000], ["2y", 63072000],
]);

const SHORTEST = 60;
const LONGEST = 2 * 366 * 86400;
const MOST_STEPS_BACK = 50;
// A part of the span; the clock goes on while a person looks at what has just been.
const PRESENT = 0.1;

/** The time that is shown, starting from the address's `query`; `fallback` names a range for
 * where it says nothing. `clock` gives the daemon's UNIX seconds. */
export function createTimeframe(query, clock, fallback) {
  const listeners = new Set();
  const before = [];
  let now = parsed(query) ?? following(RANGES.get(fallback));
  // How often it changed: what was asked for under another number is out of date.
  let version = 0;

  function go(next) {
    now = next;
    version += 1;
    listeners.forEach((listener) => listener());
  }

  function step(next) {
    before.push(now);
    if (before.length > MOST_STEPS_BACK) before.shift();
    go(next);
  }

  const frame = {
    get version() {
      return version;
    },
    get live() {
      return now.to === null;
    },
    get span() {
      return now.span;
    },
    get canGoBack() {
      return before.length > 0;
    },
    /** The name in RANGES of the range that is followed; an empty string for any other. */
    get name() {
      const found = [...RANGES].find(([, span]) => span === now.span);
      return now.to === null && found ? found[0] : "";
    },
    /** [from, to] in UNIX seconds. */
    window() {
      const to = now.to ?? clock();
      return [to - now.span, to];
    },
    choose: (name) => step(following(RANGES.get(name))),
    /** Show from one UNIX second to another, as far as that is possible. */
    zoom(from, to) {
      const end = Math.min(to, clock());
      const span = bounded(end - from);
      step({ span, to: Math.min(clock(), Math.max(end, from + span)) });
    },
    /** Show so many times the span, around `at` if it is given, else around the middle; what
     * follows the clock goes on to. */
    scale(factor, at = null) {
      const span = bounded(now.span * factor);
      const [from, to] = frame.window();
      if (frame.live && at === null) return step(following(span));
      const share = at === null ? 0.5 : (at - from) / (to - from);
      const middle = at ?? (from + to) / 2;
      return step(fixed(span, middle + (1 - share) * span));
    },
    /** Go that part of the span later, or earlier where it is negative. */
    shift(part) {
      const [, to] = frame.window();
      step(fixed(now.span, to + part * now.span));
    },
    /** Follow the clock, or stay where it is now. */
    follow: (live) => step(live ? following(now.span) : { span: now.span, to: clock() }),
    back() {
      if (before.length) go(before.pop());
    },
    /** As the address has it; undo what happened meanwhile. */
    read(changed) {
      const wanted = parsed(changed) ?? following(RANGES.get(fallback));
      if (wanted.span !== now.span || wanted.to !== now.to) go(wanted);
    },
    /** What of the address says this, for `read`. */
    query() {
      if (now.to === null) return { range: frame.name || `${Math.round(now.span)}s`, from: null, to: null };
      return { range: null, from: Math.round(now.to - now.span), to: Math.round(now.to) };
    },
    on: (listener) => void listeners.add(listener),
  };

  // At the present, or later, where there is nothing to see, it follows the clock again.
  function fixed(span, to) {
    return to >= clock() - PRESENT * span ? following(span) : { span, to };
  }

  return frame;
}

const following = (span) => ({ span, to: null });
const bounded = (span) => Math.min(LONGEST, Math.max(SHORTEST, span));

function parsed(query) {
  const range = query.get("range") ?? "";
  if (RANGES.has(range)) return following(RANGES.get(range));
  if (/^\d{1,9}s$/.test(range)) return following(bounded(Number.parseInt(range, 10)));
  const [from, to] = ["from", "to"].map((name) => Number.parseFloat(query.get(name) ?? ""));
  if (!(from > 0 && to > from && to < 1e11)) return null;
  return { span: bounded(to - from), to };
}
