// Before the first paint: what this browser chose, or else what the system says.
(() => {
  const chosen = localStorage.getItem("farm-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
