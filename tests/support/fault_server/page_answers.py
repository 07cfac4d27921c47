"""What a hostile outlet puts on the wire in place of a page, each with how its visit may end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tests.support.fault_server.bombs import bomb
from tests.support.fault_server.scripts import CHUNKED, OK, coded, drips, repeats, says

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fault_server.scripts import Script

_PAGE = b"<html><body><p>" + "사초".encode() * 400 + b"</p></body></html>"
_LOST = "failed/connection_lost"
_LOSS = "failed/dataloss"
_TIMEOUT = "failed/timeout"
_HEAD = "failed/head_too_large"
_LARGE = ("failed/too_large", "unparsed/too_large")
#: A page without an article, read whole.
_READ = ("unparsed/no_layout", "unparsed/no_body", "unparsed/no_headline", "unparsed/bad_content")
#: An answer that no request asked for.
_SECOND = OK + b"Content-Length: %d\r\n\r\n" % len(_PAGE) + _PAGE
_REFUSED = ("failed/request_refused", "failed/address_refused")
_REDIRECTS = (
    *_REFUSED,
    "skipped/redirect_to_front",
    "failed/http_status",
    "failed/too_many_redirects",
    "skipped/http_status",
)
_SIZED = OK + b"Content-Length: %d\r\n\r\n" % len(_PAGE)


@dataclass(frozen=True)
class HostileAnswer:
    """One answer: what it writes, and the outcomes that are right.

    The connection ``keeps`` open for further requests, or is closed behind it.
    """

    name: str
    script: Script
    outcomes: tuple[str, ...]
    keeps: bool = False


def _at_each_stage(then: str, *outcomes: str) -> Iterator[HostileAnswer]:
    stages = {
        "before the head": b"",
        "in the status line": b"HTTP/1.",
        "in the head": OK[:-9],
        "behind the head": _SIZED,
        "in the body": _SIZED + _PAGE[:-5],
        "in a chunk's size": CHUNKED + b"5\r\nabcde\r\n1",
        "in a chunk": CHUNKED + b"64\r\nabc",
        "in the trailers": CHUNKED + b"5\r\nabcde\r\n0\r\nX-A: b\r\n",
    }
    for stage, said in stages.items():
        yield HostileAnswer(f"{then} {stage}", says(said, then=then), outcomes)


def _behind(name: str, answer: bytes, *outcomes: str) -> HostileAnswer:
    """Return an answer with a second one behind it, which must not become the next request's."""
    return HostileAnswer(f"{name}, and an answer", says(answer + _SECOND), outcomes, keeps=True)


def _to(location: bytes, *more: bytes) -> Script:
    fields = b"".join(b"Location: %b\r\n" % one for one in (location, *more))
    return says(b"HTTP/1.1 302 Found\r\n" + fields + b"Content-Length: 0\r\n\r\n")


