"""Draft an outlet from pages of it: addresses, layout and channels, as far as they show them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from crawler.authoring.proposals import propose
from crawler.discovery.entries import absolute_url
from crawler.extraction.html.jsonld import OwnPage
from crawler.model.outlet_skeleton import Draft, Fact
from pipelines.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crawler.authoring.candidates import SamplePage
    from crawler.model.layout import Confidence

#: A part of an address that may be an article's id.
_ID = re.compile(r"[A-Za-z]{0,4}[0-9]{3,}")
_FEED_TYPES = ("application/rss+xml", "application/atom+xml")
_LETTERS = re.compile(r"[^\W\d_]")
#: What a draft from pages never has.
_NEVER = ("articles a day", "widgets of its own", "when its template came into use")


@dataclass(frozen=True, slots=True)
class AddressedPage:
    """A page to draft from, with its address."""

    url: str
    page: SamplePage


def draft_from(
    name: str, hosts: tuple[str, ...], pages: Sequence[AddressedPage], robots: str = ""
) -> Draft:
    """Return the draft of an outlet; what the pages do not show is under ``unknown``.

    ``robots`` is the text of the robots.txt of its host, ``""`` where that was not asked for.
    """
    articles, canonical = _addresses(pages)
    for each in pages:
        each.page.reader.own = _own_page(each.url, articles)
    proposals = propose([each.page for each in pages])
    sources = {
        field: Fact(value=each.source, why=each.why, confidence=each.confidence)
        for field, each in proposals.items()
    }
    title, page_title = _titles(pages)
    channels = tuple(_channels(pages, robots))
    found: dict[str, object] = {
        "title": title,
        "articles and canonical": canonical,
        "page_title": page_title,
        "body": sources.get("body"),
        "headline": sources.get("headline"),
        "deck": sources.get("subheadlines"),
        "times": sources.get("times") or sources.get("published"),
        "bylines": sources.get("bylines"),
        "tags": sources.get("tags"),
        "channels": channels,
    }
    return Draft(
        name=name,
        hosts=hosts,
        title=title,
        articles=articles,
        canonical=canonical,
        page_title=page_title,
        sources=sources,
        channels=channels,
        unknown=(*(field for field, value in found.items() if not value), *_NEVER),
    )


def _addresses(pages: Sequence[AddressedPage]) -> tuple[tuple[Fact, ...], Fact | None]:
    """Return the patterns of the pages' addresses, and the canonical address of the first."""
    forms = [form for each in pages if (form := _form(each, pages)) is not None]
    patterns = {pattern: (template, each) for pattern, template, each in forms}
    facts = []
    for pattern, (_, each) in patterns.items():
        is_stated = each.url in each.page.reader.stated_addresses()
        number = sum(form[0] == pattern for form in forms)
        why = f"the address of {number} of {len(pages)} pages"
        why = f"{why}, which state it as their own" if is_stated else why
        facts.append(Fact(value=pattern, why=why, confidence=_rating(number, agrees=is_stated)))
    if not facts:
        return (), None
    first = facts[0]
    template = patterns[first.value][0]
    return tuple(facts), Fact(value=template, why=first.why, confidence=first.confidence)


def _own_page(url: str, articles: tuple[Fact, ...]) -> OwnPage:
    """Return what is known of a page by its address: data of other articles is none of it."""
    patterns = [re.compile(fact.value) for fact in articles]

    def id_of(address: str) -> str:
        parts = urlsplit(address)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        matches = (pattern.fullmatch(target) for pattern in patterns)
        return next((match["id"] for match in matches if match is not None), "")

    return OwnPage(id_of(url), url, id_of)


def _rating(pages: int, *, agrees: bool) -> Confidence:
    if not agrees:
        return "C"
    return "A" if pages > 1 else "B"


