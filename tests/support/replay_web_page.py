"""ReplayWeb.page itself, in headless Chromium: a folder that shows a package, served on loopback."""

from __future__ import annotations

import io
import json
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Frame

#: Where `.ci/run` unpacks the npm package; another folder is named by this variable.
PLAYER = Path(
    os.environ.get("REPLAYWEBPAGE", Path(__file__).parents[2] / ".venv/share/replaywebpage")
)
#: Without the network that a desktop's browser wants at every start.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script src="ui.js"></script>
<replay-web-page source="/package.wacz" url={url} ts={moment} embed="replayonly"></replay-web-page>
"""
_PATIENCE = 30_000


def chromium() -> str:
    """Return the path of an installed Chromium, ``""`` without one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""


def missing() -> str:
    """Return what this test wants and is not here, ``""`` if all is."""
    if not (PLAYER / "ui.js").is_file():
        return "the npm package replaywebpage is not unpacked"
    return "" if chromium() else "Chromium is not installed"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader sees of one page: its text, and what the browser's console says is wrong."""

    text: str
    charset: str
    errors: list[str] = field(default_factory=list)


class _Files(SimpleHTTPRequestHandler):
    """Serves a folder, parts of files too, as the player asks for them."""

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


def _part(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1 if last else size, size)


@contextmanager
def player(package: Path, folder: Path) -> Iterator[Player]:
    """Yield the player with a package opened in it; ``folder`` is where it is served from."""
    from playwright.sync_api import sync_playwright

    (folder / "replay").mkdir(parents=True)
    for place in (folder, folder / "replay"):
        shutil.copy(PLAYER / "ui.js", place)
    shutil.copy(PLAYER / "sw.js", folder / "replay")
    shutil.copy(package, folder / "package.wacz")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=chromium(), args=list(_FLAGS))
            address = f"http://127.0.0.1:{server.server_port}"
            yield Player(browser.new_context(), folder, address)
            browser.close()
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Player:
    """An opened player; `show` asks it for one page."""

    context: BrowserContext
    folder: Path
    address: str

    def show(self, url: str, moment: str, words: str) -> Shown:
        """Return what is shown of a page when the words stand in it; ``moment`` is 14 digits.

        :raises playwright.sync_api.TimeoutError: they do not appear.
        """
        text = _PAGE.format(url=json.dumps(url), moment=json.dumps(moment))
        (self.folder / "index.html").write_text(text, "utf-8")
        page = self.context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                errors.append(f"{said.text} {said.location['url']}")
                if said.type == "error"
                else None
            ),
        )
        page.goto(f"{self.address}/?{moment}")
        frame = page.frame_locator("replay-web-page iframe").frame_locator("iframe")
        frame.get_by_text(words).first.wait_for(state="attached", timeout=_PATIENCE)
        shown: Frame = next(one for one in page.frames if "mp_/" in one.url)
        shown.wait_for_load_state()  # the player gives a stream that was cut off to the next page
        found = Shown(
            shown.evaluate("document.body.innerText"),
            shown.evaluate("document.characterSet"),
            errors,
        )
        page.close()
        return found
