// Light or dark: as the system says until the reader chooses, which this browser then remembers.
{
  const root = document.documentElement;
  const remembered = (action) => { try { return action(localStorage); } catch { return null; } };
  const chosen = remembered((storage) => storage.getItem("chainrule-theme"));
  if (chosen) root.dataset.theme = chosen;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remembered((storage) => storage.setItem("chainrule-theme", root.dataset.theme));
  });
}
