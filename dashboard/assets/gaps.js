// Points as columns for a chart, with a hole wherever nothing was read.

const GAP = 3;
// Older history is kept as minutes and hours, whatever the interval of its sensor.
const LONGEST_STEP = 3600;

/** [times, minima, means, maxima] of `points` ([at, min, mean, max], oldest first), whose usual
 * distance is `usual` seconds. Where more is missing, a null breaks the line. */
export function joined(points, usual) {
  const columns = [[], [], [], []];
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && isGap(points, index, usual)) {
      columns[0].push(before[0] + Math.min(usual, (point[0] - before[0]) / 2));
      for (const column of columns.slice(1)) column.push(null);
    }
    columns.forEach((column, part) => column.push(point[part]));
  });
  return columns;
}

function isGap(points, index, usual) {
  const step = points[index][0] - points[index - 1][0];
  if (step <= GAP * usual) return false;
  const neighbours = [distance(points, index - 1), distance(points, index + 1)];
  const asBefore = neighbours.some((other) => step <= 1.5 * other);
  return !(asBefore && step <= 1.5 * LONGEST_STEP);
}

const distance = (points, index) => (index >= 1 && index < points.length ? points[index][0] - points[index - 1][0] : 0);
