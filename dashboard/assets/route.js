// Where we are, in the part of the address after "#": "#/server/ID?range=1h".

/** The parts of `hash`: its path, and its query as URLSearchParams. */
export function splitHash(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  return { path: path || "/", query: new URLSearchParams(query) };
}

/** The first of `routes` whose path is that of `hash`, as {route, params}; null for none. */
export function findRoute(routes, hash) {
  const parts = splitHash(hash).path.split("/");
  for (const route of routes) {
    const params = matched(route.path.split("/"), parts);
    if (params) return { route, params };
  }
  return null;
}

function matched(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const params = {};
  for (const [index, piece] of pattern.entries()) {
    if (piece.startsWith(":") && parts[index]) params[piece.slice(1)] = decoded(parts[index]);
    else if (piece !== parts[index]) return null;
  }
  return params;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of `path` with the values of `query` that say something. */
export function linkTo(path, query = {}) {
  const known = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(known).toString();
  return `#${path}${text ? `?${text}` : ""}`;
}

const segment = (text) => encodeURIComponent(String(text).toWellFormed());

/** The address of a server's page. */
export const serverLink = (id) => `#/server/${segment(id)}`;

/** The address of a sensor's page. */
export const sensorLink = (name) => `#/sensors/${segment(name)}`;

/** The address of an incident's page: `id` is that of any of its events. */
export const incidentLink = (id) => `#/incidents/${Number(id)}`;

/** The address of the silences with the form open and filled in: `server`, `sensor`, `labels`
 * (as one writes them there) and `reason`, all optional. */
export const newSilenceLink = (about = {}) => linkTo("/silences", { new: "yes", ...about });
