"""Every seed is read as the article beside it says, field by field; ``python -m tests.regold`` writes those."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from archive.model.article import Article
from crawler.authoring.goldens import golden_of, sidecar, sidecar_bytes, values_of
from tests.support.documents import SEEDS, fixtures, name_of, read_fixture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Every field a record has, so that one that appears in a reading unasked fails too.
FIELDS = sorted(values_of(Article(outlet="", headline="")))
#: What no layout of these outlets may leave empty.
NEVER_EMPTY = ("article_id", "body", "headline", "identity", "language", "layouts", "outlet")


@cache
def reading(path: Path) -> dict[str, Any]:
    page = read_fixture(path)
    assert page.article is not None, page.verdict
    return golden_of(page.article)


def empty_values(value: Any) -> Iterator[Any]:
    children = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    for child in children:
        yield from empty_values(child)
    if value in (None, "", [], {}):
        yield value


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("path", fixtures(), ids=name_of)
def test_field_is_read_as_expected(path: Path, field: str) -> None:
    assert reading(path).get(field) == sidecar(path)["article"].get(field)


@pytest.mark.parametrize("path", fixtures(), ids=name_of)
def test_golden_has_the_one_form_and_only_fields_of_the_record(path: Path) -> None:
    facts = sidecar(path)
    assert path.with_suffix(".json").read_bytes() == sidecar_bytes(facts)
    assert set(facts["article"]) <= set(FIELDS)
    assert all(
        facts["article"].get(name) for name in (*NEVER_EMPTY, "published_at", "published_raw")
    )
    assert not list(empty_values(facts["article"]))


@pytest.mark.parametrize("path", [p for p in fixtures() if p.parent != SEEDS], ids=name_of)
def test_a_page_says_that_it_is_ours(path: Path) -> None:
    """Pages of publishers are never kept; ours are small, so that a person can read them."""
    note = sidecar(path)["note"]
    assert note.startswith("Written by the Sacho project in the shape of")
    data = path.read_bytes()
    assert b"Written by the Sacho project" in data or path.suffix == ".txt"
    assert len(data) < 20_000


def test_every_sidecar_belongs_to_a_seed() -> None:
    seeds = {path.with_suffix(".json") for path in fixtures()}
    assert set(fixtures()[0].parent.rglob("*.json")) == seeds
