"""A reader's walk through the reading room in Chromium: from the start to the page as it was served, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bench.web_fuzz import served
from tests.archive.articles.test_identity import PAGE
from tests.support.archives.captures import Keeper
from tests.support.archives.history import page
from tests.support.documents import NOON
from tests.support.readers.browser import opened_context
from tests.support.readers.reading_room import replayed
from tests.support.readers.replay_web_page import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

    from tests.support.processes.cli import Workspace

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is here")

PLACE, BEFORE, AFTER = "달빛마을도서관", "푸틴 대통령", "블라디미르 푸틴 대통령"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two outlets' seeds, and an article that names 푸틴 with two headlines."""
    workspace = replayed(tmp_path_factory.mktemp("walk"))
    Keeper(workspace.folder).read(
        "etoday",
        *(
            page(day, PAGE["etoday"].replace(PLACE.encode(), name.encode()))
            for day, name in enumerate((BEFORE, AFTER))
        ),
    )
    return workspace


@pytest.fixture(scope="module")
def room(archive: Workspace) -> Iterator[str]:
    """The address of a reading room, a process of its own."""
    with served(archive, archive.folder / "log") as ports:
        yield f"http://127.0.0.1:{ports.room}"


class Watched:
    """A browser's context with one page, and what it asked for and complained about."""

    def __init__(self, context: BrowserContext) -> None:
        self.errors: list[str] = []
        self.hosts: set[str | None] = set()
        context.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        context.on("console", self._note)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self.page: Page = context.new_page()

    def _note(self, said: ConsoleMessage) -> None:
        """Note an error, but not that the player's archive lacks a picture of the page."""
        address = said.location["url"]
        if said.type == "error" and "/player/replay/w/" not in address:
            self.errors.append(f"{said.text} {address}")

    def fits(self) -> bool:
        """Whether nothing of the page, once all of it is there, is wider than the window."""
        self.page.wait_for_load_state()
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        return wide


def to_the_capture(watched: Watched, room: str) -> None:
    """Walk from the start to an article, its history, and its first capture."""
    page = watched.page
    page.goto(room)
    assert watched.fits()
    page.get_by_role("searchbox").fill("푸틴")
    page.get_by_role("button", name="검색").click()
    expect(page.locator(".entry")).to_have_count(3)
    # to a week, by the form
    page.get_by_label("시작일").fill("2018-02-26")
    page.get_by_label("종료일").fill("2018-03-04")
    page.get_by_role("button", name="검색").click()
    expect(page.locator(".entry")).to_have_count(1)
    assert watched.fits()
    page.locator(".entry .headline").click()
    expect(page.locator("h1")).to_contain_text(AFTER)
    assert watched.fits()
    page.get_by_role("link", name="변경 이력").first.click()
    expect(page.locator("ins, .ins").first).not_to_be_empty()
    assert watched.fits()
    capture = page.locator("li", has_text=f"{NOON:%Y-%m-%d}")
    capture.get_by_role("link", name="당시 화면 보기").first.click()
    expect(page.frame_locator("iframe").locator("h1")).to_contain_text(BEFORE)
    assert watched.fits()


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_a_reader_walks_to_a_page_as_it_was_and_back(
    browser: Browser, room: str, width: int
) -> None:
    viewport = {"width": width, "height": 900}
    with opened_context(browser, viewport=viewport, locale="ko-KR") as context:
        watched = Watched(context)
        to_the_capture(watched, room)
        page = watched.page
        page.get_by_role("link", name="ReplayWeb.page").click()
        frame = page.frame_locator("replay-web-page iframe").frame_locator("iframe")
        expect(frame.locator("h1")).to_contain_text(BEFORE)
        page.go_back()
        page.get_by_role("link", name="기사", exact=True).click()
        expect(page.locator("h1")).to_contain_text(AFTER)
        page.get_by_role("link", name="사초").click()
        expect(page).to_have_url(f"{room}/")
        assert watched.errors == []
        assert watched.hosts == {"127.0.0.1"}


def test_a_reader_without_script_walks_the_same_way(browser: Browser, room: str) -> None:
    viewport = {"width": 1024, "height": 900}
    with opened_context(
        browser, viewport=viewport, locale="ko-KR", java_script_enabled=False
    ) as context:
        watched = Watched(context)
        watched.fits = lambda: True  # type: ignore[method-assign]  # it is a script that measures
        to_the_capture(watched, room)
        assert watched.errors == []
        assert watched.hosts == {"127.0.0.1"}
