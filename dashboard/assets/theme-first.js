// Runs before the first paint, so that no page flashes in the wrong colours. Not a module, as
// those wait for the document.

(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return JSON.parse(localStorage.getItem("outkept.theme"));
    } catch {
      return null;
    }
  };
  const apply = () => {
    const root = document.documentElement;
    const choice = chosen();
    const wanted = choice === "light" || choice === "dark" ? choice : dark.matches ? "dark" : "light";
    if (root.dataset.theme === wanted) return;
    root.dataset.theme = wanted;
    document.dispatchEvent(new Event("themechange"));
  };
  dark.addEventListener("change", apply);
  document.addEventListener("themechosen", apply);
  apply();
})();
