// Single keys and two-key sequences for the whole page.

import { kept } from "./kept.js";

const TYPING = "input, textarea, select, [contenteditable]";
const SEQUENCE_MS = 1500;

const allowed = kept("keys", true, (found) => typeof found === "boolean");

/** Whether single keys do something. People whose software types for them turn it off. */
export const keysOn = () => allowed.get();
export const setKeysOn = (on) => allowed.set(on);

/** Listen for keys. `add(keys, meaning, action)`: keys as in "/" or "g o"; the first added of
 * equal keys wins. `list` has all as {keys, meaning}. */
export function createKeys() {
  const actions = new Map();
  let first = "";
  let firstAt = 0;

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (!allowed.get() || event.target.closest?.(TYPING) || document.querySelector("dialog[open]")) return;
    const pair = event.timeStamp - firstAt < SEQUENCE_MS ? `${first} ${event.key}` : "";
    const found = actions.get(pair) ?? actions.get(event.key);
    first = event.key;
    firstAt = event.timeStamp;
    if (!found) return;
    first = "";
    event.preventDefault();
    found.action();
  });

  return {
    add(keys, meaning, action) {
      if (!actions.has(keys)) actions.set(keys, { keys, meaning, action });
    },
    get list() {
      return [...actions.values()];
    },
  };
}
