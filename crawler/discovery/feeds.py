"""Read feeds and sitemaps: RSS 2.0, RSS 1.0, Atom, sitemaps (XML, text, news), sitemap indexes.

Pure functions. A document is decoded, repaired and parsed in blocks, so that of a large one there
is never a second whole copy. Formats: RSS 2.0 (rssboard.org), RSS 1.0 (RDF Site Summary), RFC 4287,
sitemaps.org 0.9, Google's news sitemap 0.9.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from html import unescape
from itertools import chain
from typing import TYPE_CHECKING
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from archive.http.content_coding import (
    GZIP_MAGIC,
    KNOWN,
    SizeError,
    decoded_pieces,
    gunzip_pieces,
)
from crawler.discovery.entries import MAX_TEXT, FeedEntry, SourceError, SourceFault, absolute_url
from crawler.discovery.timestamps import parse_timestamp
from crawler.extraction.charset import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from xml.sax.xmlreader import AttributesImpl

#: The sitemap standard's own limits, unpacked.
MAX_BYTES = 50 * 2**20
MAX_ENTRIES = 50_000
MAX_DEPTH = 32
#: Twelve elements an entry are usual; descriptions full of numbered characters have thousands.
MAX_ELEMENTS = 12 * MAX_ENTRIES
#: Characters that are not valid XML and are escaped before parsing.
MAX_REPAIRS = 8 * MAX_ENTRIES
#: Bytes decoded and repaired at a time: nearly every document is one block. A character may take
#: four bytes, and a block is in memory several times.
_BLOCK = 2**20
#: Characters parsed at a time.
_CHUNK = 65536
#: Characters without a ``>``: the parser reads an unclosed tag or comment again with each chunk.
MAX_UNCLOSED = 2**20

#: Root element -> the element that is one entry.
_ENTRIES = {
    "rss": "item",
    "RDF": "item",
    "feed": "entry",
    "urlset": "url",
    "sitemapindex": "sitemap",
}
#: Path of local names below an entry -> the fact that it states. ``:name`` has a prefix other than
#: its entry's; feeds that forgot the prefix use the name without it.
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
_ENTRY_NAMES = sorted(set(_ENTRIES.values()))
#: An address on a line of its own.
_ADDRESS = re.compile(r"https?://\S+(?=\s|\Z)", re.IGNORECASE)
#: An ampersand that was escaped more than once.
_AMPERSANDS = re.compile(r"&(?:amp;|#38;|#x26;)+", re.IGNORECASE)
_XML_SPACE = " \t\r\n\ufeff"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_SPACE = re.compile(f"[^{_XML_SPACE}]")
_A_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROL = re.compile(f"{_A_CONTROL.pattern}+")
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}>")
_ENCODING = re.compile(rb"""<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})""")
#: A document type that declares nothing, as old RSS has it. One that declares entities is left in,
#: so that the parser refuses it.
_PLAIN_DOCTYPE = re.compile(r"<!DOCTYPE\s[^\[<>]{0,500}>", re.IGNORECASE)
#: What XML does not allow as it stands: a lone & or <, HTML's named characters, numbers of
#: characters. CDATA sections and comments match as ``opaque`` and stay as they are; an unclosed one
#: reaches to the end, so that the search stays linear.
#: Each alternative begins with its character, which `re` looks for twice as fast then.
_INVALID = re.compile(
    r"<(?:(?P<opaque>!\[CDATA\[.*?(?:\]\]>|\Z)|!--.*?(?:-->|\Z))"
    r"|(?![A-Za-z_/!?\u0080-\U0010ffff]))"
    r"|&(?!(?:amp|lt|gt|quot|apos);)"
    r"(?:\#\d{1,8};|\#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{0,31};)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Document:
    """Content of a feed or sitemap: entries of articles or, of an index, further sitemaps."""

    entries: tuple[FeedEntry, ...] = ()
    sitemaps: tuple[FeedEntry, ...] = ()


def read_feed(
    body: bytes, content_type: str, url: str, now: datetime, codings: Sequence[str] = ()
) -> Document:
    """Read a feed, a sitemap or a sitemap index; the body may be a gzip file.

    ``content_type`` is the value of the header; ``url`` is the document's address, against which
    relative links are resolved; ``now`` is the time to which relative times refer. ``codings`` are
    the content-encodings that the body is in, in order of application.

    :raises SourceError: the body is not such a document, or only a part of one; ``partial`` then
        holds the entries before the damage.
    """
    texts = _texts(_blocks(body, codings), content_type)
    first = next(filter(str.strip, map(_without_prolog, texts)), "")
    if _ADDRESS.match(first):
        return Document(entries=_read_lines(chain([first], texts), url))
    _check_beginning(first)
    reader = _Reader(url, now)
    _parse(reader, _repaired(chain([first], texts)))
    if not reader.entries:
        raise SourceError(SourceFault.EMPTY, f"the <{reader.root}> holds no entries")
    entries = tuple(reader.entries)
    return Document(sitemaps=entries) if reader.is_index else Document(entries=entries)


def _parse(reader: _Reader, texts: Iterable[str]) -> None:
    # defusedxml: a document type ends the parse before any entity is declared, so nothing can be
    # expanded or fetched. Its SAX reader: without namespace handling an undeclared prefix is no
    # error, no tree is built, and limits hold while reading.
    parser = DefusedExpatParser(forbid_dtd=True)
    parser.setContentHandler(reader)
    unclosed = 0
    try:
        for text in texts:
            for start in range(0, len(text), _CHUNK):
                chunk = text[start : start + _CHUNK]
                behind = len(chunk) - chunk.rfind(">") - 1
                unclosed = behind if behind < len(chunk) else unclosed + behind
                if unclosed > MAX_UNCLOSED:
                    sentence = f"more than {MAX_UNCLOSED} characters without the end of a tag"
                    raise reader.error(SourceFault.BROKEN, sentence)
                parser.feed(chunk)
        parser.close()
    except DefusedXmlException as error:
        sentence = "the XML declares a document type of its own, which feeds never need"
        raise SourceError(SourceFault.UNSAFE, sentence) from error
    except SAXException as error:
        raise _parse_error(reader, error.getMessage()) from error
    except SourceError as error:
        partial = error.partial or tuple(reader.entries)
        raise SourceError(error.reason, str(error), partial) from error


def _read_lines(texts: Iterable[str], url: str) -> tuple[FeedEntry, ...]:
    """Read a text sitemap: an address a line.

    :raises SourceError: a line is none, or there are too many.
    """
    entries: list[FeedEntry] = []
    for number, line in enumerate(map(str.strip, _lines(texts)), 1):
        if not line:
            continue
        address = absolute_url(url, line) if _ADDRESS.fullmatch(line) else ""
        if not address:
            sentence = f"line {number} is no address: {line[:30]!r}"
            raise SourceError(SourceFault.BROKEN, sentence, tuple(entries))
        if len(entries) >= MAX_ENTRIES:
            sentence = f"more than {MAX_ENTRIES} entries"
            raise SourceError(SourceFault.TOO_LARGE, sentence, tuple(entries))
        entries.append(FeedEntry(address))
    return tuple(entries)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text, of which only one block is split at a time."""
    rest = ""
    for text in texts:
        lines = (rest + text).splitlines(keepends=True)
        rest = lines.pop() if lines and not lines[-1].endswith(("\r", "\n")) else ""
        yield from lines
    yield rest


