"""Every kind of page in Chromium: what axe-core finds, and whether it fits and asks nobody else."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crawler.jobs.config import parse_jobs
from tests.support.cli import ROOT
from tests.support.history import OWN_ID
from tests.support.reading_room import opened_room
from tests.support.replay_web_page import chromium, started_browser
from tests.support.run_history import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from httpx import Client
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.support.cli import Workspace

#: Where `.ci/run` unpacks the npm package axe-core.
AXE = Path(ROOT / ".venv/share/axe-core/axe.min.js")
#: Milliseconds for what takes a second on an idle machine.
_PATIENCE = 120_000
#: The violations that keep somebody from reading.
_GRAVE = ("moderate", "serious", "critical")
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

pytestmark = [
    pytest.mark.skipif(not chromium(), reason="Chromium is not installed"),
    pytest.mark.skipif(not AXE.is_file(), reason="the npm package axe-core is not unpacked"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


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


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds that keeps somebody from reading."""
    # By the browser's protocol: the page's own policy lets no script in.
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        {
            "rule": one["id"],
            "nodes": [(node["target"], node["failureSummary"]) for node in one["nodes"][:3]],
        }
        for one in found["violations"]
        if one["impact"] in _GRAVE
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_can_be_read_by_everybody(
    browser: Browser, rooms: Mapping[str, Client], width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="ko-KR",
    )
    context.set_default_timeout(_PATIENCE)
    wrong: dict[str, Any] = {}
    last = rooms["busy"].get("/runs.json").json()["runs"][0]["run"]
    for name, paths in PAGES.items():
        own = origin(rooms[name])
        for path, status in paths.items():
            address = own + path.replace(_LAST, last)
            page, errors, asked = opened(context, address, status)
            if status == 404:  # which a browser calls an error
                errors = [said for said in errors if "status of 404" not in said]
            found = {
                "violations": violations(page),
                "errors": errors,
                "elsewhere": [url for url in asked if not url.startswith(f"{own}/")],
                "overflow": page.evaluate("document.documentElement.scrollWidth > innerWidth"),
            }
            if any(found.values()):
                wrong[f"{name} {path}"] = found
            page.close()
    context.close()
    assert not wrong


def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<!doctype html><title>t</title><img src='data:,'><a href='/'></a>")
    found = {one["rule"] for one in violations(page)}
    page.close()
    assert {"image-alt", "link-name", "html-has-lang"} <= found


def test_two_revisions_are_compared_by_keyboard(
    browser: Browser, rooms: Mapping[str, Client]
) -> None:
    context = browser.new_context(locale="ko-KR")
    context.set_default_timeout(_PATIENCE)
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
    assert page.locator(".changed del").first.text_content() == "[삭제: [속보] ]"
    assert not errors
    context.close()
