"""The seed pages in the repository are what the command writes, say so, and carry the seeds' words."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.support.mock_site import etoday, newspim
from tests.support.mock_site.markup import OURS
from tests.support.mock_site.own import etoday_own, newspim_own
from tests.support.mock_site.seeds import files
from tests.support.mock_site.story import (
    ETODAY_SEED_TEXT,
    NEWSPIM_SEED_TEXT,
    SEEDS,
    etoday_seed,
    newspim_seed,
)

if TYPE_CHECKING:
    from types import ModuleType

    from tests.support.mock_site.story import Story

WRITTEN = files()


def test_the_folders_hold_what_the_command_writes_and_nothing_else() -> None:
    committed = {
        path.relative_to(SEEDS).as_posix(): path.read_bytes()
        for outlet in ("etoday", "newspim")
        for path in (SEEDS / outlet).iterdir()
    }
    assert committed == WRITTEN


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_every_file_says_it_is_ours(name: str) -> None:
    stem = name.rpartition(".")[0]
    facts = json.loads(WRITTEN[f"{stem}.json"])
    assert facts["note"].startswith("Written by the Sacho project")
    assert all(facts.values())
    if name.endswith(".html"):
        page = WRITTEN[name].decode("cp949" if "euckr" in name else "utf-8")
        assert page.rpartition("\r\n\r\n")[2].startswith(OURS)
        published = etoday_own().published if "own" in name else etoday_seed().published
        assert datetime.fromisoformat(facts["captured_at"]) > published


def test_the_seed_stories_hold_the_seeds_words() -> None:
    text = ETODAY_SEED_TEXT.read_text("utf-8")
    widgets = text.index("주요 뉴스")
    assert etoday.render_text(etoday_seed())[:widgets] == text[:widgets]
    text = NEWSPIM_SEED_TEXT.read_text("utf-8")
    widgets = text.index("사진\n")
    assert newspim.render_text(newspim_seed())[:widgets] == text[:widgets]


@pytest.mark.parametrize(
    ("outlet", "story"),
    [
        pytest.param(etoday, etoday_seed(), id="etoday-seed"),
        pytest.param(etoday, etoday_own(), id="etoday-own"),
        pytest.param(newspim, newspim_seed(), id="newspim-seed"),
        pytest.param(newspim, newspim_own(), id="newspim-own"),
    ],
)
def test_every_layout_shows_headline_times_and_every_paragraph(
    outlet: ModuleType, story: Story
) -> None:
    for layout in outlet.LAYOUTS:
        page = outlet.render(story, layout).replace("&nbsp;", "\N{NO-BREAK SPACE}")
        assert story.headline in page
        assert f"{story.published:%H:%M}" in page
        assert all(paragraph in page for paragraph in story.paragraphs)
        assert all(page.count(image.caption) >= 1 for image in story.images)


def test_the_euc_kr_page_needs_cp949() -> None:
    page = WRITTEN["newspim/own-desktop-2018-euckr.html"]
    assert "똠" in page.decode("cp949")
    with pytest.raises(UnicodeDecodeError):
        page.decode("euc-kr")
    with pytest.raises(UnicodeDecodeError):
        page.decode("utf-8")


#: OUTLETS' selectors for each layout: headline, published, body paragraphs, caption, byline.
SELECTORS = {
    ("etoday", "desktop-2020"): (
        "section.news_dtail_view_top_wrap h1.main_title",
        "div.view_top_container div.newsinfo > span",
        "div.articleView[itemprop=articleBody] > p",
        ".img_box_C",
        ".vw_byline .vw_by_reporter li dl dd.reporter_name",
    ),
    ("etoday", "desktop-2019"): (
        "h2.main_title",
        "div.newsinfo span",
        "div.articleView > p",
        ".img_box_C",
        "dd.reporter_name",
    ),
    ("etoday", "mobile"): (
        "section.DetailView_Wrap div.view_mtitle > h1",
        "div.view_mtitle > p",
        "#contents_body > p",
        ".img_box_C",
        "",
    ),
    ("etoday", "desktop-2017"): (
        ".subject h2",
        ".byline em",
        "div#newsContent > p",
        ".img_box_C",
        "",
    ),
    ("newspim", "desktop-2026"): (
        "article.bodynews .header h1",
        "time#send-time[itemprop=datePublished]",
        "div#news-contents > p",
        "#news-contents table td.news_img_caption",
        "div#news-contents > p",
    ),
    ("newspim", "desktop-2021"): (
        "h2#main-title",
        "div.writetime span#send-time",
        "div#news-contents > p",
        "#news-contents table td.news_img_caption",
        "div#news-contents > p",
    ),
    ("newspim", "desktop-2018"): (
        ".bodynews .bodynews_title h1",
        "li.writetime",
        ".bodynews #news_contents > p",
        ".img-info",
        "#news_contents > p",
    ),
}


@pytest.mark.parametrize(("outlet", "layout"), sorted(SELECTORS))
def test_outlets_selectors_find_in_every_layout_what_they_should(outlet: str, layout: str) -> None:
    story = etoday_own() if outlet == "etoday" else newspim_own()
    tree = LexborHTMLParser((etoday if outlet == "etoday" else newspim).render(story, layout))
    headline, published, paragraphs, caption, byline = (
        [node.text() for node in tree.css(selector)] if selector else []
        for selector in SELECTORS[outlet, layout]
    )
    assert headline == [story.headline]
    assert "09:10" in published[0]
    found = "\n".join(paragraphs)
    assert all(paragraph in found for paragraph in story.paragraphs)
    assert story.images[0].caption not in found
    assert story.images[0].caption in caption[0]
    assert not byline or story.reporter in byline[0]
