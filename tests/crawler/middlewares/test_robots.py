"""robots.txt in a real crawl, as RFC 9309 defines it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.http import TextResponse
from scrapy.utils.test import get_crawler

from crawler.middlewares.robots import VALID_FOR, MemoryStore, RobotsDisallowed, RobotsMiddleware
from tests.support.crawling.scrapy_crawls import Cut, Hang, Site, crawl, response, serve
from tests.support.fault_server.certificates import authority
from tests.support.mock_site.canary import Canary
from tests.support.sites.raw_servers import run

HOST, OTHER = "www.example.com", "static.example.net"
TEXT = "Content-Type: text/plain"


def robots(*lines):
    return response("\n".join(lines).encode(), "200 OK", TEXT)


@run
async def test_of_eight_disallowed_requests_at_once_none_is_sent():
    async with serve({"/robots.txt": robots("User-agent: *", "Disallow: /private")}) as www:
        urls = [f"http://{HOST}/private/{n}" for n in range(8)] + [
            f"http://{HOST}/open/{n}" for n in range(8)
        ]
        seen = await crawl(
            urls, {HOST: www}, CONCURRENT_REQUESTS=16, CONCURRENT_REQUESTS_PER_DOMAIN=16
        )
        assert www.paths().count("/robots.txt") == 1
        assert sorted(www.pages()) == [f"/open/{n}" for n in range(8)]
        assert [seen["outcomes"][url] for url in urls[:8]] == ["robots"] * 8
        assert seen["stats"]["robotstxt/forbidden"] == 8
        assert seen["stats"]["robotstxt/request_count"] == 1
        assert seen["kept"][0][0] == f"http://{HOST}/robots.txt"
        assert "Sacho/" in seen["kept"][0][2]


async def crawl_each(answers, **settings):
    """Crawl a host for each robots.txt; return the requests, the outcomes and the stats."""
    async with contextlib.AsyncExitStack() as stack:
        sites = {}
        for number, answer in enumerate(answers):
            sites[f"www{number}.example.com"] = await stack.enter_async_context(
                serve({"/robots.txt": answer})
            )
        seen = await crawl(
            [f"http://{host}/{n}" for host in sites for n in range(2)], sites, **settings
        )
        outcomes = [[seen["outcomes"][f"http://{host}/{n}"] for n in range(2)] for host in sites]
        return [one.paths() for one in sites.values()], outcomes, seen["stats"]


@run
async def test_no_robots_allows():
    statuses = ["204 No Content", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"]
    asked, _, _ = await crawl_each([response(b"", one) for one in statuses])
    assert [sorted(paths) for paths in asked] == [["/0", "/1", "/robots.txt"]] * 5


@run
async def test_a_robots_that_the_server_cannot_give_forbids():
    statuses = ["429 Too Many Requests", "500 Oops", "503 Busy"]
    asked, outcomes, stats = await crawl_each(
        [response(b"User-agent: *\nAllow: /", one) for one in statuses]
    )
    # The first try and RETRY_TIMES more, for all requests together.
    assert asked == [["/robots.txt"] * 3] * 3
    assert outcomes == [["robots_unreachable"] * 2] * 3
    assert stats["robots/unreachable"] == 3
    assert stats["robots/refused/robots_unreachable"] == 6


@run
async def test_an_answer_that_says_nothing_of_what_is_allowed_forbids():
    allows = b"User-agent: *\nAllow: /"
    coded = ["Content-Encoding: zstd", TEXT]
    cut = gzip.compress(allows * 50)[:-20]
    answers = [
        response(b"", "304 Not Modified"),
        response(allows, "206 Partial Content", TEXT),
        response(allows, "300 Choose", TEXT),
        response(b"", "302 Found"),
        response(allows.decode().encode("utf-16"), "200 OK", TEXT),
        response(b"\x28\xb5\x2f\xfd\x04\x00" + bytes(range(100)), "200 OK", *coded),
        response(cut, "200 OK", "Content-Encoding: gzip", TEXT),
    ]
    asked, outcomes, _ = await crawl_each(answers)
    assert asked == [["/robots.txt"]] * len(answers)
    assert outcomes == [["robots_unreachable"] * 2] * len(answers)


@run
async def test_a_redirect_to_no_address_is_asked_once():
    targets = [
        "http://host:99999/",
        "http://[",
        "http://a b/",
        "javascript:1",
        "http://." + "a" * 99,
    ]
    answers = [response(b"", "301 Moved", f"Location: {target}") for target in targets]
    asked, outcomes, _ = await crawl_each(answers)
    assert asked == [["/robots.txt"]] * len(answers)
    assert outcomes == [["robots_unreachable"] * 2] * len(answers)


@run
async def test_a_robots_that_does_not_arrive_forbids():
    answers = [
        Cut(),
        Hang(),
        Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nUser"),
        Cut(b"nonsense\r\n\r\n"),
    ]
    asked, outcomes, _ = await crawl_each(answers, RETRY_TIMES=0, DOWNLOAD_TIMEOUT=3)
    assert asked == [["/robots.txt"]] * 4
    assert outcomes == [["robots_unreachable"] * 2] * 4


@run
async def test_a_host_that_cannot_be_reached_forbids():
    urls = [f"http://{HOST}/refused", "http://nowhere.invalid/unknown", "http://10.0.0.1/private"]
    with socket.socket() as closed:  # nobody listens on its port, and nobody else gets it
        closed.bind(("127.0.0.1", 0))
        nowhere = Site(port=closed.getsockname()[1])
        seen = await crawl(urls, {HOST: nowhere}, RETRY_TIMES=0)
    assert seen["outcomes"] == dict.fromkeys(urls[:2], "robots_unreachable") | {
        urls[2]: "address_refused"
    }


@run
async def test_a_refused_certificate_forbids(tmp_path_factory):
    context = authority(tmp_path_factory.mktemp("tls"), [HOST]).context
    async with serve(tls=context) as www:
        seen = await crawl([f"https://{HOST}/a"], {HOST: www})
        assert www.paths() == []
        assert seen["outcomes"] == {f"https://{HOST}/a": "robots_unreachable"}


def redirecting(hops, to):
    """Answers that lead from /robots.txt over so many redirects to the address."""
    paths = ["/robots.txt", *(f"/r{n}" for n in range(1, hops))]
    targets = [*paths[1:], to]
    return {
        path: response(b"", "301 Moved", f"Location: {target}")
        for path, target in zip(paths, targets, strict=True)
    }


@run
async def test_five_redirects_are_followed_to_another_host_and_count_for_the_first():
    async with (
        serve({"/rules": robots("User-agent: *", "Disallow: /private")}) as other,
        serve(redirecting(5, f"http://{OTHER}/rules")) as www,
    ):
        seen = await crawl(
            [f"http://{HOST}/private", f"http://{HOST}/open"], {HOST: www, OTHER: other}
        )
        assert www.pages()[-1:] == ["/open"]
        assert "/private" not in www.paths()
        assert other.paths() == ["/rules"]
        assert seen["stats"]["robotstxt/request_count"] == 6


@run
async def test_more_than_five_redirects_are_no_robots():
    async with serve(
        redirecting(6, "/rules") | {"/rules": robots("User-agent: *", "Disallow: /")}
    ) as www:
        await crawl([f"http://{HOST}/a"], {HOST: www})
        assert www.paths()[-1] == "/a"
        assert "/rules" not in www.paths()


@run
async def test_a_robots_redirected_inward_forbids_and_reaches_nothing():
    with Canary() as canary:
        for target in (
            f"http://[::ffff:127.0.0.1]:{canary.port}/",
            "http://169.254.169.254/",
            "file:///etc/hostname",
        ):
            async with serve(redirecting(1, target)) as www:
                seen = await crawl([f"http://{HOST}/a"], {HOST: www})
                assert www.paths() == ["/robots.txt"]
                assert seen["outcomes"] == {f"http://{HOST}/a": "robots_unreachable"}
        assert canary.reached == []


@run
async def test_500_kib_are_read_and_no_half_line():
    filler = "#" * 1023 + "\n"
    text = "User-agent: *\nDisallow: /early\n" + filler * 498
    text += (
        "#" * (500 * 1024 - len(text) - len("Disallow: /pa"))
        + "\nDisallow: /page\nDisallow: /late\n"
    )
    async with serve({"/robots.txt": response(text.encode(), "200 OK", TEXT)}) as www:
        await crawl(
            [f"http://{HOST}/{path}" for path in ("early", "page", "pa", "late")], {HOST: www}
        )
        assert sorted(www.pages()) == ["/late", "/pa", "/page"]


@run
async def test_it_is_read_for_our_own_name():
    text = robots(
        "User-agent: Scrapy",
        "Disallow: /",
        "User-agent: Sacho",
        "Disallow: /not-sacho",
        "User-agent: *",
        "Disallow: /not-others",
    )
    async with serve({"/robots.txt": text}) as www:
        urls = [f"http://{HOST}/{path}" for path in ("a", "not-sacho", "not-others")]
        await crawl(urls, {HOST: www}, USER_AGENT="Scrapy/2 (mine)", ROBOTSTXT_USER_AGENT="Scrapy")
        assert sorted(www.pages()) == ["/a", "/not-others"]


@run
async def test_who_asks_not_to_be_checked_is_not():
    async with serve({"/robots.txt": robots("User-agent: *", "Disallow: /")}) as www:
        url = f"http://{HOST}/a"
        await crawl([url], {HOST: www}, meta={url: {"dont_obey_robotstxt": True}})
        assert www.paths() == ["/a"]


@run
async def test_each_port_has_its_own_and_a_redirect_is_asked_again():
    async with (
        serve({"/robots.txt": robots("User-agent: *", "Disallow: /")}) as closed,
        serve() as www,
    ):
        www.answers["/moved"] = response(b"", "301 Moved", f"Location: http://{HOST}:8080/a")
        urls = [f"http://{HOST}/a", f"http://{HOST}/moved"]
        seen = await crawl(urls, {HOST: www, f"{HOST}:8080": closed})
        assert sorted(www.pages()) == ["/a", "/moved"]
        assert closed.paths() == ["/robots.txt"]
        assert seen["outcomes"][urls[1]] == "robots"


@pytest.mark.parametrize("throttled", [True, False])
@run
async def test_crawl_delay_is_kept_whatever_the_throttle_and_the_concurrency_would_do(throttled):
    text = robots("User-agent: *", "Crawl-delay: 3")
    async with serve({"/robots.txt": text}) as www, serve() as other:
        urls = [f"http://{HOST}/{n}" for n in range(2)] + [f"http://{OTHER}/{n}" for n in range(5)]
        await crawl(
            urls,
            {HOST: www, OTHER: other},
            CONCURRENT_REQUESTS_PER_DOMAIN=4,
            DOWNLOAD_DELAY_JITTER=0.5,
            AUTOTHROTTLE_ENABLED=throttled,
        )
        print("gaps with a Crawl-delay of 3 s:", www.gaps(), "without:", other.gaps())
        assert (len(www.pages()), len(other.pages())) == (2, 5)
        # Two delays. The server sees the first request later by a connection's making, on a busy
        # machine by much more.
        assert www.span() >= 2 * 3 - 1.5
        # With that delay, its five pages would take 15 s.
        assert other.span() < www.span()


@run
async def test_the_longer_of_crawl_delay_and_our_own_holds_and_crawl_delay_is_capped():
    async with (
        serve({"/robots.txt": robots("User-agent: *", "Crawl-delay: 86400")}) as www,
        serve({"/robots.txt": robots("User-agent: *", "Crawl-delay: 0.1")}) as other,
    ):
        urls = [f"http://{host}/{n}" for host in (HOST, OTHER) for n in range(2)]
        settings = {"DOWNLOAD_DELAY": 1, "DOWNLOAD_DELAY_JITTER": 0, "ROBOTS_MAX_DELAY": 3}
        await crawl(urls, {HOST: www, OTHER: other}, **settings)
        print("gaps capped at 3 s:", www.gaps(), "our own 1 s:", other.gaps())
        # Not capped, the crawl would take two days.
        assert www.span() >= 2 * 3 - 1.5
        assert 2 * 1 - 0.5 <= other.span() < www.span()


@run
async def test_a_copy_of_an_earlier_run_serves_for_a_day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robots")
    async with serve({"/robots.txt": robots("User-agent: *", "Disallow: /private")}) as www:

        async def again():
            before = len(www.log)
            await crawl(
                [f"http://{HOST}/private", f"http://{HOST}/open"],
                {HOST: www},
                ROBOTS_STORE="tests.support.processes.scrapy_process.FileStore",
                TEST_ROBOTS_FOLDER=str(folder),
            )
            return www.paths()[before:]

        assert await again() == ["/robots.txt", "/open"]
        assert await again() == ["/open"]
        (kept,) = folder.iterdir()
        when, *rest = json.loads(kept.read_text())
        kept.write_text(json.dumps([(datetime.fromisoformat(when) - VALID_FOR).isoformat(), *rest]))
        www.answers["/robots.txt"] = response(b"", "503 Busy")
        assert await again() == ["/robots.txt"] * 3
        assert json.loads(kept.read_text())[1] == 200  # a failure is not kept
        www.answers["/robots.txt"] = robots("User-agent: *", "Disallow: /open")
        assert await again() == ["/robots.txt", "/private"]


@run
async def test_an_unreachable_robots_is_asked_for_again():
    def second_time(times):
        return Cut() if times == 1 else robots("User-agent: *", "Disallow: /private")

    async with serve({"/robots.txt": second_time}) as www:
        urls = [f"http://{HOST}/{path}" for path in ("a", "b", "private")]
        seen = await crawl(urls, {HOST: www}, chain=True, RETRY_TIMES=0, ROBOTS_RETRY_AFTER=0)
        assert www.paths() == ["/robots.txt", "/robots.txt", "/b"]
        assert next(iter(seen["outcomes"].values())) == "robots_unreachable"
        assert seen["outcomes"][urls[2]] == "robots"


def middleware(fetched, clock):
    """Return a middleware whose engine records downloads and returns 200, or ``fetched``."""
    crawler = get_crawler(
        settings_dict={"TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False}
    )

    class Engine:
        async def download_async(self, request):
            fetched.append(request.url)
            await asyncio.sleep(0)
            return TextResponse(request.url, body=b"User-agent: *\nDisallow: /private")

    crawler.engine = Engine()
    pace = SimpleNamespace(pace=SimpleNamespace(at_least=lambda *_: None))
    crawler.get_downloader_middleware = lambda _: pace
    return RobotsMiddleware(crawler, MemoryStore(), clock)


@run
async def test_a_copy_is_good_for_24_hours_of_a_run():
    now = [datetime(2026, 11, 1, tzinfo=UTC)]
    fetched: list[str] = []
    robot = middleware(fetched, lambda: now[0])
    await robot.process_request(Request(f"https://{HOST}/a"))
    now[0] += VALID_FOR - timedelta(seconds=1)
    with pytest.raises(RobotsDisallowed):
        await robot.process_request(Request(f"https://{HOST}/private"))
    assert len(fetched) == 1
    now[0] += timedelta(seconds=1)
    await asyncio.gather(
        *(robot.process_request(Request(f"https://{HOST}/{n}")) for n in range(50))
    )
    assert fetched == [f"https://{HOST}/robots.txt"] * 2


@run
async def test_a_copy_of_a_clock_that_was_ahead_is_not_used():
    now = [datetime(2027, 11, 1, tzinfo=UTC)]
    fetched: list[str] = []
    robot = middleware(fetched, lambda: now[0])
    await robot.process_request(Request(f"https://{HOST}/a"))
    now[0] -= timedelta(days=365)  # within a run, which remembers its rules
    await robot.process_request(Request(f"https://{HOST}/a"))
    assert len(fetched) == 2
    now[0] -= timedelta(days=365)
    robot._rules.clear()  # as in the next run, which has the stored copy only
    await robot.process_request(Request(f"https://{HOST}/a"))
    await robot.process_request(Request(f"https://{HOST}/b"))
    assert len(fetched) == 3


@run
async def test_one_who_gives_up_waiting_leaves_the_others_their_answer():
    fetched: list[str] = []
    robot = middleware(fetched, lambda: datetime(2026, 11, 1, tzinfo=UTC))
    first = asyncio.ensure_future(robot.process_request(Request(f"https://{HOST}/a")))
    second = asyncio.ensure_future(robot.process_request(Request(f"https://{HOST}/private")))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(RobotsDisallowed):
        await second
    assert len(fetched) == 1
