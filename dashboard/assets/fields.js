// Fields of forms, with their labels and what is wrong with them.

import { el } from "./dom.js";

/** A field to type into; `attributes` as for `el`. */
export const field = (id, attributes = {}) => el("input", { type: "text", class: "field", id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", ...attributes });

/** A field under its label, with a hint below it. */
export function labelled(text, input, hint = "") {
  const parts = [el("label", { for: input.id }, text), input];
  if (hint) {
    input.setAttribute("aria-describedby", `${input.id}-hint`);
    parts.push(el("span", { class: "sub", id: `${input.id}-hint` }, hint));
  }
  return el("div", { class: "labelled-field" }, parts);
}

/** An error in `input`, which is to get the focus. */
export const wrong = (message, input) => Object.assign(new Error(message), { field: input });

/** A date and time as its field wants it: local, without a zone. */
export function localTime(at) {
  const date = new Date(at * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

/** What such a field says, in UNIX seconds; null while it says nothing. */
export const secondsOf = (input) => (input.value ? new Date(input.value).getTime() / 1000 : null);
