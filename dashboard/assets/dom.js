// The only place that makes elements. Data becomes text here and nowhere markup.

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 4000;

// Control and bidirectional-override characters would let a server's name rearrange or hide
// the text around it; each becomes the replacement character.
const TROUBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text from a server, safe to read: without invisible characters, of at most `longest`. */
export function plain(value, longest = LONGEST) {
  const text = String(value ?? "");
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return cut.replace(TROUBLE, "\ufffd");
}

/** An element. Attributes with a function value are listeners; false, null and undefined are
 * left out. Children are nodes or texts. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else setAttribute(node, name, value);
  }
  node.append(...children.flat().map((child) => (child instanceof Node ? child : plain(child))));
  return node;
}

/** An element of an SVG picture that people who can't see it need not know of. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Text of a server, kept apart from the direction of the text around it. */
export function data(value, attributes = {}) {
  return el("bdi", attributes, plain(value));
}

/** Make `node` say `value`; touches the page only if it said something else. */
export function setText(node, value, longest = LONGEST) {
  const text = plain(value, longest);
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute, or remove it for false, null and undefined; only if it differs. */
export function setAttribute(node, name, value) {
  if (value === false || value === null || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : plain(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** Show or hide. */
export function setShown(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

/** Replace all children. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat());
  return node;
}

/** Do `work`, which moves elements about: whoever had the focus among them keeps it. */
export function keepingFocus(work) {
  const focused = document.activeElement;
  work();
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}