def _parse_error(reader: _Reader, message: str) -> SourceError:
    """Return the error for XML that stops being well-formed, with the entries before that."""
    if not reader.root:
        return SourceError(SourceFault.NOT_XML, f"it is not XML ({message})")
    number = len(reader.entries)
    sentence = f"the XML breaks off or is malformed after {number} entries ({message})"
    partial = () if reader.is_index else tuple(reader.entries)
    return SourceError(SourceFault.BROKEN, sentence, partial)


def _texts(blocks: Iterator[bytes], content_type: str) -> Iterator[str]:
    """Yield the document's text in blocks.

    The charset is that of the first block, which ends behind a tag.

    :raises SourceError: it is too large, or no gzip file though it begins like one.
    """
    first = next(blocks, b"")
    label = _ENCODING.search(first, 0, 4096)
    if label and "charset" not in content_type.lower():
        content_type = f"text/xml; charset={label[1].decode('ascii')}"
    second = next(blocks, b"")
    end = first.rfind(b">") + 1 if second else 0
    if first.startswith(_UTF_16):
        end += end % 2  # behind a whole character
    text, decoded = decode(first[: end or len(first)], content_type)
    yield _without_controls(text)
    decoder = codecs.getincrementaldecoder(decoded.used)("replace")
    for block in chain([first[end:] if end else b"", second], blocks):
        yield _without_controls(decoder.decode(block))
    yield _without_controls(decoder.decode(b"", final=True))


