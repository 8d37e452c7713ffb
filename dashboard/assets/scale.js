// What a chart's value axis spans, and where its marks may lie.

const DECIMAL = [];
for (let power = -9; power <= 15; power += 1) for (const digit of [1, 2, 2.5, 5]) DECIMAL.push(digit * 10 ** power);
const BINARY = Array.from({ length: 60 }, (_, power) => 2 ** power);
const SECONDS = [
  ...DECIMAL.filter((step) => step <= 5),
  10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((days) => days * 86400),
];
const BY_UNIT = new Map([["B", BINARY], ["bytes", BINARY], ["KiB", BINARY], ["MiB", BINARY], ["GiB", BINARY], ["s", SECONDS], ["seconds", SECONDS]]);

/** The distances between marks that read well in this unit. */
export const increments = (unit) => BY_UNIT.get(unit) ?? DECIMAL;

/** [bottom, top] for values from `low` to `high` (nulls for none). A threshold belongs into the
 * picture unless it is so far off that it would flatten the line. */
export function valueRange(low, high, thresholds, unit) {
  if (low === null || high === null) return unit === "%" ? [0, 100] : [0, 1];
  if (unit === "%" && low >= 0 && high <= 100) return [0, 100];
  const size = Math.max(high - low, Math.abs(high) * 0.1, 1e-9);
  const near = thresholds.filter((at) => at < high + 2 * size && at > low - 2 * size);
  if (low === 0 && high === 0 && !near.length) return [0, 1];
  const top = Math.max(high, ...near);
  const bottom = low >= 0 && low < size * 2 ? 0 : Math.min(low, ...near);
  const margin = (top - bottom || 1) * 0.08;
  return [bottom === 0 ? 0 : bottom - margin, top + margin];
}
