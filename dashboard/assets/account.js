// Who is signed in, what they may do, and the way out.

import { get, remove } from "./api.js";
import { data, el, fill, setAttribute, setText } from "./dom.js";
import { instant, time } from "./format.js";
import { icon } from "./icons.js";

const ROLES = new Map([
  ["viewer", "may look at everything"],
  ["operator", "may look, sweep and deal with alarms"],
  ["admin", "may do everything"],
]);

/** A dialog about the account, which `button` is named after; call the answer to open it. */
export function mountAccount(button) {
  get("/me").then((me) => {
    setAttribute(button, "title", `Account: ${described(me)}`);
    setAttribute(button, "aria-label", `Account: ${described(me)}`);
  }, () => {});
  const about = el("div", { class: "account-about" });
  const note = el("p", { class: "note", role: "status" });
  const out = el("button", { type: "button", class: "button", click: signOut }, "Sign out");
  const close = el("button", { type: "button", class: "icon-button", "aria-label": "Close", click: () => dialog.close() }, icon("close"));
  const dialog = el(
    "dialog",
    { class: "dialog account", "aria-labelledby": "account-title" },
    el("div", { class: "dialog-head" }, el("h2", { id: "account-title" }, "Account"), close),
    about,
    el("div", { class: "account-foot" }, out, note),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);

  async function signOut() {
    out.disabled = true;
    try {
      await remove("/session");
      location.replace("/login");
    } catch (error) {
      setText(note, `Still signed in: ${error.message}`);
    } finally {
      out.disabled = false;
    }
  }

  return async () => {
    fill(about);
    setText(note, "");
    if (!dialog.open) dialog.showModal();
    try {
      fill(about, lines(await get("/me")));
    } catch (error) {
      setText(note, `The daemon doesn't say who is signed in: ${error.message}`);
    }
  };
}

const described = ({ kind, name, role }) => (kind === "user" ? `${name}, ${role}` : `${role}, by a link`);

function lines({ kind, name, role, expires }) {
  const may = ROLES.get(role);
  return [
    el("p", {}, "Signed in as ", el("strong", {}, data(described({ kind, name, role })))),
    may ? el("p", { class: "account-may" }, `As ${role} you ${may}.`) : [],
    expires ? el("p", { class: "account-may" }, "Until ", el("time", { title: instant(expires), datetime: new Date(expires * 1000).toISOString() }, time(expires))) : [],
  ].flat();
}
