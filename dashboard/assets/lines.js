// Answers that go on: lines of JSON, each as it comes.

import { failure } from "./api.js";

// The daemon says something at least every 15 s; several times missed is silence.
const SILENCE = 50000;
const LONGEST = 4 << 20;

/** Call `take` with each line of GET `path` below /api/v1, until the answer ends. Throws like
 * `get`, and where nothing comes for long. */
export async function follow(path, take, signal) {
  const silent = new AbortController();
  let timer = 0;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(new Error("nothing comes any more")), SILENCE);
  };
  heard();
  try {
    const ends = AbortSignal.any([signal, silent.signal]);
    const answer = await fetch(`/api/v1${path}`, { signal: ends, credentials: "same-origin" });
    if (!answer.ok) throw failure(answer.status, await answer.json().catch(() => ({})));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      heard();
      const pieces = (rest + piece.value).split("\n");
      rest = pieces.pop();
      if (rest.length > LONGEST) throw new Error("a line is too long");
      for (const line of pieces) if (line) take(JSON.parse(line));
    }
  } finally {
    clearTimeout(timer);
  }
}
