// Dark or light: the system's setting unless a person chose otherwise. theme-first.js applies it.

import { kept } from "./kept.js";

export const THEMES = ["system", "light", "dark"];
const chosen = kept("theme", "system", (found) => THEMES.includes(found));

export const theme = () => chosen.get();

export function setTheme(name) {
  chosen.set(name);
}

/** Call `listener` after each choice, this tab's or another's. */
export const onTheme = (listener) => chosen.on(listener);

chosen.on(() => document.dispatchEvent(new Event("themechosen")));
