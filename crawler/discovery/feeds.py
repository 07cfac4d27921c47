"""Reading feeds and sitemaps: RSS 2.0, RSS 1.0, Atom, sitemaps (news namespace), sitemap indexes. Pure functions.

Forms: RSS 2.0 (rssboard.org), RSS 1.0 (RDF Site Summary), RFC 4287, sitemaps.org 0.9, Google's news
sitemap 0.9.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.entities import html5
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from archive.warc.content_coding import SizeError
from archive.warc.content_coding import decode as decode_bounded
from crawler.discovery.entries import FeedEntry, SourceError, SourceFault
from crawler.discovery.timestamps import parse_timestamp
from crawler.extraction.charset import decode

if TYPE_CHECKING:
    from datetime import datetime
    from xml.sax.xmlreader import AttributesImpl

#: The sitemap standard allows 50 MB; a day's news is a tenth of this, and one source may not take
#: memory and time.
MOST_BYTES = 8 * 2**20
#: The sitemap standard's own limit.
MOST_ENTRIES = 50_000
MOST_DEPTH = 32
#: Twelve elements an entry are usual; descriptions full of numbered characters have thousands.
MOST_ELEMENTS = 12 * MOST_ENTRIES
MOST_MENDS = 200_000
#: Longest text kept of one element: 2,048 is the sitemap standard's limit for an address.
MOST_TEXT = 4096

#: Root element -> the element that is one entry.
_ENTRIES = {
    "rss": "item",
    "RDF": "item",
    "feed": "entry",
    "urlset": "url",
    "sitemapindex": "sitemap",
}
#: Path of local names below an entry -> the fact it states. ``:name`` has another prefix than its
#: entry has; feeds that forgot the prefix have it without.
_FACTS = {
    "link": "link",
    "loc": "link",
    "guid": "guid",
    "title": "title",
    "pubDate": "published",
    ":date": "published",
    "date": "published",
    "published": "published",
    ":news/:publication_date": "published",
    "news/publication_date": "published",
    ":news/:title": "title",
    "news/title": "title",
    "updated": "modified",
    "lastmod": "modified",
    ":modified": "modified",
}
_XML_SPACE = " \t\r\n\ufeff"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}>")
_ENCODING = re.compile(rb"""<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})""")
#: A document type that only names: old RSS has it, nothing follows from it. One that declares is
#: left to be refused.
_NAMING_DOCTYPE = re.compile(r"<!DOCTYPE\s[^\[<>]{0,500}>", re.IGNORECASE)
#: CDATA and comments are left as they are; an unended one reaches to the end, so that the search
#: stays linear.
_LOOSE = re.compile(
    r"(?P<opaque><!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z))"
    r"|&(?!(?:amp|lt|gt|quot|apos);)(?:\#(?P<dec>\d{1,8});|\#[xX](?P<hex>[0-9A-Fa-f]{1,6});|(?P<name>[A-Za-z][A-Za-z0-9]{0,31};))?"
    r"|<(?![A-Za-z_/!?\u0080-\U0010ffff])",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Document:
    """What a feed or sitemap holds: articles' entries, or (an index) further sitemaps."""

    entries: tuple[FeedEntry, ...] = ()
    sitemaps: tuple[FeedEntry, ...] = ()


def read_feed(body: bytes, content_type: str, url: str, now: datetime) -> Document:
    """Read a feed, a sitemap or a sitemap index, gzip file or not; ``url`` is its address, for relative links.

    :raises SourceError: it is none, or only a part of one; ``partial`` then holds the entries
        before the damage.
    """
    text = _text(body, content_type)
    reader = _Reader(url, now)
    # Why defusedxml: any declaration of a document type ends the parse before an entity is
    # declared, so there is nothing to expand and nothing to fetch. Why its SAX reader: without
    # namespace handling an undeclared prefix is no error, no tree is built, and limits hold while
    # reading.
    parser = DefusedExpatParser(forbid_dtd=True)
    parser.setContentHandler(reader)
    try:
        for start in range(0, len(text), 65536):
            parser.feed(text[start : start + 65536])
        parser.close()
    except DefusedXmlException as error:
        raise SourceError(
            SourceFault.UNSAFE,
            "the XML declares a document type of its own, which feeds never need",
        ) from error
    except SAXException as error:
        if not reader.root:
            raise SourceError(
                SourceFault.NOT_XML, f"it is not XML ({error.getMessage()})"
            ) from error
        sentence = f"the XML breaks off or is malformed after {len(reader.found)} entries ({error.getMessage()})"
        partial = () if reader.root == "sitemapindex" else tuple(reader.found)
        raise SourceError(SourceFault.BROKEN, sentence, partial) from error
    if not reader.found:
        raise SourceError(SourceFault.EMPTY, f"the <{reader.root}> holds no entries")
    found = tuple(reader.found)
    return Document(sitemaps=found) if reader.root == "sitemapindex" else Document(entries=found)


def _text(body: bytes, content_type: str) -> str:
    """The document as text that expat takes: bytes decide the charset, slips that are common are mended."""
    if body[:2] == b"\x1f\x8b":
        body = _gunzip(body)
    if len(body) > MOST_BYTES:
        raise SourceError(SourceFault.TOO_LARGE, f"{len(body)} bytes; {MOST_BYTES} are the most")
    label = _ENCODING.search(body, 0, 400)
    if label and "charset" not in content_type.lower():
        content_type = f"text/xml; charset={label[1].decode('ascii')}"
    text = _CONTROL.sub("", decode(body, content_type)[0]).strip(_XML_SPACE)
    text = _DECLARATION.sub("", text, count=1) if text.startswith("<?xml") else text
    if not text.strip():
        raise SourceError(SourceFault.EMPTY, "the answer is empty")
    head = text[:2000].lower()
    if "<html" in head or "<!doctype html" in head:
        raise SourceError(SourceFault.NOT_XML, "an HTML page was served where a feed was expected")
    if not text.lstrip().startswith("<"):
        raise SourceError(SourceFault.NOT_XML, f"it is not XML: it begins with {text[:30]!r}")
    return _LOOSE.sub(_Mender(), _NAMING_DOCTYPE.sub("", text, count=1))


