// Values, ages and times as people read them.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const digits = [0, 1, 2, 3].map(
  (count) => new Intl.NumberFormat(undefined, { maximumFractionDigits: count }),
);
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const RATES = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"];

/** A whole number with its thousands apart. */
export const count = (value) => whole.format(value ?? 0);

/** About three significant digits, however large or small. */
export function number(value) {
  const size = Math.abs(value);
  if (size >= 1e12 || (size > 0 && size < 0.001)) return value.toExponential(1);
  return digits[size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3].format(value);
}

/** Seconds as the two largest units that matter: "3 d 4 h", "12 s", "8 ms". */
export function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < 1e-9) return "0 s";
  if (size < 1) return size < 0.001 ? `${number(seconds * 1e6)} µs` : `${number(seconds * 1000)} ms`;
  if (size < 10) return `${number(seconds)} s`;
  const sign = seconds < 0 ? "−" : "";
  const steps = [["y", 31536000], ["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = steps.findIndex(([, length]) => size >= length);
  const [unit, length] = steps[first];
  const amount = Math.floor(size / length);
  const next = steps[first + 1];
  const rest = next ? Math.floor((size % length) / next[1]) : 0;
  return `${sign}${whole.format(amount)} ${unit}${rest ? ` ${rest} ${next[0]}` : ""}`;
}

function scaled(value, units, base) {
  let size = value;
  let step = 0;
  while (Math.abs(size) >= base && step < units.length - 1) {
    size /= base;
    step += 1;
  }
  return `${number(size)} ${units[step]}`;
}

const BY_UNIT = new Map([
  ["", number],
  ["%", (value) => `${digits[Math.abs(value) < 10 ? 1 : 0].format(value)} %`],
  ["s", duration],
  ["seconds", duration],
  ["ms", (value) => duration(value / 1000)],
  ["min", (value) => duration(value * 60)],
  ["d", (value) => duration(value * 86400)],
  ["days", (value) => duration(value * 86400)],
  ["B", (value) => scaled(value, BYTES, 1024)],
  ["bytes", (value) => scaled(value, BYTES, 1024)],
  ["KiB", (value) => scaled(value * 1024, BYTES, 1024)],
  ["MiB", (value) => scaled(value * 1048576, BYTES, 1024)],
  ["GiB", (value) => scaled(value * 1073741824, BYTES, 1024)],
  ["B/s", (value) => scaled(value, RATES, 1000)],
  ["bytes/s", (value) => scaled(value, RATES, 1000)],
]);

/** A reading's value with its unit. */
export function reading(value, unit) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const known = BY_UNIT.get(unit ?? "");
  return known ? known(value) : `${number(value)} ${unit}`;
}

/** A sensor's series as events write it. */
export const seriesName = (sensor) =>
  sensor.instance === null || sensor.instance === undefined ? sensor.name : `${sensor.name}[${sensor.instance}]`;

/** How long ago, for an age in seconds. */
export function ago(seconds) {
  if (seconds < 1.5) return "just now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  return `${duration(seconds).split(" ").slice(0, seconds < 7200 ? 2 : 4).join(" ")} ago`;
}

/** The time of a UNIX second: the clock today, the day and clock before. */
export function time(at) {
  const date = new Date(at * 1000);
  return date.toDateString() === new Date().toDateString() ? clock.format(date) : day.format(date);
}

const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const month = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric" });
const MONTH = 28 * 86400;

/** A mark on a time axis whose marks are `step` seconds apart. Midnight is the day that begins. */
export function axisTime(at, step) {
  const when = new Date(at * 1000);
  if (step >= MONTH) return month.format(when);
  const midnight = when.getHours() + when.getMinutes() + when.getSeconds() === 0;
  if (step >= 86400 || midnight) return date.format(when);
  return (step < 60 ? clock : minute).format(when);
}

/** The exact instant, with its zone. */
export const instant = (at) => exact.format(new Date(at * 1000));
