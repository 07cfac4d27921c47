"""What a hostile outlet puts on the wire in place of a page, each with how its visit may end."""

from __future__ import annotations

import asyncio
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.cli import CommandResult
from tests.support.crawls import Crawls, site_of_today
from tests.support.mock_site.wire import reset

if TYPE_CHECKING:
    from asyncio import StreamWriter
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.mock_site.routes import Script

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
_PAGE = b"<html><body><p>" + "사초".encode() * 400 + b"</p></body></html>"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_LOST = "failed/connection_lost"
_LOSS = "failed/dataloss"
_TIMEOUT = "failed/timeout"
_HEAD = "failed/head_too_large"
_LARGE = ("failed/too_large", "unparsed/too_large")
#: A page without an article, read whole.
_READ = ("unparsed/no_layout", "unparsed/no_body", "unparsed/no_headline", "unparsed/bad_content")
_SIZED = _OK + b"Content-Length: %d\r\n\r\n" % len(_PAGE)


@dataclass(frozen=True)
class HostileAnswer:
    """One answer: what it writes, and the outcomes that are right."""

    name: str
    script: Script
    outcomes: tuple[str, ...]


async def _flow(writer: StreamWriter, pieces: Iterator[bytes]) -> None:
    """Write pieces as fast as the peer takes them, until it closes."""
    for piece in pieces:
        if writer.transport.is_closing():
            return
        writer.write(piece)
        await writer.drain()


def _says(*pieces: bytes, then: str = "close", each: float = 0.0) -> Script:
    """Write the pieces, ``each`` so many seconds apart, then close, reset or stall."""

    async def script(writer: StreamWriter) -> None:
        for piece in pieces:
            await _flow(writer, iter([piece]))
            await asyncio.sleep(each)
        if then == "stall":
            await asyncio.sleep(3600)
        elif then == "reset":
            reset(writer)

    return script