def _gunzip(body: bytes) -> bytes:
    """Return the content of a gzip file (sitemap.xml.gz), of a cut or damaged one what decodes."""
    try:
        content = decode_bounded(body, ["gzip"], MOST_BYTES, salvage=True)
    except SizeError as error:
        raise SourceError(SourceFault.TOO_LARGE, f"the gzip file {error}") from error
    if not content:
        raise SourceError(SourceFault.BROKEN, "the gzip file cannot be unpacked")
    return content


class _Mender:
    """Makes a lone & or <, HTML's named characters and impossible numbers what XML has for them."""

    def __init__(self) -> None:
        self._left = MOST_MENDS

    def __call__(self, found: re.Match[str]) -> str:
        self._left -= 1
        if self._left < 0:
            raise SourceError(
                SourceFault.BROKEN, f"more than {MOST_MENDS} characters are not as XML has them"
            )
        if found["opaque"] is not None:
            return found[0]
        if found[0] == "<":
            return "&lt;"
        if found["dec"] or found["hex"]:
            number = int(found["dec"]) if found["dec"] else int(found["hex"], 16)
            allowed = number in (9, 10, 13) or 32 <= number <= 0xD7FF or 0xE000 <= number <= 0xFFFD
            return f"&#{number};" if allowed or 0x10000 <= number <= 0x10FFFF else ""
        if found["name"] in html5:
            return "".join(f"&#{ord(char)};" for char in html5[found["name"]])
        return f"&amp;{found[0][1:]}"


class _Reader(ContentHandler):
    """Collects entries while expat reads; raises as soon as a limit is passed."""

    def __init__(self, url: str, now: datetime) -> None:
        super().__init__()
        self.root = ""
        self.found: list[FeedEntry] = []
        self._url = url
        self._now = now
        self._entry = ""
        self._prefix = ""
        self._depth = 0
        self._elements = 0
        self._path: list[str] = []
        self._inside = 0
        self._facts: dict[str, str] = {}
        self._fact = ""
        self._parts: list[str] = []
        self._room = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802  (SAX's name)
        self._depth += 1
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise SourceError(
                SourceFault.TOO_LARGE, f"more than {MOST_ELEMENTS} elements", tuple(self.found)
            )
        if self._depth > MOST_DEPTH:
            raise SourceError(
                SourceFault.TOO_DEEP,
                f"elements nest more than {MOST_DEPTH} deep",
                tuple(self.found),
            )
        prefix, _, local = name.rpartition(":")
        if not self.root:
            self.root = local
            self._entry = _ENTRIES.get(local, "")
            if not self._entry:
                raise SourceError(
                    SourceFault.WRONG_SHAPE, f"the XML is a <{local[:40]}>, no feed and no sitemap"
                )
        elif not self._inside:
            if local == self._entry:
                self._inside, self._prefix = self._depth, prefix
                self._facts, self._path = {}, []
                self._note("about", _attribute(attrs, "about"))
        else:
            self._path.append(local if prefix == self._prefix else f":{local}")
            self._begin(_FACTS.get("/".join(self._path), ""), attrs)

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802  (SAX's name and arguments)
        if self._inside == self._depth:
            self._inside = 0
            self._finish()
        elif self._inside:
            # `parts` are of the element that began last: what encloses others is no fact.
            if self._fact:
                self._note(self._fact, "".join(self._parts))
            self._fact = ""
            self._path.pop()
        self._depth -= 1

    def characters(self, content: str) -> None:
        if self._fact and self._room > 0:
            self._parts.append(content[: self._room])
            self._room -= len(content)

    def _begin(self, fact: str, attrs: AttributesImpl) -> None:
        self._fact, self._parts, self._room = fact, [], MOST_TEXT
        if fact == "link" and attrs.get("href") and attrs.get("rel", "alternate") == "alternate":
            self._note("link", attrs["href"])
        if fact == "guid" and attrs.get("isPermaLink", "true").strip().lower() == "false":
            self._fact = ""

    def _note(self, fact: str, text: str) -> None:
        """Keep the first statement of a fact."""
        text = " ".join(text[:MOST_TEXT].split())
        if text:
            self._facts.setdefault(fact, text)

    def _finish(self) -> None:
        facts = self._facts
        address = facts.get("link") or facts.get("guid", "") or facts.get("about", "")
        url = absolute(self._url, address)
        if not url:
            return
        if len(self.found) >= MOST_ENTRIES:
            raise SourceError(
                SourceFault.TOO_LARGE, f"more than {MOST_ENTRIES} entries", tuple(self.found)
            )
        published, modified = (
            parse_timestamp(facts.get(name, ""), self._now) for name in ("published", "modified")
        )
        self.found.append(FeedEntry(url, facts.get("title", ""), published, modified))


def _attribute(attrs: AttributesImpl, name: str) -> str:
    return next((attrs[key] for key in attrs.getNames() if key.rpartition(":")[2] == name), "")


def absolute(base: str, address: str) -> str:
    """The address made absolute; ``""`` for what is no http(s) address."""
    try:
        url = urljoin(base, address.strip()) if address.strip() else ""
    except ValueError:
        return ""
    return url if url.lower().startswith(("http://", "https://")) and len(url) <= MOST_TEXT else ""
