// The theme's colours, for what is drawn on a canvas.

/** A function from a token's name (`accent`) to its colour in the theme there is now. */
export function tokens() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** `steps` colours from `from` to `to`, both #rrggbb. */
export function ramp(from, to, steps) {
  const [a, b] = [from, to].map(parts);
  return Array.from({ length: steps }, (_, step) => {
    const share = steps > 1 ? step / (steps - 1) : 1;
    return `rgb(${a.map((part, index) => Math.round(part + (b[index] - part) * share)).join(" ")})`;
  });
}

const parts = (hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) || 0);

/** Call `listener` when the theme changes, until `signal` is aborted. */
export function onColours(listener, signal) {
  document.addEventListener("themechange", listener, { signal });
}
