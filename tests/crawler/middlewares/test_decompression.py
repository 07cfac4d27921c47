"""Content-encodings: decoded within a limit, and the archived bytes unchanged."""

from __future__ import annotations

import gzip
import random
import zlib
from contextlib import suppress

import brotli
import pytest

from archive.http.content_coding import NotEncodedError, SizeError, decode, decode_content
from archive.http.message import Head, MessageError
from tests.support.crawling.scrapy_crawls import crawl, response, serve
from tests.support.fault_server.bombs import bomb
from tests.support.sites.raw_servers import run

HOST = "www.example.com"
PAGE = (
    "<!DOCTYPE html><html><head><title>기록</title></head><body>"
    + "".join(random.Random(1).choices("가나다라마바사아자차카타파하 ", k=40_000))
    + "</body></html>"
).encode()
START = PAGE[:40].decode()
PACKED = gzip.compress(PAGE)
RAW = zlib.compress(PAGE)[2:-4]
HTML = {
    "status": 200,
    "class": "HtmlResponse",
    "size": len(PAGE),
    "start": START,
    "encoding": "",
    "flags": [],
}


def coded(body, *codings):
    return response(body, "200 OK", *(f"Content-Encoding: {coding}" for coding in codings))


WHOLE = {
    "/gzip": coded(PACKED, "gzip"),
    "/x-gzip": coded(PACKED, "x-gzip"),
    "/upper": coded(PACKED, " GZIP "),
    "/members": coded(gzip.compress(PAGE[:5000]) + gzip.compress(PAGE[5000:]), "gzip"),
    "/garbage-behind": coded(PACKED + b"\0" * 20, "gzip"),
    "/zlib": coded(zlib.compress(PAGE), "deflate"),
    "/raw-deflate": coded(RAW, "deflate"),
    "/br": coded(brotli.compress(PAGE, quality=5), "br"),
    "/twice": coded(brotli.compress(PACKED, quality=5), "gzip, br"),
    "/two-fields": coded(brotli.compress(PACKED, quality=5), "gzip", "br"),
    "/identity": coded(PAGE, "identity"),
    "/plain": response(PAGE),
    "/not-gzip": coded(PAGE, "gzip"),
    "/not-deflate": coded(PAGE, "deflate"),
    "/not-br": coded(PAGE, "br"),
}


@run
async def test_every_coding_becomes_the_page_and_the_exchange_keeps_what_was_served():
    async with serve(WHOLE) as www:
        seen = await crawl([f"http://{HOST}{path}" for path in WHOLE], {HOST: www})
        for path, answer in WHOLE.items():
            outcome = seen["outcomes"][f"http://{HOST}{path}"]
            assert outcome == HTML | {"kept": len(answer.partition(b"\r\n\r\n")[2])}, path
        assert all("\r\nAccept-Encoding: gzip\r\n" in kept[2] for kept in seen["kept"])
        stats = seen["stats"]
        assert stats["httpcompression/mislabelled"] == 3
        assert stats["httpcompression/response_count"] == len(WHOLE) - 1
        assert stats["httpcompression/response_bytes"] == len(PAGE) * (len(WHOLE) - 1)
        assert "httpcompression/damaged" not in stats


