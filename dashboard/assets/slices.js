// Work on ten thousand servers without holding the page up.

const SLICE = 8;

/** Lets the page do something else before going on. */
export const breathe = () => new Promise((resolve) => setTimeout(resolve));

/** Call `visit` for each of `items`, some milliseconds' worth at a time. False if `signal` was
 * aborted on the way. */
export async function inSlices(items, visit, signal) {
  let until = performance.now() + SLICE;
  for (const item of items) {
    visit(item);
    if (performance.now() < until) continue;
    await breathe();
    if (signal.aborted) return false;
    until = performance.now() + SLICE;
  }
  return !signal.aborted;
}

/** A function that has `job` done soon: never two at a time, and a next one not before `gap`
 * milliseconds after the last began, however often it is called. Ends with `signal`. */
export function paced(job, gap, signal) {
  let wanted = false;
  let busy = false;
  let began = -Infinity;
  let timer = 0;

  async function run() {
    timer = 0;
    if (signal.aborted) return;
    wanted = false;
    busy = true;
    began = performance.now();
    try {
      await job();
    } finally {
      busy = false;
      if (wanted) plan();
    }
  }

  function plan() {
    if (!busy && !timer && !signal.aborted) timer = setTimeout(run, Math.max(0, began + gap - performance.now()));
  }

  signal.addEventListener("abort", () => clearTimeout(timer));
  return () => {
    wanted = true;
    plan();
  };
}
