"""Times are found by their labels in the header block of any layout; an empty stamp takes the id's day."""

from __future__ import annotations

import re
from datetime import datetime
from time import process_time
from typing import TYPE_CHECKING

import pytest
from selectolax.lexbor import LexborHTMLParser

from archive.model.article import KST, Precision
from crawler.authoring.goldens import sidecar
from crawler.extraction.html.header_block import text_before
from tests.support.documents import made_fixtures, name_of, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from archive.model.article import Article

PAGES = [
    path
    for path in made_fixtures()
    if path.name.startswith("own-") and path.suffix == ".html" and "http" not in path.stem
]
NEWSPIMS = [path for path in PAGES if path.parent.name == "newspim"]
#: What the layouts find the times by, machine-readable ones included.
KNOWN = (
    r"writetime|send-time|newsinfo|article:(?:published|modified)_time"
    r"|datePublished|date(?=time=)|datetime=\S+"
)


def source_of(path: Path) -> str:
    return path.read_bytes().decode("cp949" if "euckr" in path.stem else "utf-8")


def read(path: Path, html: str) -> Article:
    facts = sidecar(path)
    at = datetime.fromisoformat(facts["captured_at"])
    page = read_bytes(path.parent.name, html.replace("euc-kr", "utf-8"), url=facts["url"], at=at)
    assert page.article is not None, page.verdict
    return page.article


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_times_are_found_by_their_words_where_no_element_is_known(path: Path) -> None:
    html = re.sub(KNOWN, "unknown", source_of(path))
    html = html.replace('<div class="byline"><em>', "<div><b>").replace("</em> ", "</b> ")
    html = re.sub(r"<p>(입력 [^<]*)</p>", r"<div>\1</div>", html)
    article = read(path, html)
    assert article.published_at == datetime(2018, 3, 2, 9, 10, tzinfo=KST)
    assert article.published_precision is Precision.MINUTE
    assert article.modified_raw == sidecar(path)["article"].get("modified_raw", "")


@pytest.mark.parametrize("path", NEWSPIMS, ids=name_of)
def test_a_stamp_printed_empty_takes_the_day_of_the_id(path: Path) -> None:
    html = source_of(path).replace("2018년03월02일 09:10", "")
    html = re.sub(r'datetime="[^"]*"', "", html)
    article = read(path, html)
    assert article.published_at == datetime(2018, 3, 2, tzinfo=KST)
    assert (article.published_precision, article.published_raw) == (Precision.DAY, "")
    assert article.modified_at == datetime(2018, 3, 2, 11, 25, tzinfo=KST)
    assert "published_from_id" in article.flags


def test_a_contradicting_time_is_kept_and_flagged() -> None:
    path = next(path for path in PAGES if path.stem == "own-desktop-2020")
    wrong = "2018-03-02T09:10:00Z"
    html = source_of(path).replace("2018-03-02T09:10:00+09:00", wrong)
    article = read(path, html)
    assert article.published_at == datetime(2018, 3, 2, 9, 10, tzinfo=KST)
    assert article.published_raw == "2018-03-02 09:10"
    assert "contradicting_published" in article.flags
    assert ("contradicting_published", wrong) in [
        (span.rule, span.text) for span in article.removed
    ]


@pytest.mark.parametrize("stamp", ["2018-03-02 14시", "2099-01-01 10:00", "1899-01-01 10:00"])
def test_an_article_whose_stamp_cannot_be_true_is_kept_without_a_time(stamp: str) -> None:
    path = next(path for path in PAGES if path.stem == "own-desktop-2020")
    html = source_of(path).replace("입력 2018-03-02 09:10", f"입력 {stamp}")
    article = read(path, html.replace("2018-03-02T09:10:00+09:00", stamp))
    assert (article.published_at, article.published_raw) == (None, stamp)
    assert "unread_published" in article.flags
    assert article.modified_raw == "2018-03-02 11:25"


def test_the_block_ends_at_the_headline() -> None:
    page = LexborHTMLParser(
        "<nav>입력 2001-01-01 10:00</nav><h1>머리 글</h1><p>가<b>나</b></p><script>x</script>"
        "<p>다<br>라</p>"
        "<div><div id=body>본문</div></div>"
    )
    body = page.css_first("#body")
    assert body is not None
    assert text_before(body, " 머리  글 ") == "가나\n다\n라"


@pytest.mark.parametrize("hostile", ["<p>x" * 100_000, "<b>" * 100_000, "<br>" * 200_000])
def test_a_hostile_page_is_read_in_seconds(hostile: str) -> None:
    body = LexborHTMLParser(f"{hostile}<main>본문").css_first("main")
    assert body is not None
    start = process_time()
    text_before(body, "없는 머리글")
    assert process_time() - start < 5