@run
async def test_what_cannot_be_decoded_whole_or_at_all():
    odd = bytearray(PACKED)
    odd[-6] ^= 1  # the check sum
    fields = b"Content-Encoding: gzip\r\nContent-Type: text/html\r\n"
    answers = {
        "/cut": coded(PACKED[: len(PACKED) // 2], "gzip"),
        "/no-end": coded(PACKED[:-5], "gzip"),
        "/check-sum": coded(bytes(odd), "gzip"),
        "/damaged": coded(PACKED[:9000] + b"\xff" * 16 + PACKED[9016:], "gzip"),
        "/empty": coded(b"", "gzip"),
        "/zstd": coded(b"\x28\xb5\x2f\xfd" + b"\0" * 50, "zstd"),
        "/head": b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 100\r\n\r\n",
        "/304": b"HTTP/1.1 304 Not Modified\r\n" + fields + b"\r\n",
    }
    async with serve(answers) as www:
        urls = {path: f"http://{HOST}{path}" for path in answers}
        meta = {urls["/304"]: {"handle_httpstatus_all": True}}
        seen = await crawl(
            list(urls.values()), {HOST: www}, meta=meta, methods={urls["/head"]: "HEAD"}
        )
        got = {path: seen["outcomes"][url] for path, url in urls.items()}
        assert len(PAGE) // 3 < got["/cut"]["size"] < len(PAGE)
        assert got["/no-end"]["size"] == got["/check-sum"]["size"] == len(PAGE)
        assert 0 < got["/damaged"]["size"] < len(PAGE)
        for path in ("/cut", "/no-end", "/check-sum", "/damaged"):
            assert (got[path]["start"], got[path]["flags"], got[path]["class"]) == (
                START,
                ["dataloss"],
                "HtmlResponse",
            )
        assert (got["/empty"]["size"], got["/empty"]["class"], got["/empty"]["encoding"]) == (
            0,
            "HtmlResponse",
            "",
        )
        assert (got["/zstd"]["size"], got["/zstd"]["encoding"], got["/zstd"]["flags"]) == (
            54,
            "zstd",
            [],
        )
        assert (got["/head"]["size"], got["/head"]["encoding"]) == (0, "gzip")
        assert (got["/304"]["status"], got["/304"]["encoding"]) == (304, "gzip")
        stats = {
            key: value for key, value in seen["stats"].items() if key.startswith("httpcompression/")
        }
        assert stats.pop("httpcompression/response_bytes") > 0
        assert stats == {
            "httpcompression/damaged": 4,
            "httpcompression/unknown": 1,
            "httpcompression/response_count": 5,
        }


@run
async def test_bombs_are_refused_in_bounded_memory():
    answers = {
        "/gzip": coded(bomb(500, "gzip"), "gzip"),
        "/br": coded(bomb(500, "br"), "br"),
        "/deflate": coded(zlib.compress(b" " * 2**27), "deflate"),
        "/nested": coded(gzip.compress(bomb(500, "gzip")), "gzip, gzip"),
        "/members": coded(gzip.compress(b"") * 2**19, "gzip"),
        "/cut": coded(bomb(500, "gzip")[:-9], "gzip"),
    }
    async with serve(answers) as www:
        calm = await crawl([f"http://{HOST}/page"], {HOST: www})
        seen = await crawl(
            [f"http://{HOST}{path}" for path in answers], {HOST: www}, DOWNLOAD_MAXSIZE=20 * 2**20
        )
        print("peak", seen["peak_mb"], "MB with bombs,", calm["peak_mb"], "MB without")
        outcomes = {path: seen["outcomes"][f"http://{HOST}{path}"] for path in answers}
        assert outcomes.pop("/members")["flags"] == ["dataloss"]
        assert set(outcomes.values()) == {"too_large"}
        assert seen["stats"]["httpcompression/too_large"] == 5
        assert len(seen["kept"]) == 7
        assert seen["peak_mb"] < 300
        assert seen["peak_mb"] - calm["peak_mb"] < 150


@run
async def test_a_request_has_its_own_limit_and_0_is_none():
    page = coded(PACKED, "gzip")
    async with serve({"/small": page, "/none": page, "/exact": page}) as www:
        urls = [f"http://{HOST}/{path}" for path in ("small", "none", "exact")]
        sizes = [len(PAGE) - 1, 0, len(PAGE)]
        meta = {url: {"download_maxsize": size} for url, size in zip(urls, sizes, strict=True)}
        seen = await crawl(urls, {HOST: www}, meta=meta, DOWNLOAD_MAXSIZE=len(PACKED) + 1)
        assert seen["outcomes"][urls[0]] == "too_large"
        assert seen["outcomes"][urls[1]]["size"] == seen["outcomes"][urls[2]]["size"] == len(PAGE)


@run
async def test_what_a_request_decodes_to_may_have_a_limit_of_its_own():
    page = coded(PACKED, "gzip")
    async with serve({"/small": page, "/exact": page}) as www:
        urls = [f"http://{HOST}/{path}" for path in ("small", "exact")]
        sizes = [len(PAGE) - 1, len(PAGE)]
        meta = {url: {"decoded_maxsize": size} for url, size in zip(urls, sizes, strict=True)}
        seen = await crawl(urls, {HOST: www}, meta=meta, DOWNLOAD_MAXSIZE=len(PACKED) + 1)
        assert seen["outcomes"][urls[0]] == "too_large"
        assert seen["outcomes"][urls[1]]["size"] == len(PAGE)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_every_prefix_decodes_to_a_prefix(coding):
    text = PAGE[:600]
    data = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[coding](text)
    for end in range(len(data)):
        with suppress(NotEncodedError):
            assert text.startswith(decode(data[:end], [coding], 10_000, salvage=True))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_random_damage_neither_raises_nor_grows(coding):
    data = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[coding](
        PAGE[:4000]
    )
    chance = random.Random(2)
    for _ in range(500):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 5)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        with suppress(NotEncodedError, SizeError):
            assert len(decode(bytes(broken), [coding], 50_000, salvage=True)) <= 50_000


def test_very_many_members_take_no_time():
    head = Head("HTTP/1.1", 200, "", (("Content-Encoding", "gzip"),))
    assert decode_content(head, gzip.compress(b"ab") * 1000, 2000) == b"ab" * 1000
    with pytest.raises(MessageError, match="more than 1000 members"):
        decode_content(head, gzip.compress(b"") * 1001, 2000)


@pytest.mark.parametrize("size", [60_000, 65_536, 101_981, 400_000])
@pytest.mark.parametrize("salvage", [False, True])
def test_brotli_gives_all_of_a_page_that_packs_well(size: int, salvage: bool) -> None:
    page = ("<p>기록은 하루를 남긴다</p>\n" * (size // 20)).encode()[:size]
    assert decode(brotli.compress(page), ["br"], size, salvage=salvage) == page
