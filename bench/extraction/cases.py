"""The pages of the benchmark, each with what is known of it: fixtures, mutants, real pages."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archive.http import message as http
from archive.model.article import KST
from archive.model.exchange import Exchange
from bench import mutations
from bench.extraction import gold
from crawler.authoring.goldens import ARTICLE, sidecar
from crawler.extraction.charset import decode
from crawler.extraction.extract import document_of
from crawler.offline.files import read_file
from crawler.outlets import outlet_of
from tests.support.documents import fixtures, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

#: When the real pages were at hand; each was saved before.
_SAVED = datetime(2026, 11, 1, tzinfo=KST)
#: A line of a golden's body that ends like this is a sentence, and none is a heading if longer.
_SENTENCE_END = re.compile(r"[.!?…”’\"')\]>]$")
_LONGEST_HEADING = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is known of a page. What is empty, or None, is not known or not there.

    ``headings`` are lines of ``body``; ``removed`` are lines that the page prints among the text
    and that are no part of the article.
    """

    body: tuple[str, ...] = ()
    headline: str = ""
    deck: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    published: datetime | None = None
    published_day: date | None = None
    modified: datetime | None = None
    authors: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def all_lines(self) -> Iterator[str]:
        """Yield every line of the article, whatever its field."""
        yield from (self.headline, *self.deck, *self.body, *self.captions, *self.authors)


@dataclass(frozen=True)
class Case:
    """A page: what was fetched, whose it is, and what is known of it."""

    name: str
    exchange: Exchange
    expected: Expected

    @cached_property
    def html(self) -> str:
        """The page as text, decoded as our reading decodes it."""
        content = document_of(self.exchange) or b""
        head = http.parse_head(self.exchange.head) if self.exchange.head else None
        return decode(content, head.get("Content-Type") if head else "")[0]

    @property
    def url(self) -> str:
        """The address of the article."""
        return self.exchange.url

    @property
    def is_of_an_outlet(self) -> bool:
        """Whether an outlet's file covers its address."""
        return outlet_of(self.url) is not None


@dataclass(frozen=True)
class Corpus:
    """Pages of one kind."""

    name: str
    title: str
    cases: tuple[Case, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 over the names and bytes of its pages, and over what is known of them."""
        total = hashlib.sha256()
        for case in self.cases:
            for part in (case.name.encode(), case.exchange.body, repr(case.expected).encode()):
                total.update(len(part).to_bytes(8, "big") + part)
        return total.hexdigest()


def fixture_corpus() -> Corpus:
    """Return the fixtures of every outlet, pages of ours, as their goldens have them."""
    found = [_fixture(path) for path in fixtures() if path.suffix == ".html"]
    return Corpus("fixtures", "Fixtures", tuple(found))


def mutant_corpus() -> Corpus:
    """Return the fixtures distorted by every kind of `bench.mutations` that leaves an article."""
    return Corpus("mutants", "Mutated fixtures", tuple(_mutants()))


def real_corpus(folder: Path) -> Corpus:
    """Return the real pages of a folder; none if it has no ``manifest.tsv``."""
    return Corpus("real", "Real pages", tuple(_real_pages(folder)))


def _fixture(path: Path) -> Case:
    (given,) = read_file(path)
    assert given.exchange is not None, f"{path}: {given.verdict}"
    golden = sidecar(path)[ARTICLE]
    return Case(name_of(path), given.exchange, expected_of_golden(golden))


def expected_of_golden(golden: dict[str, Any]) -> Expected:
    """Return what a golden says; a short line of its body without a full stop is a sub-heading."""
    body = tuple(golden["body"].split("\n\n"))
    published = _moment(golden.get("published_at"))
    return Expected(
        body=body,
        headline=golden["headline"],
        deck=tuple(golden.get("subheadlines", ())),
        headings=tuple(filter(_is_heading, body)),
        published=published,
        published_day=published.astimezone(KST).date() if published else None,
        modified=_moment(golden.get("modified_at")),
        authors=tuple(each["name"] for each in golden.get("authors", ())),
        captions=tuple(each["caption"] for each in golden.get("images", ()) if "caption" in each),
        removed=tuple(
            line
            for each in golden.get("removed", ())
            if each["rule"] != "repeated_caption"  # a caption is no widget, wherever it is printed
            for line in each["text"].split("\n")
        ),
    )


def _is_heading(line: str) -> bool:
    return len(line) <= _LONGEST_HEADING and not _SENTENCE_END.search(line)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _mutants() -> Iterator[Case]:
    known = {case.name: case.expected for case in fixture_corpus().cases}
    for fixture in mutations.load():
        if not fixture.is_html:
            continue
        for mutation in mutations.MUTATIONS:
            right = mutation.right(fixture)
            if right.body is None or mutation.group == "text renderings":
                continue
            made = mutation.make(fixture)
            if made is not None:
                name = f"{fixture.name} {mutation.group}/{mutation.name}"
                exchange = mutations.exchange_of(fixture, made)
                yield Case(name, exchange, _changed(known[fixture.name], right))


def _changed(expected: Expected, right: mutations.Right) -> Expected:
    """Return what is known of a fixture's mutant."""
    body = right.body or ()
    return replace(
        expected,
        body=body,
        headings=tuple(filter(_is_heading, body)),
        captions=(*expected.captions, right.caption) if right.caption else expected.captions,
        # Some outlets print the byline in the first paragraph.
        authors=expected.authors if body[:1] == expected.body[:1] else (),
    )


def _real_pages(folder: Path) -> Iterator[Case]:
    for name, url in gold.addresses(folder).items():
        body = (folder / "html" / f"{name}.html").read_bytes()
        page = Exchange(url=url, captured_at=_SAVED, body=body, media_type="text/html")
        yield Case(name, page, _expected_of_gold(gold.read(folder, name)))


def _expected_of_gold(facts: gold.Gold) -> Expected:
    return Expected(
        body=facts.body,
        headline=facts.headline,
        deck=facts.deck,
        headings=facts.headings,
        published=facts.published,
        published_day=facts.day,
        authors=facts.authors,
        captions=facts.captions,
    )


def corpora(real_pages: Path | None) -> Iterable[Corpus]:
    """Yield the corpora that are at hand."""
    yield fixture_corpus()
    yield mutant_corpus()
    if real_pages is not None:
        yield real_corpus(real_pages)