def _repeats(begin: bytes, piece: bytes, times: int, end: bytes = b"") -> Script:
    """Write a beginning, a piece so many times, in blocks of 64 KiB, and an end."""
    at_once = max(1, 65536 // len(piece))

    async def script(writer: StreamWriter) -> None:
        writer.write(begin)
        await _flow(writer, (piece * at_once for _ in range(times // at_once)))
        await _flow(writer, iter([piece * (times % at_once), end]))

    return script


def _drips(begin: bytes, dripped: bytes) -> Script:
    return _says(begin, *(dripped[at : at + 1] for at in range(len(dripped))), each=0.05)


def _coded(coding: str, body: bytes) -> Script:
    head = _OK + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return _says(head + body)


def _bomb(wbits: int, layers: int = 1) -> bytes:
    """Return 100 MB of blanks, compressed ``layers`` times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(100)) + packer.flush()
    for _ in range(layers - 1):
        packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
        packed = packer.compress(packed) + packer.flush()
    return packed


def _at_each_stage(then: str, *outcomes: str) -> Iterator[HostileAnswer]:
    stages = {
        "before the head": b"",
        "in the status line": b"HTTP/1.",
        "in the head": _OK[:-9],
        "behind the head": _SIZED,
        "in the body": _SIZED + _PAGE[:-5],
        "in a chunk's size": _CHUNKED + b"5\r\nabcde\r\n1",
        "in a chunk": _CHUNKED + b"64\r\nabc",
        "in the trailers": _CHUNKED + b"5\r\nabcde\r\n0\r\nX-A: b\r\n",
    }
    for stage, said in stages.items():
        yield HostileAnswer(f"{then} {stage}", _says(said, then=then), outcomes)


_GZIP, _DEFLATE = zlib.MAX_WBITS | 16, zlib.MAX_WBITS

ANSWERS = (
    *_at_each_stage("reset", _LOST, _LOSS),
    *_at_each_stage("stall", _TIMEOUT),
    # after the last chunk's size a close is an end
    *_at_each_stage("close", _LOST, _LOSS, *_READ),
    HostileAnswer("slow head", _drips(b"", _SIZED * 9), (_TIMEOUT,)),
    HostileAnswer("slow body", _drips(_SIZED, _PAGE), (_TIMEOUT,)),
    HostileAnswer("slow chunks", _drips(_CHUNKED, b"1\r\na\r\n" * 999), (_TIMEOUT,)),
    HostileAnswer("endless line", _repeats(_OK + b"X: ", b"a", 10**8), (_HEAD,)),
    HostileAnswer("endless status line", _repeats(b"HTTP/1.1 200 ", b"a", 10**8), (_HEAD, _LOST)),
    HostileAnswer("endless fields", _repeats(_OK, b"X-A: b\r\n", 10**7), (_HEAD,)),
    HostileAnswer("500,000 fields", _repeats(_OK, b"X:\r\n", 500_000, b"\r\n"), (_HEAD,)),
    HostileAnswer(
        "flood of 1xx", _repeats(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 10**6), (_HEAD,)
    ),
    HostileAnswer("blank lines", _repeats(b"", b"\r\n", 10**7), (_HEAD, _LOST)),
    HostileAnswer(
        "one-byte chunks", _repeats(_CHUNKED, b"1\r\na\r\n", 4_000_000, b"0\r\n\r\n"), (_LOSS,)
    ),
    HostileAnswer(
        "chunk extensions",
        _repeats(_CHUNKED, b"1;" + b"x" * 9000 + b"\r\na\r\n", 5000, b"0\r\n\r\n"),
        (_LOSS,),
    ),
    HostileAnswer("endless extension", _repeats(_CHUNKED + b"5;", b"x", 10**8), (_LOSS,)),
    HostileAnswer("endless trailers", _repeats(_CHUNKED + b"0\r\n", b"X: y\r\n", 10**7), (_LOSS,)),
    HostileAnswer("a chunk of 2^64", _says(_CHUNKED + b"ffffffffffffffff\r\nabc"), (_LOSS,)),
    HostileAnswer("a chunk of -1", _says(_CHUNKED + b"-1\r\nabc"), (_LOSS,)),
    HostileAnswer("a chunk of nothing", _says(_CHUNKED + b"\r\nabc"), (_LOSS,)),
    HostileAnswer("endless body", _repeats(_OK + b"\r\n", b"a", 10**9), (*_LARGE, _TIMEOUT)),
    HostileAnswer(
        "length of 10^30",
        _says(_OK + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n" + _PAGE),
        _READ,
    ),
    HostileAnswer(
        "length of 30 MB", _says(_OK + b"Content-Length: 30000000\r\n\r\n" + _PAGE), _LARGE
    ),
    HostileAnswer("length of -1", _says(_OK + b"Content-Length: -1\r\n\r\n" + _PAGE), _READ),
    HostileAnswer(
        "length too long", _says(_OK + b"Content-Length: 9999\r\n\r\n" + _PAGE), (_LOSS,)
    ),
    HostileAnswer(
        "lengths that differ",
        _says(_OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + _PAGE),
        _READ,
    ),
    HostileAnswer(
        "length and chunks",
        _says(_CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"),
        _READ,
    ),
    HostileAnswer(
        "unasked 304",
        _says(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        ("skipped/http_status", "failed/http_status"),
    ),
    HostileAnswer(
        "unasked 206",
        _says(_SIZED.replace(b"200 OK", b"206 Partial Content") + _PAGE),
        ("failed/http_status",),
    ),
    HostileAnswer("101", _says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + _PAGE), (_LOST,)),
    HostileAnswer("HTTP/0.9", _says(_PAGE), (_LOST,)),
    HostileAnswer("HTTP/2", _says(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4"), (_LOST,)),
    HostileAnswer("another protocol", _says(b"SSH-2.0-OpenSSH_9.6\r\n"), (_LOST,)),
    HostileAnswer("status 099", _says(b"HTTP/1.1 099 Odd\r\n\r\n"), (_LOST,)),
    HostileAnswer("NUL in the head", _says(_OK + b"X-A: \0\0\r\n\0: b\r\n\r\n" + _PAGE), _READ),
    HostileAnswer("gzip bomb", _coded("gzip", _bomb(_GZIP)), _LARGE),
    HostileAnswer("deflate bomb", _coded("deflate", _bomb(_DEFLATE)), _LARGE),
    HostileAnswer("nested bomb", _coded("gzip, gzip", _bomb(_GZIP, 2)), _LARGE),
    HostileAnswer(
        "a hundred codings", _coded(", ".join(["gzip"] * 100), _bomb(_GZIP)), (*_LARGE, *_READ)
    ),
)


@dataclass(frozen=True)
class HostileCrawl:
    """A crawl of an outlet that gives each answer to one article, as it ended.

    ``wrong`` are the answers with another outcome than they should have, with it; ``memory`` is the
    most that the crawl took, MiB, ``longest`` the longest of the answers, in seconds.
    """

    code: int
    err: str
    wrong: dict[str, str]
    stored: int
    plain: int
    memory: float
    longest: float


def crawl_hostile_outlet(folder: Path, *, plain: int = 20, **settings: str) -> HostileCrawl:
    """Crawl an outlet with every answer, and ``plain`` articles as they should be."""
    with site_of_today("etoday", len(ANSWERS) + plain) as site:
        named = dict(zip(site.ids(), ANSWERS, strict=False))
        for article_id, answer in named.items():
            site.fault(f"/view/{article_id}", "raw", script=answer.script)
        crawls = Crawls.into(folder, site)
        result, memory = measured(crawls, **settings)
        outcomes = crawls.outcomes()
        wrong = {
            answer.name: outcomes[article_id]
            for article_id, answer in named.items()
            if outcomes[article_id] not in answer.outcomes
        }
        raw = [entry for entry in site.log if entry.fault == "raw" and entry.ended]
        return HostileCrawl(
            code=result.code,
            err=result.err,
            wrong=wrong,
            stored=len(crawls.revisions()),
            plain=plain,
            memory=memory,
            longest=max(entry.ended - entry.started for entry in raw),
        )


#: Runs a command and writes down the most memory it took, KiB. A process of its own, since what is
#: told of a child begins with its parent's share, and the tests' process is large.
_WATCH = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def measured(crawls: Crawls, **settings: str) -> tuple[CommandResult, float]:
    """Crawl to the end; return what it said, and the most memory it took, MiB."""
    out, err, most = (crawls.workspace.folder / name for name in ("out", "err", "most"))
    with out.open("wb") as stdout, err.open("wb") as stderr:
        under = [sys.executable, "-c", _WATCH, str(most)]
        code = crawls.start(settings=settings, stdout=stdout, stderr=stderr, under=under).wait()
    result = CommandResult(code, out.read_text("utf-8"), err.read_text("utf-8"))
    return result, int(most.read_text()) / 1024
