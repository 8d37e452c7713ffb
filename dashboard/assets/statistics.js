// What many values say together (pure).

/** How far from the median an outlier is, in modified z-scores: Iglewicz and Hoaglin's advice. */
export const OUTLYING = 3.5;
// Make the scores those of a normal distribution's standard deviations.
const MAD_SCALE = 1.4826;
const MEAN_SCALE = 1.2533;

/** The value that `part` (0 to 1) of the ascending `sorted` don't exceed; null of none. */
export function quantile(sorted, part) {
  if (!sorted.length) return null;
  const place = (sorted.length - 1) * part;
  const low = sorted[Math.floor(place)];
  return low + (sorted[Math.ceil(place)] - low) * (place - Math.floor(place));
}

/** Median and spread of the ascending `sorted`: `spread` is the median absolute deviation, scaled
 * to a standard deviation; where more than half of the values are the same, the mean one. */
export function centre(sorted) {
  const median = quantile(sorted, 0.5);
  if (median === null) return { median: null, spread: 0 };
  const apart = Float64Array.from(sorted, (value) => Math.abs(value - median)).sort();
  const mad = quantile(apart, 0.5) * MAD_SCALE;
  if (mad > 0) return { median, spread: mad };
  return { median, spread: (apart.reduce((sum, value) => sum + value, 0) / apart.length) * MEAN_SCALE };
}

/** How many spreads `value` is from the median; 0 where all are the same. */
export const score = (value, { median, spread }) => (spread > 0 ? (value - median) / spread : 0);

/** `count` bars of equal width over the ascending `sorted`: [{from, to, count}]. One where all are
 * the same. Whole numbers in a small span get a bar each. */
export function histogram(sorted, count) {
  if (!sorted.length) return [];
  const low = sorted[0];
  const high = sorted[sorted.length - 1];
  if (low === high) return [{ from: low, to: high, count: sorted.length }];
  const whole = high - low < count && Number.isInteger(low) && sorted.every(Number.isInteger);
  const bars = whole ? high - low + 1 : count;
  const width = whole ? 1 : (high - low) / bars;
  const found = Array.from({ length: bars }, (_, bar) => ({ from: low + bar * width, to: whole ? low + bar : low + (bar + 1) * width, count: 0 }));
  for (const value of sorted) found[Math.min(bars - 1, Math.floor((value - low) / width))].count += 1;
  return found;
}

/** Round numbers from `low` to `high`, some `count` of them. */
export function marks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}
