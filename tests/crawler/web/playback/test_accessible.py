"""The pages around captures in Chromium: what axe-core finds, and whether they fit a telephone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.processes.cli import ROOT, Workspace
from tests.support.readers.browser import chromium, opened_context
from tests.support.readers.playback import ETODAY, HEADLINE_URL, archive_of_every_kind
from tests.support.readers.playback_site import playback
from tests.support.readers.replay_web_page import PLAYER

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Where `.ci/run` unpacks the npm package axe-core.
AXE = Path(ROOT / ".venv/share/axe-core/axe.min.js")
STAMP = "20240507010000"
MOBILE = HEADLINE_URL.replace("www.", "m.")
PAGES = (f"web/{STAMP}/{HEADLINE_URL}", f"web/{STAMP}/{MOBILE}", f"web/*/{ETODAY}9000000003", "x")

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.skipif(not chromium(), reason="Chromium is not installed"),
    pytest.mark.skipif(not AXE.is_file(), reason="the npm package axe-core is not unpacked"),
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("kinds"))
    archive_of_every_kind(workspace)
    return workspace


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_reading(
    workspace: Workspace, browser: Browser, scheme: str
) -> None:
    with (
        opened_context(
            browser,
            viewport={"width": 360, "height": 640},
            color_scheme=scheme,
            locale="ko-KR",
        ) as context,
        playback(workspace, PLAYER if PLAYER.is_dir() else None) as server,
    ):
        page = context.new_page()
        for path in PAGES:
            page.goto(f"{server}/{path}")
            # By the browser's protocol: the page's own policy lets no script in.
            page.evaluate(AXE.read_text("utf-8"))
            found = page.evaluate(
                "axe.run(document, {iframes: false, resultTypes: ['violations']})"
            )
            wrong = [
                (one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]
            ]
            assert wrong == [], path
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, path
