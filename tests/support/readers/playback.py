"""An archive that holds every kind of record we write, for those who play it back."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import Index
from archive.model.exchange import Exchange, content_urn
from archive.model.outcome import Outcome, Verdict
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from archive.warc import record_writer as warc
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from pipelines.page import Page, Rules
from tests.support.documents import SEEDS

if TYPE_CHECKING:
    from tests.support.processes.cli import Workspace

HEADLINE_URL = "https://www.newspim.com/news/view/20180302999902"
HEADLINE = "별섬 우체국"
UTF8 = (SEEDS / "etoday" / "own-desktop-2020.html").read_bytes()
EUC_KR = (SEEDS / "newspim" / "own-desktop-2018-euckr.html").read_bytes()
ETODAY = "https://www.etoday.co.kr/news/view/"


def at(hour: int) -> datetime:
    return datetime(2024, 5, 7, hour, 0, tzinfo=UTC)


def head(*fields: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode("latin-1")


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def every_kind() -> list[tuple[str, str, Exchange]]:
    """Name, outlet and exchange of each; the last two repeat what came before."""
    html, utf8, euc_kr = (
        "Content-Type: text/html",
        "Content-Type: text/html; charset=utf-8",
        "charset=euc-kr",
    )
    packed = gzip.compress(UTF8, mtime=0)
    coded = head(utf8, "Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    made: list[tuple[str, str, int, bytes, bytes]] = [
        ("plain", f"{ETODAY}9000000002", 1, head(utf8, f"Content-Length: {len(UTF8)}"), UTF8),
        ("gzip", f"{ETODAY}9000000003", 1, coded, packed),
        (
            "chunked",
            f"{ETODAY}9000000004",
            1,
            head(utf8, "Transfer-Encoding: chunked"),
            chunked(UTF8),
        ),
        (
            "chunked-gzip",
            f"{ETODAY}9000000005",
            1,
            head(utf8, "Transfer-Encoding: chunked", "Content-Encoding: gzip"),
            chunked(packed),
        ),
        (
            "euc-kr",
            HEADLINE_URL,
            1,
            head(f"{html}; {euc_kr}", f"Content-Length: {len(EUC_KR)}"),
            EUC_KR,
        ),
        (
            "euc-kr-unsaid",
            "https://www.newspim.com/news/view/20180302999903",
            1,
            head(html, f"Content-Length: {len(EUC_KR)}"),
            EUC_KR,
        ),
        (
            "redirect",
            "https://m.newspim.com/news/view/20180302999902",
            1,
            head(f"Location: {HEADLINE_URL}", "Content-Length: 0", status="301 Moved Permanently"),
            b"",
        ),
        (
            "missing",
            f"{ETODAY}1",
            1,
            head(utf8, "Content-Length: 2", status="404 Not Found"),
            b"no",
        ),
        (
            "korean-address",
            "https://www.newspim.com/search?q=%ED%91%B8%ED%8B%B4&p=1",
            1,
            head(utf8, f"Content-Length: {len(UTF8)}"),
            UTF8,
        ),
        ("resource", f"{ETODAY}9000000006", 1, b"", UTF8),
        ("text", "", 1, b"", (SEEDS / "etoday" / "own-text.txt").read_bytes()),
        ("gzip", f"{ETODAY}9000000003", 2, coded, packed),
        ("not-modified", HEADLINE_URL, 2, head(status="304 Not Modified"), b""),
    ]
    return [
        (
            name,
            "newspim" if "newspim" in url else "etoday",
            Exchange(
                url=url or content_urn(body),
                captured_at=at(hour),
                head=answer,
                body=body,
                ip_address="192.0.2.1",
                request=b"GET / HTTP/1.1\r\nHost: x.kr\r\n\r\n" if answer else b"",
                media_type="" if answer else "text/html" if url else "text/plain",
            ),
        )
        for name, url, hour, answer, body in made
    ]


def archive_of_every_kind(workspace: Workspace) -> None:
    """Keep all of them as a crawl does: the repeating ones as revisits of the committed first."""
    with (
        Index(workspace.index_url) as index,
        SegmentWriter(workspace.archive, job="playback", host="t") as segments,
    ):
        store = CaptureStore(segments, index, RunRecorder("playback"), lambda _: None)
        first: dict[str, warc.RevisitOf] = {}
        for name, outlet, exchange in every_kind():
            source = f"made#{name}"
            original = first.get(exchange.url)
            if original is not None:
                page = Page(
                    exchange=exchange,
                    outlet=outlet,
                    rules=Rules(),
                    source=source,
                    verdict=Verdict(Outcome.UNCHANGED),
                )
                store.append(page, original)
            else:
                store.add_page(read_exchange(exchange, outlet_named(outlet), source))
            store.flush()
            row = workspace.rows("captures")[-1]
            first.setdefault(
                exchange.url,
                warc.RevisitOf(
                    exchange.url, exchange.captured_at, row["payload_digest"], row["record_id"]
                ),
            )
        store.close()
