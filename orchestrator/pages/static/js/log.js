// A log that grows stays at its end, unless its reader went up.
const wentUp = new WeakSet();
const toEnd = (log) => (log.scrollTop = log.scrollHeight);

document.addEventListener(
  "scroll",
  ({ target }) => {
    if (!target.matches?.(".log")) return;
    if (target.scrollHeight - target.scrollTop - target.clientHeight < 24) wentUp.delete(target);
    else wentUp.add(target);
  },
  true,
);
document.addEventListener("htmx:sse:after:message", ({ target }) => {
  if (target.matches(".log") && !wentUp.has(target)) toEnd(target);
});
document.querySelectorAll(".log").forEach(toEnd);
