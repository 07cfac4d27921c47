"""Atom feeds, read by a feed reader's parser."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from archive.export.atom import Entry, atom_feed

ATOM = "{http://www.w3.org/2005/Atom}"
THEN = datetime(2024, 5, 7, 3, tzinfo=UTC)


@given(st.lists(st.text(), max_size=4), st.text())
def test_any_text_makes_a_feed_that_is_well_formed(titles: list[str], author: str) -> None:
    entries = [
        Entry(
            id=f"http://example.org/{number}",
            title=title,
            address="http://example.org/?q=<&>\"'",
            updated=THEN,
            summary=title,
            authors=(author,),
            category=title,
        )
        for number, title in enumerate(titles)
    ]
    root = ET.fromstring(
        atom_feed("t", "http://example.org/f", "http://example.org/", author, entries)
    )
    assert len(root.findall(f"{ATOM}entry")) == len(titles)


def test_a_feed_has_what_rfc_4287_asks_of_it() -> None:
    entry = Entry(
        id="http://example.org/1", title="제목", address="http://example.org/1", updated=THEN
    )
    root = ET.fromstring(
        atom_feed("사초", "http://example.org/f.atom", "http://example.org/f", "Sacho", [entry])
    )
    # sections 4.1.1 and 4.1.2: exactly one of each
    for element in (root, root.find(f"{ATOM}entry")):
        assert element is not None
        for name in ("id", "title", "updated"):
            assert len(element.findall(ATOM + name)) == 1
    assert root.findtext(f"{ATOM}updated") == "2024-05-07T03:00:00+00:00"
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "Sacho"
    assert [link.get("rel") for link in root.findall(f"{ATOM}link")] == ["self", "alternate"]


def test_a_feed_without_entries_is_one() -> None:
    root = ET.fromstring(atom_feed("t", "http://example.org/f", "http://example.org/", "a", []))
    assert root.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00+00:00"