def _form(
    page: AddressedPage, pages: Sequence[AddressedPage]
) -> tuple[str, str, AddressedPage] | None:
    """Return the pattern and the template of a page's address; None if no part of it is an id."""
    parts = urlsplit(page.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    segments = parts.path.split("/")
    at = next((n for n in reversed(range(len(segments))) if _ID.fullmatch(segments[n])), None)
    if at is not None:
        varying = _varying(segments, pages)
        named = [
            _segment(text, number, at, is_varying=number in varying)
            for number, text in enumerate(segments)
        ]
        pattern = "/".join(pattern for pattern, _ in named)
        return pattern, origin + "/".join(template for _, template in named), page
    for key, value in parse_qsl(parts.query):
        if _ID.fullmatch(value):
            path = _escaped(parts.path)
            pattern = rf"{path}\?(?:.*&)?{_escaped(key)}=(?P<id>{_shape(value)})(?:&.*)?"
            return pattern, f"{origin}{parts.path}?{key}={{id}}", page
    return None


def _varying(segments: Sequence[str], pages: Sequence[AddressedPage]) -> set[int]:
    """Return which segments differ in the addresses of the same number of segments."""
    paths = [urlsplit(each.url).path.split("/") for each in pages]
    alike = [path for path in paths if len(path) == len(segments)]
    return {n for n in range(len(segments)) if len({path[n] for path in alike}) > 1}


def _segment(text: str, number: int, at: int, *, is_varying: bool) -> tuple[str, str]:
    """Return a segment's pattern, and what stands for it in the canonical address."""
    if number == at:
        return f"(?P<id>{_shape(text)})", "{id}"
    if is_varying:
        return rf"(?P<part{number}>[^/]+)", f"{{part{number}}}"
    return _escaped(text), text


def _shape(text: str) -> str:
    letters = text.rstrip("0123456789")
    return rf"{letters}\d+"


def _titles(pages: Sequence[AddressedPage]) -> tuple[Fact | None, Fact | None]:
    """Return the outlet's name, and the pattern of what its titles have behind the headline."""
    names = {each.page.first("meta:og:site_name") for each in pages}
    ends = {_behind_headline(each.page) for each in pages}
    end = next(iter(ends)) if len(ends) == 1 else ""
    page_title = None
    if end:
        why = "what the titles of all pages have behind the headline"
        page_title = Fact(value=f"{_escaped(end)}$", why=why, confidence="C")
    if len(names) == 1 and (name := next(iter(names))):
        why = "og:site_name of all pages"
        return Fact(value=name, why=why, confidence=_rating(len(pages), agrees=True)), page_title
    name = end.strip(" -|:·ㅣ")
    title = Fact(value=name, why="behind the headline in all titles", confidence="C")
    return (title if name else None), page_title


def _escaped(text: str) -> str:
    """Return a text as a pattern that a person can read: `re.escape` marks blanks and dashes."""
    return re.sub(r"[.^$*+?{}\[\]\\|()]", r"\\\g<0>", text)


def _behind_headline(page: SamplePage) -> str:
    title = clean(page.reader.title)
    headline = page.first("meta:og:title", "jsonld:headline")
    end = title.removeprefix(headline) if headline else title
    return end if end != title and _LETTERS.search(end) else ""


def _channels(pages: Sequence[AddressedPage], robots: str) -> Iterator[tuple[str, Fact]]:
    """Yield the feeds that pages link, and the sitemaps that robots.txt names, each once."""
    seen: set[str] = set()
    for line in robots.splitlines():
        key, _, value = line.partition(":")
        url = absolute_url(pages[0].url, value) if key.strip().lower() == "sitemap" else ""
        if url and url not in seen:
            seen.add(url)
            yield "Sitemap", Fact(value=url, why="robots.txt names it", confidence="B")
    for each in pages:
        for link in each.page.reader.tree.css('link[rel~="alternate" i][href]'):
            attributes = link.attributes
            url = absolute_url(each.url, attributes.get("href") or "")
            if attributes.get("type") in _FEED_TYPES and url and url not in seen:
                seen.add(url)
                yield "Feed", Fact(value=url, why="a page links it as its feed", confidence="B")
