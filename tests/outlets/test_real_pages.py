"""Real pages, which are the publishers' and never committed: each is read as its gold says."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archive.model.article import KST
from archive.model.exchange import Exchange
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named, outlet_of
from pipelines.text import clean
from tests.support.cli import ROOT

if TYPE_CHECKING:
    from archive.model.article import Article

REAL = Path(os.environ.get("REAL_PAGES", ROOT.parent / "shared" / "pages"))
LEAST = 0.995
#: When the pages were at hand; each was saved before.
SAVED = datetime(2026, 11, 1, tzinfo=KST)


def addresses() -> dict[str, str]:
    """Return the address of each page, by its name."""
    if not (REAL / "manifest.tsv").exists():
        return {}
    names, *rows = (
        line.split("\t") for line in (REAL / "manifest.tsv").read_text("utf-8").splitlines()
    )
    facts = [dict(zip(names, row, strict=True)) for row in rows]
    return {Path(each["file"]).stem: each["article_url"] for each in facts}


ADDRESSES = addresses()
PAGES = sorted(name for name, url in ADDRESSES.items() if outlet_of(url))
pytestmark = pytest.mark.skipif(not PAGES, reason=f"the real pages are not here: {REAL}")


@cache
def article(name: str) -> Article:
    """Return what a page is read as."""
    outlet = outlet_of(ADDRESSES[name])
    assert outlet is not None
    page = Exchange(
        url=ADDRESSES[name],
        captured_at=SAVED,
        body=(REAL / "html" / f"{name}.html").read_bytes(),
        media_type="text/html",
    )
    read = read_exchange(page, outlet, name)
    assert read.article is not None, read.verdict
    return read.article


@cache
def gold(name: str) -> dict[str, Any]:
    """Return what is said of a page: of Fundus, goose3 and newspaper4k, each in its own form."""
    folder = REAL / "gold"
    path = folder / f"{name}.json"
    if path.exists():
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return (
            _of_fundus(facts)
            if "sections" in facts.get("body", {})
            else _of_goose(facts["expected"])
        )
    text = folder / f"{name}.txt"
    if text.exists():
        meta = json.loads((folder / f"{name}.meta.json").read_text("utf-8"))
        return {
            "title": meta["title"],
            "text": text.read_text("utf-8"),
            "published": meta["publish_date"],
        }
    day = json.loads((folder / f"{name}.date.json").read_text("utf-8"))
    return {"title": "", "text": "", "published": day["date"]}


def _of_fundus(facts: dict[str, Any]) -> dict[str, Any]:
    sections = facts["body"]["sections"]
    lines = [line for each in sections for line in (*each["headline"], *each["paragraphs"])]
    return {
        "title": facts["title"],
        "text": "\n".join(lines),
        "headings": [line for each in sections for line in each["headline"]],
        "published": facts["publishing_date"],
    }


def _of_goose(facts: dict[str, Any]) -> dict[str, Any]:
    return {"title": facts.get("title", ""), "text": facts["cleaned_text"], "published": ""}


def tokens(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def f1(found: str, wanted: str) -> float:
    ours, theirs = tokens(found), tokens(wanted)
    common = (ours & theirs).total()
    precision, recall = common / ours.total(), common / theirs.total()
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("name", PAGES)
def test_the_headline_is_the_golds(name: str) -> None:
    if gold(name)["title"]:
        assert article(name).headline == clean(gold(name)["title"])


@pytest.mark.parametrize("name", PAGES)
def test_the_time_is_the_golds_to_the_minute(name: str) -> None:
    stated = gold(name)["published"]
    found = article(name).published_at
    assert found is not None
    if len(stated) == len("2024-01-02"):
        assert str(found.astimezone(KST).date()) == stated
    elif stated:
        wanted = datetime.fromisoformat(stated)
        wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=KST)
        assert found.replace(second=0) == wanted.replace(second=0)


@pytest.mark.parametrize("name", PAGES)
def test_the_body_is_the_golds(name: str) -> None:
    if gold(name)["text"]:
        found = article(name)
        assert f1("\n".join(found.body), gold(name)["text"]) >= LEAST
        assert set(gold(name).get("headings", ())) <= set(found.body), "sub-headings are kept"


@pytest.mark.parametrize("outlet", sorted({article(name).outlet for name in PAGES}))
def test_a_layout_says_which_pages_it_was_seen_on(outlet: str) -> None:
    """`seen` may name more pages than are here, but none of these may be missing from it."""
    read = [found for found in map(article, PAGES) if found.outlet == outlet]
    for layout in outlet_named(outlet).layouts:
        days = Counter(
            each.published_at.astimezone(KST).date()
            for each in read
            if each.layout == layout.name and each.published_at
        )
        assert days <= Counter(layout.seen), layout.name
