"""ReplayWeb.page itself, in headless Chromium: a folder that shows a package, served on loopback."""

from __future__ import annotations

import io
import os
import re
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.support.readers.browser import chromium, opened_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page

#: Where `.ci/run` unpacks the npm package; another folder is named by this variable.
PLAYER = Path(
    os.environ.get("REPLAYWEBPAGE", Path(__file__).parents[3] / ".venv/share/replaywebpage")
)
#: Each page is shown by a player of its own, which is put into the page once its service worker is
#: active: left to itself it reloads three times, 0.1 s apart, and on a busy machine then shows what
#: the server has at that address.
_PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script src="ui.js"></script>
<script>
async function start() {
  const address = "replay/sw.js?serveIndex=1";
  const place = await navigator.serviceWorker.register(address, {scope: "replay/"});
  const worker = place.installing || place.waiting || place.active;
  const look = () => { window.isActive = worker.state === "activated"; };
  worker.addEventListener("statechange", look);
  look();
}
function show(asked) {
  const player = document.createElement("replay-web-page");
  for (const [name, value] of Object.entries(asked)) player.setAttribute(name, value);
  document.body.replaceChildren(player);
}
start();
</script><body></body>
"""


def missing() -> str:
    """Return what this test wants and is not here, ``""`` if all is."""
    if not (PLAYER / "ui.js").is_file():
        return "the npm package replaywebpage is not unpacked"
    return "" if chromium() else "Chromium is not installed"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader sees of one page: its text, and what the browser's console says is wrong.

    ``pictures`` is how many of them are there.
    """

    text: str
    charset: str
    pictures: int
    errors: list[str] = field(default_factory=list)


class _Files(SimpleHTTPRequestHandler):
    """Serves a folder, parts of files too, as the player asks for them."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def send_head(self) -> IO[bytes] | None:  # type: ignore[override]
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if asked is None or not path.is_file():
            return super().send_head()  # type: ignore[return-value]
        data = path.read_bytes()
        start, stop = _part(asked[1], asked[2], len(data))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        return io.BytesIO(data[start:stop])


class _Server(ThreadingHTTPServer):
    #: A browser's connections at once; one that finds no place is tried again seconds later.
    request_queue_size = 64


def _part(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1 if last else size, size)


@contextmanager
def player(browser: Browser, package: Path, folder: Path) -> Iterator[Player]:
    """Yield the player with a package opened in it; ``folder`` is where it is served from."""
    (folder / "replay").mkdir(parents=True)
    for place in (folder, folder / "replay"):
        shutil.copy(PLAYER / "ui.js", place)
    shutil.copy(PLAYER / "sw.js", folder / "replay")
    shutil.copy(package, folder / "package.wacz")
    (folder / "index.html").write_text(_PAGE, "utf-8")
    server = _Server(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with opened_context(browser) as context:
            opened = Player(context.new_page())
            opened.open(f"http://127.0.0.1:{server.server_port}/")
            yield opened
    finally:
        server.shutdown()
        server.server_close()


class Player:
    """An opened player; `show` asks it for one page after the other."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._errors: list[str] = []
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.on("console", self._add_error)

    def open(self, address: str) -> None:
        """Go to the page of the player, and wait for its service worker."""
        self._page.goto(address, wait_until="commit")
        self._page.wait_for_function("window.isActive")

    def show(self, url: str, moment: str, words: str) -> Shown:
        """Return what is shown of a page when the words stand in it; ``moment`` is 14 digits.

        :raises playwright.sync_api.TimeoutError: they do not appear.
        """
        self._errors.clear()
        asked = {"source": "/package.wacz", "embed": "replayonly", "url": url, "ts": moment}
        self._page.evaluate("asked => show(asked)", asked)
        frame = self._page.frame_locator("replay-web-page iframe").frame_locator("iframe")
        found = frame.get_by_text(words).first
        found.wait_for(state="attached")
        shown = found.element_handle().owner_frame()
        assert shown is not None, "what is found is in a frame"
        shown.wait_for_load_state()  # the player gives a stream that was cut off to the next page
        return Shown(
            shown.evaluate("document.body.innerText"),
            shown.evaluate("document.characterSet"),
            shown.evaluate("[...document.images].filter(one => one.naturalWidth > 0).length"),
            [*self._errors],
        )

    def _add_error(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self._errors.append(f"{said.text} {said.location['url']}")
