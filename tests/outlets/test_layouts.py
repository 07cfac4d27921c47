"""Seeds with a text: an article reads the same from all of its outlet's layouts and from its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crawler.outlets import known_outlets
from tests.support.documents import SEEDS, fixtures, name_of, read_article

if TYPE_CHECKING:
    from pathlib import Path

#: What a form does not print, because no place for it is known (OUTLETS): layout -> fields.
UNPRINTED = {
    ("etoday", "text"): {"authors", "tags"},
    ("etoday", "mobile"): {"subheadlines", "authors", "modified_at"},
    ("etoday", "desktop-2017"): {"subheadlines", "authors"},
    ("newspim", "desktop-2018"): {"section"},
    ("newspim", "desktop-2021"): {"section"},
    ("newspim", "desktop-2026"): {"section"},
}
SHARED = (
    "headline",
    "subheadlines",
    "authors",
    "dateline",
    "section",
    "tags",
    "published_at",
    "modified_at",
    "body",
)


def families() -> list[tuple[Path, Path]]:
    """Return pairs of a text and a page that show the same article.

    The file's name up to the first dash is its family; a family has one text for each outlet.
    """
    texts = {
        "seed": {read_article(path).outlet: path for path in SEEDS.glob("*.txt")},
        "own": {
            outlet.name: SEEDS / outlet.name / "own-text.txt"
            for outlet in known_outlets().values()
            if outlet.text
        },
    }
    pages = [(path.name.partition("-")[0], path) for path in fixtures() if path.suffix == ".html"]
    assert {family for family, _ in pages} == {*texts, "translated"}
    return [
        (texts[family][path.parent.name], path)
        for family, path in pages
        if path.parent.name in texts.get(family, {})
    ]


@pytest.mark.parametrize("field", SHARED)
@pytest.mark.parametrize(
    ("text", "page"), families(), ids=lambda path: name_of(path) if path else ""
)
def test_an_article_reads_the_same_from_every_layout_and_from_text(
    text: Path, page: Path, field: str
) -> None:
    forms = read_article(text), read_article(page)
    lacking = [form for form in forms if field in UNPRINTED.get((form.outlet, form.layout), ())]
    assert not any(getattr(form, field) for form in lacking), (
        "it is read after all: take it out of UNPRINTED"
    )
    assert lacking or getattr(forms[0], field) == getattr(forms[1], field)


@pytest.mark.parametrize(
    ("text", "page"), families(), ids=lambda path: name_of(path) if path else ""
)
def test_a_picture_has_the_same_words_in_every_form(text: Path, page: Path) -> None:
    words = [
        [(image.caption, image.credit) for image in read_article(path).images]
        for path in (text, page)
    ]
    assert words[0] == words[1]
    assert len(words[0]) == 1
    assert all(image.url.startswith("https://img.") for image in read_article(page).images)
