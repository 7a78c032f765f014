// What every page has: the switch between dark and light, and a word on whether its live parts are live.

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = document.getElementById("theme");
const link = document.getElementById("link");

const current = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
const other = () => (current() === "dark" ? "light" : "dark");
const offer = () => (theme.textContent = other() === "dark" ? "Dark" : "Light");

theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = other();
  localStorage.setItem("farm-theme", current());
  offer();
});
dark.addEventListener("change", offer);
theme.hidden = false;
offer();

const tell = (word, state) => {
  link.textContent = word;
  link.dataset.state = state;
  link.hidden = false;
};
const signIn = () => location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);

document.addEventListener("htmx:sse:after:connection", () => tell("live", "live"));
document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) signIn();
  else tell("no connection", "lost");
});
// Sent by the coordinator where the token of this session is no longer valid.
document.addEventListener("signed-out", signIn);
document.addEventListener("trouble", () => tell("waiting for the coordinator", "lost"));
