"""What a hostile outlet serves as sitemaps, feeds and robots.txt, each with what must be said of it."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from functools import cache, partial
from random import Random
from typing import TYPE_CHECKING

import brotli

from tests.support.fault_server.bombs import bomb
from tests.support.fault_server.scripts import OK, document, repeats, says

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fault_server.scripts import Script

#: Addresses of no article: they are read, and add nothing to the frontier.
_ENTRY = "<url><loc>https://www.etoday.co.kr/{}</loc></url>"
_XML = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n"
#: Of what has no end: cut at the limit, or at the end of the time.
_ENDLESS = "too_large|timeout"
_PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"


@dataclass(frozen=True)
class SourceAnswer:
    """A sitemap or feed; ``said`` is found in the one sentence about it, empty if it is read whole."""

    name: str
    script: Script
    said: str


def _urlset(body: str, head: str = "") -> bytes:
    return f"{head}<urlset>{body}</urlset>".encode()


def _laughing(root: str) -> str:
    """Return a document type whose entity ``a9`` is of entities of entities."""
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
    )
    return f"<!DOCTYPE {root} [{entities}]>"


def _laughs() -> bytes:
    return _urlset("<url><loc>&a9;</loc></url>", _laughing("urlset"))


def _rss(items: str, head: str = "") -> bytes:
    return f'{head}<rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode()


def _atom(entries: str, head: str = "") -> bytes:
    return f'{head}<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode()


def _feeds(
    name: str, root: str, feed: Callable[[str, str], bytes], entry: str
) -> tuple[SourceAnswer, ...]:
    """Return the hostile feeds of a format; ``entry`` is one of its entries, for a path and a title."""
    one = entry.format("1", "x")
    korean = entry.format("1", "기록")
    many = "".join(entry.format(n, "x") for n in range(50_001))
    deep = "<a>" * 100_000 + "</a>" * 100_000
    mislabelled = feed(korean, '<?xml version="1.0" encoding="utf-8"?>').decode().encode("euc-kr")
    cases = (
        (
            "of entities of entities",
            feed(entry.format("1", "&a9;"), _laughing(root)),
            "document type",
        ),
        ("that is deep", feed(deep, ""), "deep"),
        ("of 50,001 entries", feed(many, ""), "more than 50000 entries"),
        ("in EUC-KR that says UTF-8", mislabelled, ""),
        ("of an unknown encoding", feed(one, '<?xml version="1.0" encoding="x-none"?>'), ""),
        ("cut", feed(one * 100, "")[:-900], "breaks off"),
    )
    return tuple(SourceAnswer(f"{name} {kind}", document(body), said) for kind, body, said in cases)


def _external(target: str) -> bytes:
    doctype = f'<!DOCTYPE urlset [<!ENTITY x SYSTEM "{target}">]>'
    return _urlset("<url><loc>&x;</loc></url>", doctype)


def _many(number: int) -> bytes:
    return _urlset("".join(_ENTRY.format(n) for n in range(number)))


def _encoded(charset: str) -> bytes:
    head = f'<?xml version="1.0" encoding="{charset}"?>'
    return _urlset(_ENTRY.format("기록"), head).decode().encode(charset)


def _coded(coding: str) -> Script:
    fields = f"Content-Encoding: {coding}\r\n".encode()
    return document(bomb(100, coding), "text/xml", fields)


_PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(brotli.compress, quality=5),
}


@cache
def _packed_urlset(codings: str, megabytes: int) -> bytes:
    """Return a sitemap of comments in the codings, in order of application."""
    body = _urlset(f"<!--{' ' * 1017}-->" * 1024 * megabytes)
    for coding in codings.split(", "):
        body = _PACK[coding](body)
    return body


def _packed(codings: str, megabytes: int) -> Script:
    fields = f"Content-Encoding: {codings}\r\n".encode()
    return document(_packed_urlset(codings, megabytes), "text/xml", fields)


def _unpackable() -> Script:
    """Write a sitemap of 30 MB whose addresses repeat at such a distance that no coding sees it."""
    dice = Random(1)
    loc = "<url><loc>https://www.etoday.co.kr/{}</loc></url>"
    entries = "".join(loc.format(dice.randbytes(400).hex()) for _ in range(1200)).encode()
    return repeats(_XML + b"<urlset>", entries, 30 * 2**20 // len(entries), b"</urlset>")


def _agents(number: int) -> bytes:
    """Return a robots.txt of so many agents that share as many rules."""
    agents = b"".join(b"User-agent: a%d\n" % n for n in range(number))
    return agents + b"User-agent: *\n" + b"".join(b"Disallow: /x%d\n" % n for n in range(number))


_RSS_ITEM = "<item><link>https://www.etoday.co.kr/{}</link><title>{}</title></item>"
_ATOM_ENTRY = '<entry><link href="https://www.etoday.co.kr/{}"/><title>{}</title></entry>'


@cache
def sources() -> tuple[SourceAnswer, ...]:
    """Return a hostile sitemap or feed of each kind; some have megabytes, which are made when asked for."""
    return (
        SourceAnswer("entities of entities", document(_laughs()), "document type"),
        SourceAnswer(
            "an entity of a file", document(_external("file:///etc/passwd")), "document type"
        ),
        SourceAnswer(
            "an entity of a host", document(_external("http://127.0.0.1/")), "document type"
        ),
        SourceAnswer(
            "a document type elsewhere",
            document(
                _urlset(_ENTRY.format(1), '<!DOCTYPE urlset SYSTEM "http://127.0.0.1/x.dtd">')
            ),
            "",
        ),
        SourceAnswer("a million entries", document(_many(1_000_000)), "more than"),
        SourceAnswer("50,001 entries", document(_many(50_001)), "more than 50000 entries"),
        SourceAnswer(
            "entries without end", repeats(_XML + b"<urlset>", _ENTRY.encode(), 10**7), _ENDLESS
        ),
        SourceAnswer(
            "lines without end", repeats(_PLAIN, b"https://www.etoday.co.kr/a\n", 10**7), _ENDLESS
        ),
        SourceAnswer(
            "a deep tree", document(b"<urlset>" + b"<a>" * 100_000 + b"</a>" * 100_000), "deep"
        ),
        SourceAnswer("a tree without end", repeats(_XML + b"<urlset>", b"<a>", 10**8), _ENDLESS),
        SourceAnswer(
            "one tag without end", repeats(_XML + b"<urlset ", b'a="b" ', 10**8), _ENDLESS
        ),
        SourceAnswer(
            "100,000 attributes",
            document(
                b"<urlset " + b" ".join(b'a%d="b"' % n for n in range(100_000)) + b"></urlset>"
            ),
            "no entries",
        ),
        SourceAnswer(
            "a comment without an end", document(b"<urlset><!--" + b"x" * 10**7), "end of a tag"
        ),
        SourceAnswer(
            "CDATA without an end", document(b"<urlset><![CDATA[" + b"<" * 10**6), "malformed"
        ),
        SourceAnswer("a million ampersands", document(_urlset("&" * 10**6)), "not valid XML"),
        SourceAnswer("a gzip bomb by name", _coded("gzip"), "HTML page"),
        SourceAnswer("a br bomb", _coded("br"), "HTML page"),
        SourceAnswer("60 MB packed by gzip", _packed("gzip", 60), "decodes to more than"),
        SourceAnswer(
            "a gzip file that is a bomb",
            document(_packed_urlset("gzip", 60), "application/gzip"),
            "the gzip file",
        ),
        SourceAnswer(
            "a tag of 40 MB",
            document(b"<urlset " + b'a="b" ' * 7_000_000),
            "without the end of a tag",
        ),
        SourceAnswer(
            "a gzip file cut",
            document(gzip.compress(_many(1000))[:-900], "application/gzip"),
            "after",
        ),
        SourceAnswer(
            "a gzip file of nothing",
            document(b"\x1f\x8b" + b"\0" * 100, "application/gzip"),
            "gzip",
        ),
        SourceAnswer("UTF-16", document(_encoded("utf-16")), ""),
        SourceAnswer("EUC-KR", document(_encoded("euc-kr")), ""),
        SourceAnswer("UTF-7", document(_urlset(_ENTRY.format(1), '<?xml encoding="utf-7"?>')), ""),
        SourceAnswer("idna", document(_urlset(_ENTRY.format(1), '<?xml encoding="idna"?>')), ""),
        SourceAnswer(
            "control characters", document(b"<urlset>" + b"\1" * 10**6), "malformed|control"
        ),
        SourceAnswer("nothing", document(b""), "empty"),
        SourceAnswer("a page", says(OK + b"\r\n<html><body>x</body></html>"), "HTML page"),
        SourceAnswer(
            "bad addresses",
            document(
                b"<sitemapindex><sitemap><loc>http://[</loc></sitemap><sitemap>"
                b"<loc>https://www.etoday.co.kr:99999/</loc></sitemap></sitemapindex>"
            ),
            "",
        ),
        *_feeds("RSS", "rss", _rss, _RSS_ITEM),
        *_feeds("Atom", "feed", _atom, _ATOM_ENTRY),
    )


@cache
def long_sources() -> tuple[SourceAnswer, ...]:
    """Return some as long as they may be, several of each: what they take while others are under way."""
    return (
        *(
            SourceAnswer(f"49 MB packed by {coding} ({number})", _packed(coding, 49), "no entries")
            for coding in ("gzip", "deflate", "br")
            for number in range(2)
        ),
        SourceAnswer("49 MB packed twice", _packed("gzip, br", 49), "no entries"),
        *(
            SourceAnswer(f"entries that nothing packs ({number})", _unpackable(), "")
            for number in range(2)
        ),
    )


@cache
def robots() -> dict[str, tuple[Script, bool | None]]:
    """Return what a robots.txt may be, and whether it allows what is asked for: None where either is right."""
    return {
        "without end": (repeats(_PLAIN, b"User-agent: x\nDisallow: /\n", 10**7), False),
        "of 10,000 agents and rules": (
            document(_agents(5000), "text/plain"),
            True,
        ),
        "of one line": (document(b"Disallow: /" + b"a" * 10**6, "text/plain"), True),
        "of wildcards": (
            document(b"User-agent: *\nDisallow: " + b"/*a" * 20_000, "text/plain"),
            None,
        ),
        "that disallows": (document(b"User-agent: *\nDisallow: /", "text/plain"), False),
        "in UTF-16": (document("User-agent: *\nDisallow: /".encode("utf-16"), "text/plain"), False),
        "of binary": (document(bytes(range(256)) * 100, "text/plain"), False),
        "packed as a bomb": (
            document(bomb(100, "gzip"), "text/plain", b"Content-Encoding: gzip\r\n"),
            False,
        ),
        "of a delay of a year": (document(b"User-agent: *\nCrawl-delay: 1e9", "text/plain"), True),
        "304 unasked": (says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), False),
        "206 unasked": (says(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\n\r\n"), False),
        "reset": (says(b"HTTP/1.1 200 OK\r\n", then="reset"), False),
        "never": (says(then="stall"), False),
        "to nowhere": (says(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n"), False),
        "to a private address": (
            says(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"),
            False,
        ),
    }
