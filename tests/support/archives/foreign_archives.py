"""Web archives in the shape that other tools write them, with our own pages in them, for tests of their import.

The shapes are written from what the tools' own files look like: field for field, in their order,
with their digests.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING

from tests.support.documents import SEEDS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (SEEDS / "etoday" / "own-desktop-2020.html").read_bytes()
URL = "https://www.etoday.co.kr/news/view/9000000002"
HTTP_1_0 = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
HTTP_1_1 = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
REQUEST = (
    b"GET /news/view/9000000002 HTTP/1.1\r\nHost: www.etoday.co.kr\r\nCookie: id=secret\r\n\r\n"
)
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
    % len(PAGE)
)


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def rec(version: str, kind: str, number: int | str, block: bytes, **fields: str) -> bytes:
    """One record, uncompressed; a field's underscores are hyphens."""
    lines = [f"WARC/{version}", f"WARC-Type: {kind}", f"WARC-Record-ID: <urn:uuid:{number}>"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return (
        "\r\n".join([*lines, f"Content-Length: {len(block)}", "", ""]).encode()
        + block
        + b"\r\n\r\n"
    )


def packed(*records: bytes) -> bytes:
    """The records as gzip members."""
    return b"".join(map(gzip.compress, records))


def date(day: int = 1) -> str:
    return f"2024-03-{day:02d}T03:04:05Z"


def browsertrix() -> list[bytes]:
    """A response with its request, what the crawler notes of the page, and a revisit; WARC/1.1, sha256 in hex."""
    about = "software: Browsertrix-Crawler 1.5.0 (with warcio.js 2.4.0)\r\nformat: WARC File Format 1.1\r\n"
    http = {"Content_Type": "application/http; msgtype=response"}
    facts = {"WARC_Target_URI": URL, "WARC_Date": date(), "WARC_Payload_Digest": sha256(PAGE)}
    again = {"WARC_Target_URI": URL, "WARC_Date": date(2), "WARC_Payload_Digest": sha256(PAGE)}
    note = {
        "WARC_Target_URI": f"urn:pageinfo:{URL}",
        "WARC_Date": date(),
        "Content_Type": "application/json",
    }
    text = {"WARC_Target_URI": f"urn:text:{URL}", "WARC_Date": date(), "Content_Type": "text/plain"}
    return [
        rec(
            "1.1", "warcinfo", "b0", about.encode(), WARC_Filename="rec-0.warc.gz", WARC_Date=date()
        ),
        rec(
            "1.1",
            "response",
            "b1",
            HEAD + PAGE,
            **facts,
            **http,
            WARC_Block_Digest=sha256(HEAD + PAGE),
        ),
        rec(
            "1.1",
            "request",
            "b2",
            REQUEST,
            **facts,
            WARC_Concurrent_To="<urn:uuid:b1>",
            Content_Type="application/http; msgtype=request",
        ),
        rec("1.1", "resource", "b3", b'{"pageid": "1"}', **note),
        rec("1.1", "resource", "b4", (SEEDS / "etoday" / "own-text.txt").read_bytes(), **text),
        rec(
            "1.1",
            "revisit",
            "b5",
            HEAD,
            **again,
            **http,
            WARC_Profile=HTTP_1_1,
            WARC_Refers_To_Target_URI=URL,
            WARC_Refers_To_Date=date(),
        ),
        rec(
            "1.1",
            "request",
            "b6",
            REQUEST,
            **again,
            WARC_Concurrent_To="<urn:uuid:b5>",
            Content_Type="application/http; msgtype=request",
        ),
    ]


def heritrix() -> list[bytes]:
    """A look-up, a response with request and metadata, and a revisit cut to its head; WARC/1.0, sha1 in Base32."""
    about = "software: Heritrix/3.4.0-20210923 http://crawler.archive.org\r\nisPartOf: news\r\noperator: 도서관\r\n"
    at = {"WARC_Target_URI": URL, "WARC_Date": date(), "WARC_IP_Address": "203.0.113.9"}
    again = {"WARC_Target_URI": URL, "WARC_Date": date(2), "WARC_Payload_Digest": sha1(PAGE)}
    to = {"WARC_Concurrent_To": "<urn:uuid:h1>"}
    answer, fields = "application/http; msgtype=response", "application/warc-fields"
    return [
        rec(
            "1.0",
            "warcinfo",
            "h0",
            about.encode(),
            WARC_Date=date(),
            WARC_Filename="NEWS-0.warc.gz",
            Content_Type=fields,
        ),
        rec(
            "1.0",
            "response",
            "hd",
            b"20240301030405\nwww.etoday.co.kr.\t60\tIN\tA\t203.0.113.9\n",
            WARC_Target_URI="dns:www.etoday.co.kr",
            WARC_Date=date(),
            Content_Type="text/dns",
        ),
        rec(
            "1.0",
            "response",
            "h1",
            HEAD + PAGE,
            **at,
            WARC_Payload_Digest=sha1(PAGE),
            Content_Type=answer,
        ),
        rec(
            "1.0",
            "request",
            "h2",
            REQUEST,
            **at,
            **to,
            Content_Type="application/http; msgtype=request",
        ),
        rec("1.0", "metadata", "h3", b"fetchTimeMs: 20\r\n", **at, **to, Content_Type=fields),
        rec(
            "1.0",
            "revisit",
            "h4",
            HEAD,
            **again,
            WARC_Profile=HTTP_1_0,
            WARC_Truncated="length",
            Content_Type=answer,
        ),
        rec(
            "1.0",
            "metadata",
            "h5",
            b"fetchTimeMs: 9\r\n",
            WARC_Target_URI=URL,
            WARC_Date=date(2),
            WARC_Concurrent_To="<urn:uuid:h4>",
            Content_Type=fields,
        ),
    ]


def common_crawl() -> list[bytes]:
    """A request, then its response: decoded before it was kept, what the server said of the coding renamed."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX-Crawler-Content-Encoding: gzip\r\n"
        b"X-Crawler-Transfer-Encoding: chunked\r\nX-Crawler-Content-Length: 2717\r\nContent-Length: %d\r\n\r\n"
        % len(PAGE)
    )
    at = {"WARC_Target_URI": URL, "WARC_Date": date(), "WARC_Warcinfo_ID": "<urn:uuid:c0>"}
    return [
        rec(
            "1.0",
            "warcinfo",
            "c0",
            b"software: StormCrawler 2.10\r\nisPartOf: CC-NEWS\r\n",
            WARC_Date=date(),
        ),
        rec(
            "1.0",
            "request",
            "c1",
            REQUEST,
            **at,
            WARC_Block_Digest=sha1(REQUEST),
            Content_Type="application/http; msgtype=request",
        ),
        rec(
            "1.0",
            "response",
            "c2",
            head + PAGE,
            **at,
            WARC_Concurrent_To="<urn:uuid:c1>",
            WARC_Payload_Digest=sha1(PAGE),
            WARC_Block_Digest=sha1(head + PAGE),
            Content_Type="application/http; msgtype=response",
        ),
    ]


def decoded_under_its_old_head() -> list[bytes]:
    """A body that was decoded while its head still says how it was coded, and how long it was then."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\n"
        b"Transfer-Encoding: chunked\r\nContent-Length: 2717\r\n\r\n"
    )
    at = {
        "WARC_Target_URI": URL,
        "WARC_Date": date(),
        "Content_Type": "application/http; msgtype=response",
    }
    return [rec("1.0", "response", "d1", head + PAGE, **at)]


def wacz(
    path: Path, *warcs: tuple[str, bytes], how: int = zipfile.ZIP_STORED, about: object = None
) -> Path:
    """A WACZ that holds these files, as Browsertrix lays it out."""
    facts = about or {
        "profile": "data-package",
        "wacz_version": "1.1.1",
        "software": "Browsertrix 1.5",
        "title": "수집",
    }
    with zipfile.ZipFile(path, "w", how) as package:
        for name, data in warcs:
            package.writestr(name, data)
        package.writestr("indexes/index.cdxj", "")
        package.writestr("pages/pages.jsonl", '{"format": "json-pages-1.0"}\n')
        package.writestr("datapackage.json", json.dumps(facts))
    return path


def zipped(entries: list[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for entry, data in entries:
            package.writestr(entry, data)
    return out.getvalue()
