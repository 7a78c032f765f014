// The link that `farm up` prints carries the token behind the #, which no browser sends to a server.
if (location.hash.startsWith("#farm_")) {
  document.getElementById("token").value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  document.querySelector("form[action='/sign-in']").submit();
}
