"""``outlet check --live``: first contact with a site on loopback, whose outlet file has a selector that is on no page."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from pathlib import Path

#: What the file says in place of the selector that the pages have.
RIGHT, WRONG = 'times=("div.newsinfo span",)', 'times=("div.newsinfos span",)'
BODY = 'body=("div.articleView[itemprop=articleBody]", "div.articleView")'
NO_BODY = 'body=("div.articleViews",)'


def with_broken_selectors(folder: Path) -> Path:
    """Make a checkout like ours, with an outlet's file that names two selectors of no page."""
    copy = folder / "checkout"
    (copy / "crawler").mkdir(parents=True)
    shutil.copy(ROOT / "scrapy.cfg", copy)
    for package in ("archive", "pipelines"):
        (copy / package).symlink_to(ROOT / package)
    for part in (ROOT / "crawler").iterdir():
        if part.name != "outlets":
            (copy / "crawler" / part.name).symlink_to(part)
    shutil.copytree(ROOT / "crawler" / "outlets", copy / "crawler" / "outlets")
    path = copy / "crawler" / "outlets" / "etoday.py"
    text = path.read_text("utf-8")
    assert RIGHT in text
    assert BODY in text
    path.write_text(text.replace(RIGHT, WRONG).replace(BODY, NO_BODY), "utf-8")
    return copy


def test_a_selector_of_no_page_is_named_with_one_that_works(tmp_path: Path) -> None:
    copy = with_broken_selectors(tmp_path)
    report = tmp_path / "report.json"
    with site_of_today("etoday", 8) as site:
        crawls = Crawls.into(tmp_path, site)
        _, _, *options = crawls.command()
        settings = {**crawls.workspace.settings, "PYTHONPATH": str(copy)}
        workspace = Workspace(tmp_path, settings, copy)
        said = workspace.run(
            *("outlet", "check", "etoday", "--live", "--articles", "2", "--save"),
            *("--report", report, *options),
        )
        asked = [entry.path for entry in site.log]
    assert said.code == 1, said
    assert "Traceback" not in said.err
    found = json.loads(report.read_bytes())
    assert found["robots"]["https://www.etoday.co.kr"].startswith("status 200")
    (sitemap,) = [each for each in found["sources"] if each["channel"] == "sitemap"]
    assert (sitemap["entries"], sitemap["articles"], sitemap["fault"]) == (8, 8, None)
    assert sitemap["newest"] is not None
    faults = "\n".join(found["faults"])
    for field, source, instead in (
        ("body", "div.articleViews", "div[itemprop=articleBody]"),
        ("times", "div.newsinfos span", "div.newsinfo"),
    ):
        told = f"desktop-2020.{field}: {source} is on none of 2 pages; {instead} works: "
        assert told in faults
        assert told in said.err
    assert len(found["pages"]) == 2
    # Two articles, and of each list one page; nothing is kept but what was asked for.
    assert len([path for path in asked if path.startswith("/news/view/")]) == 2
    assert not [path for path in asked if "page=2" in path]
    assert not crawls.workspace.archive.exists()
    assert not crawls.workspace.index.exists()
    saved = sorted((copy / "seeds" / "etoday").glob("live-*.html"))
    assert len(saved) == 2
    stated = json.loads(saved[0].with_suffix(".json").read_bytes())
    assert stated["url"] == f"https://www.etoday.co.kr/news/view/{saved[0].stem[5:]}"
    assert stated["captured_at"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--save",), "--report and --save are of check --live"),
        (("--live", "--accept"), "--accept is of pages that are saved"),
        (("--live", "--articles", "0"), "is not a number of at least 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    said = Workspace(tmp_path).call("outlet", "check", "mk", *options)
    assert said.code == 2
    assert sentence in said.err
