"""ReplayWeb.page opens a capture from playback's own origin, and reaches no other host."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.processes.cli import Workspace
from tests.support.readers.browser import opened_context
from tests.support.readers.playback import ETODAY, HEADLINE, HEADLINE_URL, archive_of_every_kind
from tests.support.readers.playback_site import capture, keep, playback
from tests.support.readers.replay_web_page import PLAYER, missing
from tests.support.sites.web_servers import ask

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

PlaywrightError = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed"
).Error
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is here")

LIVE = "http://live.example"


#: What a page may try once it is shown: each in its own realm, and in one that no player prepared.
HOSTILE = """async () => {
  const plain = document.createElement("iframe");
  document.body.append(plain);
  for (const far of [window, plain.contentWindow]) {
    for (const step of [
      () => new far.WebSocket("ws://live.example/socket"),
      () => far.open("http://live.example/opened"),
      () => far.navigator.sendBeacon("http://live.example/beacon"),
      () => { far.top.location = "http://live.example/top"; },
      () => { far.parent.parent.location = "http://live.example/parent"; },
    ]) {
      try { step(); } catch (error) { console.log(error); }
    }
  }
  await fetch("/static/playback.css").catch(() => 0);
}"""


def opened(
    browser: Browser, server: str, number: int, words: str, then: str = ""
) -> tuple[str, list[str]]:
    """What the player shows of a capture when the words stand in it, and all that was asked for.

    ``then`` is a script that the page runs at last.
    """
    asked: list[str] = []
    with opened_context(browser) as context:
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.goto(f"{server}/player/{number}")
        frame = page.frame_locator("replay-web-page iframe").frame_locator("iframe")
        found = frame.get_by_text(words).first
        found.wait_for(state="attached")
        shown = found.element_handle().owner_frame()
        assert shown is not None, "what is found is in a frame"
        shown.wait_for_load_state()
        text = shown.evaluate("document.body.innerText")
        if then:
            with suppress(PlaywrightError):  # the frame was led on, within the archive
                shown.evaluate(then)
        assert page.url == f"{server}/player/{number}"
    return text, asked


def elsewhere(asked: list[str], server: str) -> list[str]:
    return [url for url in asked if not url.startswith((server, "data:", "blob:", "about:"))]


def test_it_shows_the_headline_of_a_capture(tmp_path: Path, browser: Browser) -> None:
    workspace = Workspace(tmp_path)
    archive_of_every_kind(workspace)
    numbers = {row["url"]: row["id"] for row in reversed(workspace.rows("captures"))}
    with playback(workspace, PLAYER) as server:
        text, asked = opened(browser, server, numbers[HEADLINE_URL], HEADLINE)
        assert HEADLINE in text
        assert elsewhere(asked, server) == []
        again = max(row["id"] for row in workspace.rows("captures") if row["status"] == 200)
        text, _ = opened(browser, server, again, "달빛마을도서관")
        assert "달빛마을도서관" in text, "a revisit shows what it repeats"


def test_scripts_of_the_page_run_there_and_reach_no_other_host(
    tmp_path: Path, browser: Browser
) -> None:
    workspace = Workspace(tmp_path)
    page = f"""<!doctype html><title>t</title><p id="p">적힌 글</p><script>
        document.getElementById("p").textContent = "스크립트가 쓴 글";
        fetch("{LIVE}/fetched").catch(() => 0); new Image().src = "{LIVE}/beacon";
        const made = document.createElement("script"); made.src = "{LIVE}/script.js";
        document.head.append(made);
        const plain = document.createElement("iframe"); document.body.append(plain);
        const image = new plain.contentWindow.Image(); image.src = "{LIVE}/by-a-frame";
        </script><img src="{LIVE}/picture.png">"""
    keep(workspace, [capture(f"{ETODAY}1234567", page)])
    with playback(workspace, PLAYER) as server:
        text, asked = opened(browser, server, 1, "스크립트가 쓴 글", HOSTILE)
        assert "스크립트가 쓴 글" in text
        assert elsewhere(asked, server) == []
        assert any("/player/replay/" in url and LIVE in url for url in asked), "it did ask"


def test_without_it_a_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    archive_of_every_kind(workspace)
    with playback(workspace) as server:
        page = ask(server, f"/web/20240507010000/{HEADLINE_URL}")
        assert "/player/" not in page.text
        assert "python3 run.py player" in page.text
        answer = ask(server, "/player/1")
        assert (answer.status, "python3 run.py player" in answer.text) == (404, True)
        assert ask(server, "/player/replay/sw.js").status == 404


def test_only_its_own_files_are_served(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    archive_of_every_kind(workspace)
    with playback(workspace, PLAYER) as server:
        worker = ask(server, "/player/replay/sw.js?serveIndex=1")
        assert worker.status == 200
        assert worker.get("content-type").startswith("text/javascript")
        assert "connect-src 'self'" in worker.get("content-security-policy")
        for path in ("package.json", "../../../etc/passwd", "replay/%2e%2e/package.json", "sw.js"):
            assert ask(server, f"/player/{path}").status == 404, path
