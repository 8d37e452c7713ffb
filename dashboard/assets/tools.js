// The header's buttons: spoken alarms, theme, wall, console, help, account.

import { el, fill, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";
import { canSpeak, isSpeaking, onSpeaking, setSpeaking } from "./speech.js";
import { onTheme, setTheme, theme, THEMES } from "./theme.js";

/** The buttons into `place`; `open` has what they open: {help, wall, console,
 * account}, the last of which is given its button and answers with what opens it. */
export function mountTools(place, open) {
  const account = tool("account", "Account", () => openAccount());
  const openAccount = open.account(account);
  fill(place, newSpeechButton(), newThemeButton(), tool("wall", "Wall mode (w)", open.wall), tool("console", "Console (`)", open.console), tool("help", "Keyboard help (?)", open.help), account);
}

function tool(picture, title, click) {
  return el("button", { type: "button", class: `icon-button tool-${picture}`, title, "aria-label": title, click }, icon(picture));
}

function newSpeechButton() {
  const node = tool("muted", "", () => setSpeaking(!isSpeaking()));
  node.id = "speech";
  function show() {
    const on = isSpeaking();
    fill(node, icon(on ? "speaking" : "muted"));
    setAttribute(node, "aria-label", "Speak alarms");
    setAttribute(node, "aria-pressed", String(on));
    setAttribute(node, "title", on ? "Alarms are spoken: mute (m)" : "Alarms are muted: speak them (m)");
  }
  node.disabled = !canSpeak();
  onSpeaking(show);
  show();
  return node;
}

function newThemeButton() {
  const pictures = { system: "system", light: "light", dark: "dark" };
  const words = { system: "as the system's", light: "light", dark: "dark" };
  const text = el("span", { class: "unseen" });
  const node = el("button", { type: "button", class: "icon-button", id: "theme", click: nextTheme });
  function show() {
    fill(node, icon(pictures[theme()]), text);
    setText(text, `Theme: ${words[theme()]}`);
    setAttribute(node, "title", `Theme: ${words[theme()]} (t)`);
  }
  onTheme(show);
  show();
  return node;
}

/** The theme after this one, round and round. */
export function nextTheme() {
  setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
}
