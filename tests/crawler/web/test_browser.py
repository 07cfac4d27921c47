"""Every kind of page in Chromium: what axe-core finds, and whether it fits and asks nobody else."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crawler.jobs.config import parse_jobs
from tests.support.archives.history import OWN_ID
from tests.support.archives.run_history import NOW
from tests.support.processes.cli import ROOT
from tests.support.readers.browser import chromium, opened_context
from tests.support.readers.reading_room import opened_room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from httpx import Client
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.support.processes.cli import Workspace

#: Where `.ci/run` unpacks the npm package axe-core.
AXE = Path(ROOT / ".venv/share/axe-core/axe.min.js")
#: The violations that keep somebody from reading.
_GRAVE = ("moderate", "serious", "critical")
#: A telephone's width, and a desk's.
WIDTHS = (390, 1440)
HISTORY = f"/articles/etoday/{OWN_ID}/history"
#: The pages by the archive that they are of, each with its status; `_LAST` is the id of a run.
_LAST = "{last}"
PAGES = {
    "seeds": {"/search?q=푸틴": 200, "/articles/newspim/20230915999901": 200, "/nothing": 404},
    "eventful": {
        f"/articles/etoday/{OWN_ID}": 200,
        HISTORY: 200,
        f"{HISTORY}?view=inline&from=1&to=4": 200,
    },
    "busy": {
        "/": 200,
        "/outlets": 200,
        "/outlets/etoday": 200,
        "/runs": 200,
        f"/runs/{_LAST}": 200,
    },
}
JOBS = parse_jobs('[[job]]\noutlet = "etoday"\n')

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = [
    pytest.mark.skipif(not chromium(), reason="Chromium is not installed"),
    pytest.mark.skipif(not AXE.is_file(), reason="the npm package axe-core is not unpacked"),
]


@pytest.fixture(scope="module")
def rooms(seeds: Workspace, eventful: Workspace, busy: Workspace) -> Iterator[Mapping[str, Client]]:
    """The reading rooms."""
    with ExitStack() as stack:
        opened = {
            "seeds": opened_room(seeds),
            "eventful": opened_room(eventful, playback="http://127.0.0.1:9"),
            "busy": opened_room(busy, clock=lambda: NOW, jobs=lambda: (JOBS, ["It is wrong."])),
        }
        yield {name: stack.enter_context(room) for name, room in opened.items()}


def origin(room: Client) -> str:
    return str(room.base_url).rstrip("/")


def opened(
    context: BrowserContext, address: str, status: int = 200
) -> tuple[Page, list[str], list[str]]:
    """A page, the errors of its console, and what it asked for."""
    page = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    answered = page.goto(address, wait_until="load")
    assert answered is not None
    assert answered.status == status, address
    return page, errors, asked


def violations(page: Page, *rules: str) -> list[dict[str, Any]]:
    """What axe-core finds that keeps somebody from reading; by all its rules if none is named."""
    asked: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        asked["runOnly"] = list(rules)
    found = page.evaluate("asked => axe.run(document, asked)", asked)
    return [
        {
            "rule": one["id"],
            "nodes": [(node["target"], node["failureSummary"]) for node in one["nodes"][:3]],
        }
        for one in found["violations"]
        if one["impact"] in _GRAVE
    ]


def add_axe(page: Page) -> None:
    """Load axe-core by the browser's protocol: the page's own policy lets no script in."""
    page.evaluate(AXE.read_text("utf-8"))


def flaws(page: Page, width: int) -> dict[str, Any]:
    """What is wrong with a page of that width, in light and in dark colours."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="light")
    found = {
        "violations": violations(page),
        "overflow": page.evaluate("document.documentElement.scrollWidth > innerWidth"),
    }
    # The one rule that looks at colours; light colours are set again for the next width.
    page.emulate_media(color_scheme="dark")
    return {**found, "in the dark": violations(page, "color-contrast")}


@pytest.mark.parametrize("archive", PAGES)
def test_every_page_can_be_read_by_everybody(
    browser: Browser, rooms: Mapping[str, Client], archive: str
) -> None:
    # A page is loaded once, and axe-core into it, which takes longer than its rules.
    viewport = {"width": WIDTHS[0], "height": 900}
    wrong: dict[str, Any] = {}
    own = origin(rooms[archive])
    last = rooms["busy"].get("/runs.json").json()["runs"][0]["run"]
    with opened_context(browser, viewport=viewport, locale="ko-KR") as context:
        for path, status in PAGES[archive].items():
            page, errors, asked = opened(context, own + path.replace(_LAST, last), status)
            add_axe(page)
            found = {f"{width} wide": flaws(page, width) for width in WIDTHS}
            found["all"] = {
                # A browser calls it an error that a page is not found.
                "errors": [said for said in errors if status != 404 or "status of 404" not in said],
                "elsewhere": [url for url in asked if not url.startswith(f"{own}/")],
            }
            if any(flaw for each in found.values() for flaw in each.values()):
                wrong[path] = found
            page.close()
    assert not wrong


def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    with opened_context(browser) as context:
        page = context.new_page()
        page.set_content(
            "<!doctype html><title>t</title><img src='data:,'><a href='/'></a><p>text<style>"
            "@media (prefers-color-scheme: dark) { p { color: #222; background: #000 } }</style>"
        )
        add_axe(page)
        found = {one["rule"] for one in violations(page)}
        assert {"image-alt", "link-name", "html-has-lang"} <= found
        assert "color-contrast" not in found
        assert flaws(page, 390)["in the dark"][0]["rule"] == "color-contrast"
        page.set_content("<p style='width: 400px'>text")
        add_axe(page)
        assert flaws(page, 390)["overflow"]
        assert not flaws(page, 1440)["overflow"]


def test_two_revisions_are_compared_by_keyboard(
    browser: Browser, rooms: Mapping[str, Client]
) -> None:
    with opened_context(browser, locale="ko-KR") as context:
        page, errors, _ = opened(context, origin(rooms["eventful"]) + HISTORY)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.focus("#from")
        page.keyboard.press("Control+a")
        page.keyboard.type("1")
        page.keyboard.press("Tab")
        page.keyboard.press("Control+a")
        page.keyboard.type("2")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert "from=1&to=2" in page.url
        expect(page.locator(".changed del").first).to_have_text("[삭제: [속보] ]")
        assert not errors
