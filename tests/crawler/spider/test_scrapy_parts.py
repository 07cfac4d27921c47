"""The project's settings leave Scrapy's engine as documented: its signals, stats and order."""

from __future__ import annotations

from tests.support.crawling.scrapy_crawls import crawl, response, serve
from tests.support.sites.raw_servers import run

HOST = "www.example.com"


@run
async def test_every_documented_signal_of_a_request_is_sent():
    extensions = {"__main__.SignalCounter": 1}
    moved = response(b"", "302 Found", f"Location: http://{HOST}/0")
    async with serve({"/moved": moved}) as www:
        urls = [f"http://{HOST}/{path}" for path in ("0", "1", "moved")]
        seen = await crawl(urls, {HOST: www}, EXTENSIONS=extensions)
    sent = {
        name.removeprefix("signal/"): count
        for name, count in seen["stats"].items()
        if name.startswith("signal/")
    }
    exchanges = 5  # robots.txt, three pages, and the page that one of them redirects to
    assert len(www.log) == exchanges
    assert sent == {
        "engine_started": 1,
        "spider_opened": 1,
        "request_scheduled": 4,
        "request_reached_downloader": exchanges,
        "headers_received": exchanges,
        "bytes_received": 3,
        "response_downloaded": exchanges,
        "request_left_downloader": exchanges,
        "response_received": 4,
        "spider_idle": 1,
        "spider_closed": 1,
    }


@run
async def test_every_documented_stat_of_a_crawl_is_kept():
    async with serve() as www:
        seen = await crawl(
            [f"http://{HOST}/{number}" for number in range(3)],
            {HOST: www},
            meta={f"http://{HOST}/2": {"download_timeout": 60}},
        )
    stats = seen["stats"]
    assert {name: stats.get(name) for name in DOCUMENTED} == DOCUMENTED
    for name in ("downloader/request_bytes", "downloader/response_bytes", "elapsed_time_seconds"):
        assert stats[name] > 0


#: The robots.txt and three pages.
DOCUMENTED = {
    "downloader/request_count": 4,
    "downloader/request_method_count/GET": 4,
    "downloader/response_count": 4,
    "downloader/response_status_count/200": 3,
    "downloader/response_status_count/404": 1,
    "finish_reason": "finished",
    "response_received_count": 4,
    "scheduler/dequeued": 3,
    "scheduler/dequeued/memory": 3,
    "scheduler/enqueued": 3,
    "scheduler/enqueued/memory": 3,
}


@run
async def test_a_request_that_fails_is_counted_and_leaves_the_downloader():
    extensions = {"__main__.SignalCounter": 1}
    async with serve({"/0": response(b"12345")}) as www:
        seen = await crawl(
            [f"http://{HOST}/0"], {HOST: www}, EXTENSIONS=extensions, DOWNLOAD_MAXSIZE=3
        )
    stats = seen["stats"]
    assert stats["downloader/exception_count"] == 1
    assert stats["signal/request_left_downloader"] == 2
    assert stats["signal/response_downloaded"] == 1


@run
async def test_requests_of_one_priority_are_sent_in_the_order_of_their_creation():
    async with serve() as www:
        urls = [f"http://{HOST}/{number}" for number in range(12)]
        await crawl(urls, {HOST: www}, CONCURRENT_REQUESTS=1)
    assert www.pages() == [f"/{number}" for number in range(12)]


@run
async def test_scrapy_s_slots_add_no_delay_to_the_pace():
    async with serve() as www:
        urls = [f"http://{HOST}/{number}" for number in range(3)]
        await crawl(urls, {HOST: www}, DOWNLOAD_DELAY=1, DOWNLOAD_DELAY_JITTER=0)
    print("gaps at a delay of 1 s:", www.gaps())
    assert 3 * 1 - 0.5 <= www.span() < 3 * 2  # each may be sent a little late


@run
async def test_no_referer_is_sent_after_a_redirect_whatever_its_policy_says():
    moved = response(b"", "302 Found", "Location: /1", "Referrer-Policy: unsafe-url")
    async with serve({"/0": moved}) as www:
        seen = await crawl([f"http://{HOST}/0"], {HOST: www})
    assert www.pages() == ["/0", "/1"]
    assert all("referer:" not in request.lower() for _, _, request in seen["kept"])
    assert "WARNING" not in seen["log"]