def _without_controls(text: str) -> str:
    if _A_CONTROL.search(text) is None:  # in half the time
        return text
    text, number = _CONTROL.subn("", text, count=MAX_REPAIRS + 1)
    if number > MAX_REPAIRS:
        raise SourceError(SourceFault.BROKEN, "nearly all of it are control characters")
    return text


def _blocks(body: bytes, codings: Sequence[str]) -> Iterator[bytes]:
    """Yield the document's bytes in blocks, unpacked; of damaged data what decodes.

    Of the coding that was applied first, and of a gzip file, there is never more than a block
    unpacked: what is packed at a thousandth is not in memory whole.

    :raises SourceError: it is larger than `MAX_BYTES`, or no gzip file though it begins like one.
    """
    if not all(coding in KNOWN for coding in codings):
        codings = ()
    try:
        for coding in reversed(codings[1:]):
            body = b"".join(decoded_pieces(body, coding, MAX_BYTES))
        if codings:
            pieces = decoded_pieces(body, codings[0], MAX_BYTES)
            first = next(pieces)
            if not first.startswith(GZIP_MAGIC):
                yield from _in_blocks(chain([first], pieces))
                return
            body = b"".join([first, *pieces])
    except SizeError as error:
        raise SourceError(SourceFault.TOO_LARGE, f"the response {error}") from error
    if body.startswith(GZIP_MAGIC):
        yield from _gunzipped(body)
    elif len(body) > MAX_BYTES:
        raise SourceError(SourceFault.TOO_LARGE, f"{len(body)} bytes; the limit is {MAX_BYTES}")
    else:
        yield from (body[start : start + _BLOCK] for start in range(0, len(body), _BLOCK))


def _gunzipped(body: bytes) -> Iterator[bytes]:
    is_empty = True
    try:
        for block in _in_blocks(gunzip_pieces(body, MAX_BYTES)):
            is_empty = False
            yield block
    except SizeError as error:
        raise SourceError(SourceFault.TOO_LARGE, f"the gzip file {error}") from error
    if is_empty:
        raise SourceError(SourceFault.BROKEN, "the gzip file cannot be decompressed")


def _in_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _without_prolog(text: str) -> str:
    """Return the text without comments before the XML declaration, and without that."""
    begin = _begin_of_content(text, 0)
    while text.startswith("<!--", begin) and (end := text.find("-->", begin)) >= 0:
        begin = _begin_of_content(text, end + 3)
    text = text[begin:]
    return _DECLARATION.sub("", text, count=1) if text.startswith("<?xml") else text


def _begin_of_content(text: str, start: int) -> int:
    found = _NOT_SPACE.search(text, start)
    return found.start() if found else len(text)


def _check_beginning(text: str) -> None:
    """Raise SourceError if the document is empty or its beginning is not that of XML."""
    if not text.strip():
        raise SourceError(SourceFault.EMPTY, "the response is empty")
    start = text[:2000].lower()
    if "<html" in start or "<!doctype html" in start:
        raise SourceError(SourceFault.NOT_XML, "the response is an HTML page, not a feed")
    if not text.lstrip().startswith("<"):
        raise SourceError(SourceFault.NOT_XML, f"it is not XML: it begins with {text[:30]!r}")


def _repaired(texts: Iterable[str]) -> Iterator[str]:
    """Yield the text with the slips that are common in feeds escaped as XML wants them.

    libxml2's recovery is no substitute: it drops what follows a lone ``&``, so that ``?a=1&b=2``
    becomes another address, and ends the document at a lone ``<``.
    """
    left = MAX_REPAIRS
    for number, part in enumerate(_whole_entries(texts)):
        text = part if number else _PLAIN_DOCTYPE.sub("", part, count=1)
        text, repairs = _INVALID.subn(_escaped, text, count=left + 1)
        left -= repairs
        if left < 0:
            sentence = f"more than {MAX_REPAIRS} characters are not valid XML"
            raise SourceError(SourceFault.BROKEN, sentence)
        yield text


