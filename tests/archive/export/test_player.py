"""Exports opened in ReplayWeb.page itself, and read from the frame in which it shows the page."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.archives.exports import PRINTED, crawled_twice
from tests.support.processes.cli import Workspace
from tests.support.readers.playback import ETODAY, HEADLINE, archive_of_every_kind
from tests.support.readers.replay_web_page import missing, player

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is here")


def listed(package: Path) -> list[dict[str, Any]]:
    """The pages that the package lists."""
    with zipfile.ZipFile(package) as opened:
        lines = opened.read("pages/pages.jsonl").decode().splitlines()[1:]
    return [json.loads(line) for line in lines]


def wrong(package: Path, errors: list[str]) -> list[str]:
    """The browser's errors, without the 404 of addresses that the package does not hold.

    The player itself asks at first for a collection that it has not made yet.
    """
    with zipfile.ZipFile(package) as opened:
        index = gzip.decompress(opened.read("indexes/index.cdx.gz")).decode()
    held = {json.loads(line[line.index("{") :])["url"] for line in index.splitlines()}
    replayed = re.compile(r"status of 404 .*/replay/w/[^ ]*?/\d{14}\w\w_/(.*)")
    asked = [(error, replayed.search(error)) for error in errors if "/replay/w/api/c/" not in error]
    return [error for error, found in asked if found is None or found[1] in held]


def test_the_exported_seeds_open_in_replaywebpage(tmp_path: Path, browser: Browser) -> None:
    workspace, package = Workspace(tmp_path), tmp_path / "seeds.wacz"
    assert workspace.call("replay", *PRINTED).code == 0
    assert workspace.call("export", package).code == 0
    pages = listed(package)
    assert len(pages) >= len(PRINTED)
    with player(browser, package, tmp_path / "site") as opened:
        for page in pages:
            moment = "".join(char for char in page["ts"] if char.isdigit())
            found = opened.show(page["url"], moment, page["title"])
            assert page["title"] in found.text
            assert wrong(package, found.errors) == []


def test_an_exported_crawl_opens_in_replaywebpage(tmp_path: Path, browser: Browser) -> None:
    """Pages with their pictures, reached by a redirect, come again as revisit and as 304."""
    crawls, package = crawled_twice(tmp_path), tmp_path / "crawl.wacz"
    assert crawls.workspace.run("export", package).code == 0
    kinds = {(row["record_type"], row["status"]) for row in crawls.workspace.rows("captures")}
    assert {("response", 302), ("revisit", 200), ("revisit", 304)} <= kinds
    pages = listed(package)
    assert len(pages) == 3
    again = next(
        row for row in crawls.workspace.rows("captures") if row["record_type"] == "revisit"
    )
    pictures: list[int] = []
    with player(browser, package, tmp_path / "site") as opened:
        for page in pages:
            moment = "".join(char for char in page["ts"] if char.isdigit())[:14]
            found = opened.show(page["url"], moment, page["title"])
            assert page["title"] in found.text
            assert wrong(package, found.errors) == []
            pictures.append(found.pictures)
        assert max(pictures) == 1, "not every article has one"
        (title,) = {page["title"] for page in pages if page["url"] == again["url"]}
        moment = "".join(char for char in again["captured_at"][:19] if char.isdigit())
        assert title in opened.show(again["url"], moment, title).text


def test_records_of_every_kind_open_in_replaywebpage(tmp_path: Path, browser: Browser) -> None:
    """Chunked, gzip, EUC-KR stated and not, a saved page, a revisit, a redirect."""
    workspace, package = Workspace(tmp_path), tmp_path / "all.wacz"
    archive_of_every_kind(workspace)
    assert workspace.call("export", package).code == 0
    library = "달빛마을도서관"
    asked = {f"{ETODAY}900000000{number}": library for number in range(2, 7)}
    office = ("20180302999902", "20180302999903")
    asked |= {f"https://www.newspim.com/news/view/{number}": HEADLINE for number in office}
    with player(browser, package, tmp_path / "site") as opened:
        for url, words in asked.items():
            found = opened.show(url, "20240507010000", words)
            assert words in found.text, url
            assert wrong(package, found.errors) == []
        again = opened.show(f"{ETODAY}9000000003", "20240507020000", library)
        assert library in again.text, "the revisit shows what it repeats"
        moved = opened.show(
            "https://m.newspim.com/news/view/20180302999902", "20240507010000", HEADLINE
        )
        assert HEADLINE in moved.text
