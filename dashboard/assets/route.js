// Where we are, in the part of the address after "#": the fleet with its filter, or a server.

/** What `hash` asks for: {page: "server", id} or {page: "fleet", filter, search}. */
export function parseRoute(hash) {
  const server = /^#\/server\/([^?]+)/.exec(hash);
  if (server) return { page: "server", id: decoded(server[1]) };
  const query = new URLSearchParams(hash.split("?")[1] ?? "");
  return { page: "fleet", filter: query.get("show") ?? "all", search: query.get("q") ?? "" };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a server's page. */
export const serverLink = (id) => `#/server/${encodeURIComponent(id.toWellFormed())}`;

/** The address of the fleet under this filter and search. */
export function fleetLink({ filter, search }) {
  const query = new URLSearchParams();
  if (filter !== "all") query.set("show", filter);
  if (search) query.set("q", search);
  const text = query.toString();
  return text ? `#/?${text}` : "#/";
}
