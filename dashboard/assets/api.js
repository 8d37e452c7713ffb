// The JSON API, with its problem details as errors that people can read.

const MOST_AT_ONCE = 4;
const DEADLINE = 15000;

let running = 0;
const waiting = [];

/** The answer to GET `path` below /api/v1; a parameter that is a list is given several times.
 * Throws an Error whose message is the problem's; see `failure`. */
export async function get(path, parameters = {}, signal = undefined) {
  const pairs = Object.entries(parameters).flatMap(([key, value]) => [value].flat().map((one) => [key, one]));
  const query = new URLSearchParams(pairs.filter(([, value]) => value !== null && value !== undefined));
  const text = query.toString();
  return inTurn(() => ask(`/api/v1${path}${text ? `?${text}` : ""}`, { signal }));
}

/** The answer to POST `body` to `path`. Throws like `get`. */
export function post(path, body) {
  const headers = { "content-type": "application/json" };
  return ask(`/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The answer to PUT `body` to `path`. Throws like `get`. */
export function put(path, body) {
  const headers = { "content-type": "application/json" };
  return ask(`/api/v1${path}`, { method: "PUT", headers, body: JSON.stringify(body) });
}

/** DELETE `path`. Throws like `get`. */
export const remove = (path) => ask(`/api/v1${path}`, { method: "DELETE" });

/** The Error of an answer that isn't what was asked for: its message is the problem's; `status`
 * and `problem` are the answer's. */
export function failure(status, problem) {
  return Object.assign(new Error(problem.detail ?? `the daemon answered ${status}`), { status, problem });
}

async function ask(url, options) {
  const deadline = AbortSignal.timeout(DEADLINE);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  const answer = await fetch(url, { ...options, signal, credentials: "same-origin" }).catch((error) => {
    throw error instanceof TypeError || error.name === "TimeoutError" ? new Error("the daemon does not answer") : error;
  });
  // Only an error, or an answer without content, may be no JSON: a page that is left while its
  // answer comes in must not take it for an empty one.
  const body = await answer.json().catch((error) => {
    if (answer.ok && answer.status !== 204) throw error;
    return {};
  });
  if (!answer.ok) throw failure(answer.status, body);
  return body;
}

async function inTurn(job) {
  if (running >= MOST_AT_ONCE) await new Promise((resolve) => waiting.push(resolve));
  running += 1;
  try {
    return await job();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
