// IP addresses and ranges of them (pure).

/** `text` as {bits, value}, value a BigInt; null if it isn't an address. */
export function parseAddress(text) {
  const [plain] = String(text).split("%");
  return plain.includes(":") ? parseV6(plain) : parseV4(plain);
}

function parseV4(text) {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null;
  return { bits: 32, value: parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
}

function parseV6(text) {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [left, right] = halves.map((half) => (half ? half.split(":") : []));
  const missing = 8 - left.length - (right?.length ?? 0);
  if (right ? missing < 1 : missing !== 0) return null;
  const groups = [...left, ...(right ? [...Array(missing).fill("0"), ...right] : [])];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return { bits: 128, value: groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n) };
}

/** `text` ("10.0.0.0/24", "10.0.0.2-10.0.0.9", one address) as {bits, first, last}; null if it
 * isn't a range. */
export function parseRange(text) {
  const [from, length] = String(text).trim().split("/");
  if (length !== undefined) return parseCidr(from, length);
  const [low, high] = from.split("-").map((end) => parseAddress(end.trim()));
  const last = from.includes("-") ? high : low;
  if (!low || !last || low.bits !== last.bits || low.value > last.value) return null;
  return { bits: low.bits, first: low.value, last: last.value };
}

function parseCidr(from, length) {
  const address = parseAddress(from);
  if (!address || !/^\d{1,3}$/.test(length) || Number(length) > address.bits) return null;
  const size = 1n << BigInt(address.bits - Number(length));
  const first = address.value - (address.value % size);
  return { bits: address.bits, first, last: first + size - 1n };
}

/** Whether `range` has `address`. */
export const within = (range, address) =>
  address !== null && range.bits === address.bits && range.first <= address.value && address.value <= range.last;

/** The network that `address` is usually in, as text: a /24, or a /64 of IPv6. */
export function networkOf(address) {
  const parsed = parseAddress(address);
  if (!parsed) return "";
  if (parsed.bits === 32) return `${String(address).split(".").slice(0, 3).join(".")}.0/24`;
  const groups = [112n, 96n, 80n, 64n].map((shift) => ((parsed.value >> shift) & 0xffffn).toString(16));
  return `${groups.join(":").replace(/(:0)+$/, "")}::/64`;
}
