// The console's commands about incidents and silences.

import { get, post } from "./api.js";
import { titleOf } from "./incident-words.js";
import { newSilenceLink } from "./route.js";
import { untilText, weeklyWords, whatWords } from "./silence-words.js";

const MOST_LISTED = 20;

/** For createCommands; `go` shows an address, `close` closes the console. */
export function deskCommands(store, go, close) {
  const offers = () => [...new Set(store.events.map((event) => event.incident).filter(Boolean))].map(String);

  async function incidents() {
    const { items, next } = await get("/incidents", { state: "open", limit: MOST_LISTED });
    if (!items.length) return ["No incident is open."];
    const lines = items.map((one) => `${String(one.id).padEnd(6)} ${one.level.padEnd(8)} ${titleOf(one)}${one.acknowledged ? `, with ${one.acknowledged.by}` : ""}${one.silenced ? ", silenced" : ""}`);
    return next ? [...lines, "and more"] : lines;
  }

  async function acknowledge(text) {
    const [id, comment] = split(text);
    const found = await post(`/incidents/${numberOf(id, "ack")}/acknowledge`, comment ? { comment } : {});
    return [`You have taken on ${found.id}: ${titleOf(found)}.`];
  }

  async function note(text) {
    const [id, said] = split(text);
    if (!said) throw new Error("note takes ID TEXT.");
    const found = await post(`/incidents/${numberOf(id, "note")}/notes`, { text: said });
    return [`Noted with ${found.id}: ${titleOf(found)}.`];
  }

  async function silences() {
    const { items, next } = await get("/silences", { state: "active", limit: MOST_LISTED });
    if (!items.length) return ["Nothing is silenced."];
    const lines = items.map((one) => {
      const what = whatWords(one).map((part) => part.textContent ?? part).join("");
      return `${String(one.id).padEnd(6)} ${what}, ${untilText(one.ends)}${one.weekly ? `, ${weeklyWords(one.weekly)}` : ""}: ${one.reason} (${one.author})`;
    });
    return next ? [...lines, "and more"] : lines;
  }

  // How long and why is asked for in the form.
  function silence(text) {
    const [server, sensor] = split(text);
    go(newSilenceLink({ server, sensor }));
    close();
    return [];
  }

  return [
    { name: "ack", takes: "ID [COMMENT]", does: "take an incident on", scope: "act", needs: true, run: acknowledge, offers },
    { name: "incidents", takes: "", does: "list the open incidents with their ids", run: incidents },
    { name: "note", takes: "ID TEXT", does: "write something to an incident", scope: "act", needs: true, run: note, offers },
    { name: "silence", takes: "[SERVER] [SENSOR]", does: "make a silence", scope: "act", run: silence, offers: () => [...store.servers.values()].map(({ hostname }) => hostname).filter(Boolean) },
    { name: "silences", takes: "", does: "list what is silenced", run: silences },
  ];
}

const split = (text) => /^(\S*)\s*(.*)$/s.exec(text).slice(1);

function numberOf(text, command) {
  if (!/^[1-9][0-9]{0,15}$/.test(text)) throw new Error(`${command} takes the number of an incident: incidents lists them.`);
  return Number(text);
}
