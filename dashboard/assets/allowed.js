// What the person who looks may do.

import { get } from "./api.js";

let asked = null;

/** Whether `scope` (`sweep`, `act`) is allowed. Where the daemon doesn't say, it is tried: the API
 * refuses what may not be. */
export async function isAllowed(scope) {
  asked ??= get("/me").catch(() => {
    asked = null;
    return {};
  });
  const { scopes } = await asked;
  return !Array.isArray(scopes) || scopes.includes(scope) || scopes.includes("admin");
}
