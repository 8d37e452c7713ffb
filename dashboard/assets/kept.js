// What the browser remembers of a person's choices. Without storage (a private window, a
// policy) they last as long as the page.

const PREFIX = "outkept.";

/** A remembered JSON value: `get()`, `set(value)` and `on(listener)`, which also hears of changes
 * in other tabs. What is stored and `valid` refuses counts as not there. */
export function kept(name, fallback, valid = () => true) {
  const listeners = new Set();
  let value = read();

  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
      return found !== null && valid(found) ? found : fallback;
    } catch {
      return fallback;
    }
  }

  function tell() {
    listeners.forEach((listener) => listener(value));
  }

  addEventListener("storage", (event) => {
    if (event.key !== PREFIX + name && event.key !== null) return;
    value = read();
    tell();
  });

  return {
    get: () => value,
    set(next) {
      value = next;
      try {
        localStorage.setItem(PREFIX + name, JSON.stringify(next));
      } catch {
        // Remembered in `value` only.
      }
      tell();
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
