// Where each server's cell is on the fleet map (pure).

const LABEL = 28;
const GAP = 14;
const SMALLEST = 6;

/** Cells of `groups` ({name, servers}) in a map `width` pixels wide, as large as lets all of
 * them fit into `height`, up to `largest` pixels. Unnamed groups have no label. Groups stand beside each
 * other where there is room. The answer: {size, height, blocks: [{group, x, y, columns, first}]},
 * `y` that of the cells, the label above it; `first` the number of the block's first cell. */
export function layout(groups, width, height, largest) {
  for (let size = largest; size > SMALLEST; size -= 1) {
    const tried = place(groups, width, size);
    if (tried.height <= height) return tried;
  }
  return place(groups, width, SMALLEST);
}

function place(groups, width, size) {
  const most = Math.max(1, Math.floor(width / size));
  const blocks = [];
  let x = 0;
  let y = 0;
  let tallest = 0;
  let first = 0;
  for (const group of groups) {
    const label = group.name ? LABEL : 0;
    const columns = group.name ? columnsOf(group, most, size, width) : most;
    const across = group.name ? Math.max(columns * size, labelWidth(group)) : width;
    if (x > 0 && x + across > width) {
      x = 0;
      y += tallest + GAP;
      tallest = 0;
    }
    blocks.push({ group, x, y: y + label, columns, first });
    tallest = Math.max(tallest, label + Math.ceil(group.servers.length / columns) * size);
    x += across + GAP + 6;
    first += group.servers.length;
  }
  return { size, height: y + tallest, blocks };
}

// A block is about twice as wide as high, never wider than the map.
function columnsOf({ servers }, most, size, width) {
  const wide = Math.ceil(Math.sqrt(servers.length * 2.4));
  const least = Math.min(servers.length, Math.ceil(Math.min(150, width) / size));
  return Math.max(1, Math.min(most, Math.max(wide, least)));
}

const labelWidth = ({ name }) => Math.min(240, 46 + name.length * 7.2);

/** The number of the cell at `x`, `y`; -1 for none. */
export function cellAt({ blocks, size }, x, y) {
  for (const { group, x: left, y: top, columns, first } of blocks) {
    const column = Math.floor((x - left) / size);
    const row = Math.floor((y - top) / size);
    if (column < 0 || row < 0 || column >= columns) continue;
    const index = row * columns + column;
    if (index < group.servers.length) return first + index;
  }
  return -1;
}

/** The left upper corner of cell `number`, and its server. */
export function cell({ blocks, size }, number) {
  const block = blocks.findLast(({ first }) => first <= number);
  if (!block) return null;
  const index = number - block.first;
  const server = block.group.servers[index];
  if (!server) return null;
  return { server, block, x: block.x + (index % block.columns) * size, y: block.y + Math.floor(index / block.columns) * size };
}

/** The cell that an arrow key leads to from `number`. */
export function neighbour(map, number, key) {
  const last = map.blocks.reduce((sum, { group }) => sum + group.servers.length, 0) - 1;
  const at = cell(map, number);
  if (!at) return 0;
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (key === "ArrowLeft") return Math.max(0, number - 1);
  if (key === "ArrowRight") return Math.min(last, number + 1);
  const step = key === "ArrowDown" ? 1 : -1;
  const within = number + step * at.block.columns;
  const index = within - at.block.first;
  if (index >= 0 && index < at.block.group.servers.length) return within;
  // On into the block below or above, at the same place across.
  const beyond = map.blocks
    .filter(({ y }) => (step > 0 ? y > at.y : y < at.block.y))
    .map((block) => ({ block, away: Math.abs(block.y - at.y) * 4 + Math.max(0, block.x - at.x, at.x - block.x - block.columns * map.size) }))
    .sort((a, b) => a.away - b.away)[0]?.block;
  if (!beyond) return number;
  const column = Math.max(0, Math.min(beyond.columns - 1, Math.floor((at.x - beyond.x) / map.size)));
  const rows = Math.ceil(beyond.group.servers.length / beyond.columns);
  const row = step > 0 ? 0 : rows - 1;
  return beyond.first + Math.min(beyond.group.servers.length - 1, row * beyond.columns + column);
}
