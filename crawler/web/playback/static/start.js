// Puts ReplayWeb.page into its page once its service worker is active: left to itself it reloads
// until the worker is, and may show what the server has at that address instead.
"use strict";

function show(place) {
  const player = document.createElement("replay-web-page");
  for (const name of ["source", "url", "ts"]) player.setAttribute(name, place.dataset[name]);
  player.setAttribute("embed", "replayonly");
  player.setAttribute("replayBase", "/player/replay/");
  place.replaceChildren(player);
}

async function start() {
  const place = document.getElementById("player");
  const scope = { scope: "/player/replay/" };
  const found = await navigator.serviceWorker.register("/player/replay/sw.js?serveIndex=1", scope);
  const worker = found.installing || found.waiting || found.active;
  const look = () => {
    if (worker.state !== "activated") return;
    worker.removeEventListener("statechange", look);
    show(place);
  };
  worker.addEventListener("statechange", look);
  look();
}

start().catch((error) => {
  document.getElementById("player").textContent = String(error);
});