@cache
def answers() -> tuple[HostileAnswer, ...]:
    """Return every hostile answer; some have megabytes, which are made when asked for."""
    return (
        *_at_each_stage("reset", _LOST, _LOSS),
        *_at_each_stage("stall", _TIMEOUT),
        # after the last chunk's size a close is an end
        *_at_each_stage("close", _LOST, _LOSS, *_READ),
        HostileAnswer("slow head", drips(b"", _SIZED * 9), (_TIMEOUT,)),
        HostileAnswer("slow body", drips(_SIZED, _PAGE), (_TIMEOUT,)),
        HostileAnswer("slow chunks", drips(CHUNKED, b"1\r\na\r\n" * 999), (_TIMEOUT,)),
        HostileAnswer("endless line", repeats(OK + b"X: ", b"a", 10**8), (_HEAD,)),
        HostileAnswer(
            "endless status line", repeats(b"HTTP/1.1 200 ", b"a", 10**8), (_HEAD, _LOST)
        ),
        HostileAnswer("endless fields", repeats(OK, b"X-A: b\r\n", 10**7), (_HEAD,)),
        HostileAnswer("500,000 fields", repeats(OK, b"X:\r\n", 500_000, b"\r\n"), (_HEAD,)),
        HostileAnswer(
            "flood of 1xx", repeats(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 10**6), (_HEAD,)
        ),
        HostileAnswer("blank lines", repeats(b"", b"\r\n", 10**7), (_HEAD, _LOST)),
        HostileAnswer(
            "one-byte chunks", repeats(CHUNKED, b"1\r\na\r\n", 4_000_000, b"0\r\n\r\n"), (_LOSS,)
        ),
        HostileAnswer(
            "chunk extensions",
            repeats(CHUNKED, b"1;" + b"x" * 9000 + b"\r\na\r\n", 5000, b"0\r\n\r\n"),
            (_LOSS,),
        ),
        HostileAnswer("endless extension", repeats(CHUNKED + b"5;", b"x", 10**8), (_LOSS,)),
        HostileAnswer(
            "endless trailers", repeats(CHUNKED + b"0\r\n", b"X: y\r\n", 10**7), (_LOSS,)
        ),
        HostileAnswer("a chunk of 2^64", says(CHUNKED + b"ffffffffffffffff\r\nabc"), (_LOSS,)),
        HostileAnswer("a chunk of -1", says(CHUNKED + b"-1\r\nabc"), (_LOSS,)),
        HostileAnswer("a chunk of nothing", says(CHUNKED + b"\r\nabc"), (_LOSS,)),
        HostileAnswer("endless body", repeats(OK + b"\r\n", b"a", 10**9), (*_LARGE, _TIMEOUT)),
        HostileAnswer(
            "length of 10^30",
            says(OK + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n" + _PAGE),
            _READ,
        ),
        HostileAnswer(
            "length of 30 MB", says(OK + b"Content-Length: 30000000\r\n\r\n" + _PAGE), _LARGE
        ),
        HostileAnswer("length of -1", says(OK + b"Content-Length: -1\r\n\r\n" + _PAGE), _READ),
        HostileAnswer(
            "length too long", says(OK + b"Content-Length: 9999\r\n\r\n" + _PAGE), (_LOSS,)
        ),
        HostileAnswer(
            "lengths that differ",
            says(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + _PAGE),
            _READ,
        ),
        HostileAnswer(
            "length and chunks",
            says(CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"),
            _READ,
        ),
        HostileAnswer(
            "unasked 304",
            says(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
            ("skipped/http_status", "failed/http_status"),
        ),
        HostileAnswer(
            "unasked 206",
            says(_SIZED.replace(b"200 OK", b"206 Partial Content") + _PAGE),
            ("failed/http_status",),
        ),
        HostileAnswer("101", says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + _PAGE), (_LOST,)),
        HostileAnswer("HTTP/0.9", says(_PAGE), (_LOST,)),
        HostileAnswer("HTTP/2", says(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4"), (_LOST,)),
        HostileAnswer("another protocol", says(b"SSH-2.0-OpenSSH_9.6\r\n"), (_LOST,)),
        HostileAnswer("status 099", says(b"HTTP/1.1 099 Odd\r\n\r\n"), ("unparsed/empty_body",)),
        HostileAnswer("status 0", says(_SIZED.replace(b"200 OK", b"0 OK") + _PAGE), _READ),
        HostileAnswer("no status line", says(b"220 ready\r\n\r\n" + _PAGE), (_LOST,)),
        HostileAnswer("NUL in the head", says(OK + b"X-A: \0\0\r\n\0: b\r\n\r\n" + _PAGE), _READ),
        *(
            HostileAnswer(f"{coding} bomb", coded(coding, bomb(100, coding)), _LARGE)
            for coding in ("gzip", "deflate", "br")
        ),
        HostileAnswer("zstd bomb", coded("zstd", bomb(100, "zstd")), ("unparsed/unknown_coding",)),
        HostileAnswer("nested bomb", coded("gzip, gzip", bomb(100, "gzip", "gzip")), _LARGE),
        HostileAnswer("br in gzip", coded("br, gzip", bomb(100, "br", "gzip")), _LARGE),
        HostileAnswer(
            "deflate in br in gzip",
            coded("deflate, br, gzip", bomb(100, "deflate", "br", "gzip")),
            _LARGE,
        ),
        HostileAnswer(
            "a hundred codings",
            coded(", ".join(["gzip"] * 100), bomb(100, "gzip")),
            (*_LARGE, *_READ),
        ),
        _behind("length of 0", OK + b"Content-Length: 0\r\n\r\n", *_READ, "unparsed/empty_body"),
        _behind("length of 5", OK + b"Content-Length: 5\r\n\r\nabcde", *_READ),
        _behind("length twice", OK + b"Content-Length: 5\r\n" * 2 + b"\r\nabcde", *_READ),
        _behind("length of 5, 5", OK + b"Content-Length: 5, 5\r\n\r\nabcde", *_READ),
        _behind("last chunk", CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n", *_READ),
        _behind(
            "chunks and a length",
            CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
            *_READ,
        ),
        _behind(
            "a length and chunks in trailers",
            CHUNKED + b"5\r\nabcde\r\n0\r\nContent-Length: 900\r\n\r\n",
            *_READ,
        ),
        _behind("204", b"HTTP/1.1 204 No Content\r\n\r\n", *_READ, "failed/http_status"),
        _behind(
            "304", b"HTTP/1.1 304 Not Modified\r\n\r\n", "skipped/http_status", "failed/http_status"
        ),
        *(
            HostileAnswer(f"Location {name}", _to(location), _REDIRECTS)
            for name, location in {
                "of nothing": b"",
                "of blanks": b"  ",
                "with a broken host": b"http://[",
                "with a port of 99999": b"http://www.etoday.co.kr:99999/",
                "without a host": b"http:///",
                "of a script": b"javascript:alert(1)",
                "of data": b"data:text/html,x",
                "of a file": b"file:///etc/passwd",
                "of FTP": b"ftp://www.etoday.co.kr/",
                "with NUL": b"http://www.etoday.co.kr/\0",
                "with control characters": b"http://www.etoday.co.kr/\x1b[31m\x07",
                "of no charset": b"http://www.etoday.co.kr/\xff\xfe",
                "of 200,000 characters": b"http://www.etoday.co.kr/" + b"a" * 200_000,
                "of backslashes": b"\\\\127.0.0.1\\",
                "with a zone": b"http://[fe80::1%25lo]/",
            }.items()
        ),
        HostileAnswer("two Locations", _to(b"http://127.0.0.1/", b"http://10.0.0.1/"), _REDIRECTS),
        HostileAnswer(
            "a redirect without a Location",
            says(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
            _REDIRECTS,
        ),
    )
