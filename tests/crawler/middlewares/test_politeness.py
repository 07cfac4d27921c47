"""The pace of a host: delays, holds, abandoned hosts, and the end of a crawl."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from scrapy.utils.test import get_crawler

from crawler.middlewares.pace import AdaptiveDelay, Backoff, CrawlStopped, HostBusy, Pace
from crawler.middlewares.pacing import PaceMiddleware, RetryAfterMiddleware, retry_after
from tests.support.crawling.leaping_loop import leaping
from tests.support.crawling.scrapy_crawls import crawl, response, serve
from tests.support.sites.raw_servers import run

HOST, OTHER = "www.example.com", "www.example.net"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 400, float("9" * 12)),
        ("Sun, 22 Nov 2026 12:02:00 GMT", 120.0),
        ("Sun, 22 Nov 2026 21:02:00 +0900", 120.0),
        ("Sunday, 22-Nov-26 12:02:00 GMT", 120.0),
        ("Sun Nov 22 12:02:00 2026", 120.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Sun, 99 Nov 2026 99:00:00 GMT", None),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("Fri, 31 Dec 2026 99999999999999999999:59:59 GMT", None),
        ("Fri, 31 Dec 2026 23:59:59 +9999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("asked", "times", "chance", "seconds"),
    [
        (None, 1, 0.0, 5.0),
        (None, 1, 1.0, 7.5),
        (None, 4, 0.0, 40.0),
        (None, 10**6, 0.0, 5.0 * 2**60),
        (1.0, 1, 1.0, 1.0),
        (0.0, 1, 1.0, 0.0),
        (1.0, 2, 1.0, 5.0),
        (1.0, 4, 1.0, 20.0),
        (100.0, 4, 1.0, 100.0),
    ],
)
def test_waits_double_and_a_retry_after_is_obeyed_once(asked, times, chance, seconds):
    assert Backoff(5.0, 600.0).seconds(asked, times, chance) == seconds


@pytest.mark.parametrize(
    ("delay", "latency", "ok", "new"),
    [
        (1.0, 0.5, True, 0.75),
        (1.0, 3.0, True, 3.0),
        (1.0, 99.0, True, 60.0),
        (1.0, 0.1, False, 1.0),
        (1.0, 2.0, False, 2.0),
    ],
)
def test_the_delay_follows_the_latency_and_errors_do_not_shorten_it(delay, latency, ok, new):
    assert AdaptiveDelay(1.0, 60.0, 1.0).adapted(delay, latency, ok=ok) == new


def pace(**more):
    return Pace(
        **{"concurrency": 1, "delay": 0.0, "jitter": 0.0, "backoff": Backoff(0.05, 10.0), **more}
    )


@leaping
async def test_turns_come_in_order_and_no_more_at_once_than_allowed():
    ours = pace(concurrency=2)
    order: list[int] = []
    turns = []

    async def one(number):
        turns.append(await ours.turn("a"))
        order.append(number)

    tasks = [asyncio.ensure_future(one(number)) for number in range(4)]
    await asyncio.wait(tasks, timeout=60)
    assert order == [0, 1]
    for _ in range(2):
        ours.done(turns[0])  # the second time changes nothing
    await asyncio.wait(tasks[:3])
    assert order == [0, 1, 2]
    ours.done(turns[1])
    await asyncio.wait(tasks)
    await asyncio.wait_for(ours.turn("b"), 1)


@leaping
async def test_jitter_may_shorten_a_delay_but_never_a_floor():
    loop = asyncio.get_running_loop()
    ours = pace(concurrency=9, delay=0.1, jitter=0.5, chance=lambda: 0.0)
    times = []
    for number in range(4):
        if number == 2:
            ours.at_least("a", "robots", 0.15)
        await ours.turn("a")
        times.append(loop.time())
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == pytest.approx([0.05, 0.15, 0.15])


@leaping
async def test_a_turn_that_is_not_taken_goes_to_the_next_request():
    ours = pace()
    first = await ours.turn("a")
    second, third = (asyncio.ensure_future(ours.turn("a")) for _ in range(2))
    await asyncio.sleep(0)
    ours.done(first)
    second.cancel()  # its turn has just come
    await asyncio.wait_for(third, 1)
    assert second.cancelled()


@leaping
async def test_a_turn_whose_request_was_lost_is_given_back():
    lost = []
    ours = pace(lost=lambda: [lost.pop()] if lost else [])
    lost.append(await ours.turn("a"))
    await asyncio.wait_for(ours.turn("a"), 1)


@leaping
async def test_a_burst_of_busy_answers_is_one_wait():
    ours = pace(concurrency=8)
    for _ in range(8):
        await ours.turn("a")
    assert all(0 < ours.busy("a", None) <= 0.075 for _ in range(8))
    assert ours.abandoned("a") == ""


@leaping
async def test_all_requests_waiting_for_a_host_given_up_fail_and_no_others():
    ours = pace()
    await ours.turn("a")
    waiting = asyncio.ensure_future(ours.turn("a"))
    await asyncio.sleep(0)
    assert ours.busy("a", 11.0) < 0
    with pytest.raises(HostBusy, match="a asks for a wait of 11 s"):
        await waiting
    with pytest.raises(HostBusy):
        await ours.turn("a")
    await ours.turn("b")


@leaping
async def test_a_crawl_that_stops_leaves_no_request_waiting():
    stopping = False
    ours = pace(stopping=lambda: stopping)
    await ours.turn("a")
    waiting = asyncio.ensure_future(ours.turn("a"))
    await asyncio.sleep(0)
    stopping = True
    with pytest.raises(CrawlStopped):
        await asyncio.wait_for(waiting, 1)


@leaping
async def test_a_bug_in_the_question_whether_the_crawl_stops_ends_no_checks():
    answers = iter([RuntimeError("planted"), True])
    said: list[object] = []

    def stopping() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    ours = pace(stopping=stopping)
    await ours.turn("a")
    with pytest.raises(CrawlStopped):
        await asyncio.wait_for(ours.turn("a"), 5)
    assert len(said) == 1


@run
async def test_retry_after_holds_the_host_and_no_other():
    def busy_once(times):
        return (
            response(b"busy", "429 Too Many Requests", "Retry-After: 5")
            if times == 1
            else response(b"ok")
        )

    async with serve({"*": busy_once}) as www, serve() as other:
        urls = [f"http://{host}/{n}" for n in range(4) for host in (HOST, OTHER)]
        seen = await crawl(urls, {HOST: www, OTHER: other})
        print("gaps of the host that asked for 5 s:", www.gaps(), "of the other:", other.gaps())
        first, *others = www.pages()
        assert sorted(others) == ["/0", "/1", "/2", "/3"]
        asked = www.times(first)[0]
        assert all(when - asked >= 4.5 for when in www.times()[2:])
        assert other.times()[-1] < www.times()[2] - 1  # long before anything is sent again
        assert {outcome["status"] for outcome in seen["outcomes"].values()} == {200}
        assert seen["stats"]["retry/count"] == 1
        assert seen["stats"]["pace/holds"] == 1
        assert [kept[0] for kept in seen["kept"]].count(f"http://{HOST}{first}") == 2


@run
async def test_many_requests_to_a_paused_host_delay_no_other_host():
    def busy_once(times):
        return (
            response(b"busy", "429 Too Many Requests", "Retry-After: 5")
            if times == 1
            else response(b"ok")
        )

    async with serve({"*": busy_once}) as www, serve() as other:
        urls = [f"http://{HOST}/{n}" for n in range(64)] + [f"http://{OTHER}/{n}" for n in range(4)]
        seen = await crawl(urls, {HOST: www, OTHER: other})
        assert len(other.pages()) == 4
        assert other.times()[-1] < www.times()[2] - 1  # long before anything is sent again
        assert {outcome["status"] for outcome in seen["outcomes"].values()} == {200}


@run
async def test_retry_after_may_be_a_date():
    until = []

    def busy_once(times):
        if times > 1:
            return response(b"ok")
        until.append(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2))
        return response(b"", "503 Busy", f"Retry-After: {format_datetime(until[0], usegmt=True)}")

    async with serve({"*": busy_once}) as www:
        away = time.time() - time.monotonic()
        await crawl([f"http://{HOST}/{n}" for n in range(2)], {HOST: www})
        assert all(when + away >= until[0].timestamp() - 0.01 for when in www.times()[2:])
        assert len(www.pages()) == 3


@run
async def test_without_a_retry_after_the_holds_double():
    def busy_twice(times):
        return response(b"", "503 Busy") if times < 3 else response(b"ok")

    async with serve({"/0": busy_twice}) as www:
        seen = await crawl([f"http://{HOST}/0"], {HOST: www}, RETRY_BACKOFF=1)
        print("gaps with holds of 1 s doubled, up to half of it more:", www.gaps()[1:])
        first, second = www.gaps()[1:]
        assert first >= 0.75
        assert second >= 1.75
        # Of both, without what a busy machine adds: 2 to 3 s if they did not double.
        assert 3 < seen["stats"]["pace/held_seconds"] <= 4.5
        assert seen["outcomes"][f"http://{HOST}/0"]["status"] == 200


@run
async def test_a_host_that_asks_for_too_much_is_given_up_for_the_run():
    async with (
        serve({"*": response(b"", "503 Busy", "Retry-After: 3600")}) as www,
        serve() as other,
    ):
        urls = [f"http://{host}/{n}" for n in range(4) for host in (HOST, OTHER)]
        seen = await crawl(urls, {HOST: www, OTHER: other}, RETRY_AFTER_MAX=600)
        assert len(www.pages()) == 1
        assert len(other.pages()) == 4
        assert [seen["outcomes"][url] for url in urls if HOST in url] == ["host_busy"] * 4
        assert seen["stats"]["pace/hosts_abandoned"] == 1
        assert seen["stats"]["pace/refused/host_busy"] == 3


@run
async def test_a_host_that_is_always_busy_is_given_up_in_bounded_time():
    async with serve({"*": response(b"", "429 Too Many Requests", "Retry-After: 0")}) as www:
        urls = [f"http://{HOST}/{n}" for n in range(40)]
        seen = await crawl(urls, {HOST: www}, RETRY_BACKOFF=0.02, RETRY_AFTER_MAX=0.5)
        assert len(www.pages()) <= 7
        assert list(seen["outcomes"].values()).count("host_busy") >= 38


@run
async def test_each_request_is_tried_as_often_as_retry_times_says_and_then_answered():
    async with serve({"*": response(b"", "503 Busy", "Retry-After: 0")}) as www:
        url, other = f"http://{HOST}/0", f"http://{HOST}/0?once"
        seen = await crawl(
            [url, other],
            {HOST: www},
            chain=True,
            meta={other: {"dont_retry": True}},
            RETRY_BACKOFF=0.01,
        )
        assert www.pages() == ["/0"] * 3 + ["/0?once"]
        assert seen["outcomes"][url]["status"] == 503
        assert seen["stats"]["retry/count"] == 2
        assert seen["stats"]["retry/max_reached"] == 1
        assert seen["stats"]["retry/reason_count/503 Service Unavailable"] == 2


@pytest.mark.parametrize("concurrency", [1, 4])
@run
async def test_no_more_requests_than_allowed_are_under_way_at_a_host(concurrency):
    async with serve(seconds=0.02) as www:
        urls = [f"http://{HOST}/{n}" for n in range(16)]
        seen = await crawl(
            urls, {HOST: www}, CONCURRENT_REQUESTS_PER_DOMAIN=concurrency, CONCURRENT_REQUESTS=16
        )
        assert len(seen["outcomes"]) == 16
        assert www.most == concurrency


@run
async def test_a_redirect_to_another_host_goes_by_that_hosts_pace():
    async with serve() as www, serve() as other:
        for number in range(2):
            www.answers[f"/{number}"] = response(
                b"", "302 Found", f"Location: http://{OTHER}/{number}"
            )
        slots = {OTHER: {"delay": 3, "jitter": 0}}
        await crawl(
            [f"http://{HOST}/{n}" for n in range(2)],
            {HOST: www, OTHER: other},
            DOWNLOAD_SLOTS=slots,
        )
        assert len(www.pages()) == len(other.pages()) == 2
        # Of two delays and of none: a busy machine sends a request late.
        assert www.span() < 1.5 * 3 < other.span()


@pytest.mark.parametrize(
    ("answers", "settings", "logged"),
    [
        (
            {"*": response(b"", "503 Busy", "Retry-After: 500")},
            {},
            "no requests are sent to it for 500.0 s",
        ),
        (
            {"/robots.txt": response(b"", "503 Busy", "Retry-After: 500")},
            {},
            "no requests are sent to it for 500.0 s",
        ),
        (
            {"/robots.txt": response(b"User-agent: *\nCrawl-delay: 500")},
            {"LOG_LEVEL": "DEBUG", "ROBOTS_MAX_DELAY": 500},
            "Crawled (200)",
        ),
    ],
    ids=["page", "robots", "crawl-delay"],
)
@run
async def test_ctrl_c_ends_within_seconds_while_a_host_is_waited_for(answers, settings, logged):
    async with serve(answers) as www:
        urls = [f"http://{HOST}/{n}" for n in range(6)]
        seen = await crawl(urls, {HOST: www}, interrupt=logged, CONCURRENT_REQUESTS=4, **settings)
        print("ended after", round(seen["ended_after"], 2), "s")
        assert seen["ended_after"] < 60  # and not 500
        assert seen["stats"]["finish_reason"] == "shutdown"
        assert set(seen["outcomes"].values()) == {"stopped"}
        assert len(www.log) <= 2


@run
async def test_a_spider_closed_for_another_reason_does_not_wait_either():
    async with serve({"*": response(b"", "503 Busy", "Retry-After: 500")}) as www:
        urls = [f"http://{HOST}/{n}" for n in range(6)]
        before = time.monotonic()
        seen = await crawl(urls, {HOST: www}, CLOSESPIDER_TIMEOUT=1)
        assert time.monotonic() - before < 120  # and not 500
        assert seen["stats"]["finish_reason"] == "closespider_timeout"


def crawler(**settings):
    defaults = {"TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False}
    return get_crawler(settings_dict={**defaults, **settings})


def test_contradictory_settings_are_refused_with_a_sentence():
    with pytest.raises(ValueError, match="PaceMiddleware replaces AutoThrottle"):
        PaceMiddleware.from_crawler(crawler(AUTOTHROTTLE_ENABLED=True))
    with pytest.raises(ValueError, match="RETRY_HTTP_CODES must not contain 429 and 503"):
        RetryAfterMiddleware.from_crawler(crawler())
