// Who is signed in, and the way out.

import { get, remove } from "./api.js";
import { el, setAttribute } from "./dom.js";
import { icon } from "./icons.js";

/** A button at the end of `place` that says who is signed in, and signs out. */
export function mountAccount(place) {
  const node = el("button", { type: "button", class: "icon-button", id: "sign-out", click: signOut }, icon("leave"));
  name("Sign out");
  place.append(node);
  get("/me").then((me) => name(`Sign out: ${describe(me)}`), () => {});

  function name(text) {
    setAttribute(node, "title", text);
    setAttribute(node, "aria-label", text);
  }

  async function signOut() {
    node.disabled = true;
    try {
      await remove("/session");
      location.replace("/login");
    } catch (error) {
      name(`Not signed out: ${error.message}`);
    } finally {
      node.disabled = false;
    }
  }
}

function describe({ kind, name, role }) {
  return kind === "user" ? `${name}, ${role}` : `${role}, by a link`;
}