def _whole_entries(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts cut behind an entry, so that no slip, comment or CDATA section is cut."""
    rest = ""
    for text in texts:
        rest += text
        if len(rest) < _BLOCK // 4:  # characters of Hangul have three bytes
            continue
        tags = [f"{name}>" for name in _ENTRY_NAMES]
        ends = [at + len(tag) for tag in tags if (at := rest.rfind(tag)) >= 0]
        # Without an end for so long, behind any tag: no document may be in memory whole.
        is_long = not ends and len(rest) > 2 * _BLOCK
        end = (rest.rfind(">") + 1 or len(rest)) if is_long else max(ends, default=0)
        if end:
            yield rest[:end]
            rest = rest[end:]
    # The last bytes of a document are parsed with what is left, however short.
    yield rest.rstrip(_XML_SPACE)


def _escaped(found: re.Match[str]) -> str:
    if found["opaque"] is not None:
        return found[0]
    # unescape has U+FFFD for a number that is no character: such a number is dropped
    return escape(_CONTROL.sub("", unescape(found[0])).replace("\ufffd", ""))


class _Reader(ContentHandler):
    """Collect entries while the parser reads; raise SourceError as soon as a limit is passed."""

    def __init__(self, url: str, now: datetime) -> None:
        super().__init__()
        #: Local name of the root element; ``""`` before it was read.
        self.root = ""
        self.entries: list[FeedEntry] = []
        self._url = url
        self._now = now
        self._entry_name = ""
        self._depth = 0
        self._elements = 0
        # of the current entry: its depth (0 outside of any), prefix, and facts by name
        self._entry_depth = 0
        self._prefix = ""
        self._facts: dict[str, str] = {}
        # of the current element: its path below the entry, the fact it states, the text so far
        self._path: list[str] = []
        self._fact = ""
        self._parts: list[str] = []
        self._room = 0

    @property
    def is_index(self) -> bool:
        """Whether the entries are sitemaps, not articles."""
        return self.root == "sitemapindex"

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802  (SAX's name)
        self._count_element()
        prefix, _, local = name.rpartition(":")
        if not self.root:
            self._begin_document(local)
        elif self._entry_depth:
            self._path.append(local if prefix == self._prefix else f":{local}")
            self._begin_fact(_FACTS.get("/".join(self._path), ""), attrs)
        elif local == self._entry_name:
            self._entry_depth, self._prefix = self._depth, prefix
            self._facts, self._path = {}, []
            self._note("about", _attribute(attrs, "about"))

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802  (SAX's name and arguments)
        if self._entry_depth == self._depth:
            self._entry_depth = 0
            self._end_entry()
        elif self._entry_depth:
            # _parts belong to the element that began last: an element around others is no fact.
            if self._fact:
                self._note(self._fact, "".join(self._parts))
            self._fact = ""
            self._path.pop()
        self._depth -= 1

    def characters(self, content: str) -> None:
        if self._fact and self._room > 0:
            self._parts.append(content[: self._room])
            self._room -= len(content)

    def _count_element(self) -> None:
        self._depth += 1
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise self.error(SourceFault.TOO_LARGE, f"more than {MAX_ELEMENTS} elements")
        if self._depth > MAX_DEPTH:
            raise self.error(SourceFault.TOO_DEEP, f"elements nest more than {MAX_DEPTH} deep")

    def _begin_document(self, root: str) -> None:
        self.root = root
        if root not in _ENTRIES:
            sentence = f"the XML is a <{root[:40]}>, neither a feed nor a sitemap"
            raise SourceError(SourceFault.WRONG_SHAPE, sentence)
        self._entry_name = _ENTRIES[root]

    def _begin_fact(self, fact: str, attrs: AttributesImpl) -> None:
        self._fact, self._parts, self._room = fact, [], MAX_TEXT
        if fact == "link" and attrs.get("href") and attrs.get("rel", "alternate") == "alternate":
            self._note("link", attrs["href"])
        if fact == "guid" and attrs.get("isPermaLink", "true").strip().lower() == "false":
            self._fact = ""

    def _note(self, fact: str, text: str) -> None:
        """Keep the first statement of a fact."""
        text = " ".join(text[:MAX_TEXT].split())
        if text:
            self._facts.setdefault(fact, text)

    def _end_entry(self) -> None:
        facts = self._facts
        address = facts.get("link") or facts.get("guid") or facts.get("about", "")
        url = absolute_url(self._url, _AMPERSANDS.sub("&", address))
        if not url:
            return
        if len(self.entries) >= MAX_ENTRIES:
            raise self.error(SourceFault.TOO_LARGE, f"more than {MAX_ENTRIES} entries")
        published = parse_timestamp(facts.get("published", ""), self._now)
        modified = parse_timestamp(facts.get("modified", ""), self._now)
        self.entries.append(FeedEntry(url, facts.get("title", ""), published, modified))

    def error(self, fault: SourceFault, sentence: str) -> SourceError:
        return SourceError(fault, sentence, tuple(self.entries))


def _attribute(attrs: AttributesImpl, name: str) -> str:
    """Return the value of the attribute of that local name, or ``""``."""
    return next((attrs[key] for key in attrs.getNames() if key.rpartition(":")[2] == name), "")
