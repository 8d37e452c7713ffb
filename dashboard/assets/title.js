// What the browser's tab says: how many servers are alarmed and not silenced, and which page this is.

const EVERY = 500;

/** Keep the tab's title. The answer is called with the page's name. */
export function mountTitle(store) {
  let page = "";
  let due = 0;

  function show() {
    due = 0;
    const alarmed = store.counts.get("alarming") ?? 0;
    const parts = [alarmed ? `(${alarmed}) alarmed` : "", page, "Outkept"];
    document.title = parts.filter(Boolean).join(" – ");
  }

  store.on("shapes", () => {
    due ||= setTimeout(show, EVERY);
  });
  return (text) => {
    page = text;
    show();
  };
}
