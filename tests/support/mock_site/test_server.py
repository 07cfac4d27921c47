"""The mock site behaves like an outlet over real sockets, and like a broken one when asked to."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from tests.support.mock_site.canary import Canary
from tests.support.mock_site.server import MockSite

if TYPE_CHECKING:
    from collections.abc import Iterator

NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def etoday() -> Iterator[MockSite]:
    with MockSite("etoday", 120) as site:
        yield site


@pytest.fixture
def newspim() -> Iterator[MockSite]:
    with MockSite("newspim", 120) as site:
        yield site


def get(
    site: MockSite, url: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Fetch through the mock site's port for the scheme, with the address's host name."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", site.port(parts.scheme), timeout=120)
    if parts.scheme == "https":
        connection.connect()
        context = ssl.create_default_context(cafile=site.ca_file)
        connection.sock = context.wrap_socket(connection.sock, server_hostname=parts.hostname)
    with contextlib.closing(connection):
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, headers={"Host": parts.netloc, **(headers or {})})
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def test_an_article_is_served_over_tls_under_its_own_address(
    etoday: MockSite, newspim: MockSite
) -> None:
    for site in (etoday, newspim):
        story = site.story(site.ids()[-1])
        status, headers, body = get(site, site.address(story.article_id))
        assert status == 200
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert all(paragraph in body.decode() for paragraph in story.paragraphs)
        assert site.log[-1].raw.startswith(b"GET /news/view/")
        assert (site.log[-1].scheme, site.log[-1].status) == ("https", 200)


def test_two_mock_sites_of_one_seed_are_equal_and_of_another_differ() -> None:
    with (
        MockSite("etoday", 50, 7) as one,
        MockSite("etoday", 50, 7) as same,
        MockSite("etoday", 50, 8) as other,
    ):
        assert [one.story(i) for i in one.ids()] == [same.story(i) for i in same.ids()]
        assert one.ids() != other.ids()


def test_headlines_and_bodies_are_all_different(newspim: MockSite) -> None:
    stories = [newspim.story(article_id) for article_id in newspim.ids()]
    assert (
        len({story.headline for story in stories})
        == len({story.paragraphs for story in stories})
        == 120
    )


def test_feeds_hold_only_the_newest_and_lists_hold_all(etoday: MockSite, newspim: MockSite) -> None:
    _, _, body = get(etoday, "https://www.etoday.co.kr/rss/news_sitemap")
    locations = [loc.text for loc in ET.fromstring(body).iter(f"{MAP}loc")]
    assert locations == [etoday.address(article_id) for article_id in etoday.ids()[:-31:-1]]
    _, _, body = get(etoday, "https://rss.etoday.co.kr/eto/etoday_news_all.xml")
    links = [link.text or "" for link in ET.fromstring(body).iter("link")][1:]
    assert len(links) == 30
    assert any("//m." in link for link in links)
    found: set[str] = set()
    for code in ("1206", "1302", "1391", "1601", "1603", "1701"):
        for page in range(1, 50):
            _, _, body = get(
                etoday, f"http://www.etoday.co.kr/news/section/subsection?MID={code}&page={page}"
            )
            items = re.findall(r'cluster_text_headline21"><a href="[^"]+/(\d+)"', body.decode())
            if not items:
                break
            found.update(items)
    assert sorted(found) == etoday.ids()

    _, _, body = get(newspim, "https://www.newspim.com/sitemap/recent/all_2")
    dates = [date.text for date in ET.fromstring(body).iter(f"{NEWS}publication_date")]
    assert dates[0] == newspim.story(newspim.ids()[-31]).published.isoformat()
    listed: list[str] = []
    for offset in range(0, 140, 20):
        _, _, body = get(
            newspim, f"https://www.newspim.com/news/lists/?category_cd=1&page={offset}"
        )
        listed += re.findall(r'class="summary"><a href="[^"]+/(\d+)"', body.decode())
    assert listed == newspim.ids()[::-1]


def test_validators_answer_304_until_the_article_is_edited(etoday: MockSite) -> None:
    article_id = etoday.ids()[-1]
    url = etoday.address(article_id)
    _, headers, before = get(etoday, url)
    for validators in (
        {"If-None-Match": headers["ETag"]},
        {"If-Modified-Since": headers["Last-Modified"]},
    ):
        assert get(etoday, url, validators)[0::2] == (304, b"")
    etoday.edit(article_id)
    status, _, after = get(etoday, url, {"If-None-Match": headers["ETag"]})
    assert status == 200
    assert after != before
    assert "수정" in after.decode()


def test_publishing_and_deleting_show_in_feeds_and_pages(newspim: MockSite) -> None:
    gone, kept = newspim.ids()[-1], newspim.ids()[-2]
    url = newspim.address(gone)
    newspim.delete(gone, 410)
    added = newspim.publish(2)
    assert newspim.ids()[-3:] == [kept, *added]
    assert get(newspim, url)[0] == 410
    feed = get(newspim, "http://rss.newspim.com/news/category/1")[2].decode()
    assert added[1] in feed
    assert gone not in feed
    assert get(newspim, f"https://www.newspim.com/news/view/{int(added[1]) + 1}")[0] == 404


def test_one_article_has_several_addresses(etoday: MockSite) -> None:
    article_id = etoday.ids()[-1]
    headline = etoday.story(article_id).headline
    for url in (
        f"https://m.etoday.co.kr/news/view/{article_id}",
        f"https://www.etoday.co.kr/news/view/{article_id}?trc=x",
        f"https://www.etoday.co.kr/news/section/newsview.php?idxno={article_id}",
    ):
        assert headline in get(etoday, url)[2].decode()
    status, headers, _ = get(etoday, f"http://etoday.co.kr/news/view/{article_id}")
    assert (status, headers["Location"]) == (301, etoday.address(article_id))


def test_the_proxy_takes_absolute_form_and_connect(etoday: MockSite) -> None:
    url = etoday.address(etoday.ids()[0])
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", etoday.http_port, timeout=120)
    ) as proxy:
        proxy.request("GET", url.replace("https:", "http:"))
        assert proxy.getresponse().status == 200
    assert etoday.log[-1].via == "proxy"
    context = ssl.create_default_context(cafile=etoday.ca_file)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", etoday.http_port, timeout=120, context=context
    )
    connection.set_tunnel("www.etoday.co.kr", 443)
    with contextlib.closing(connection):
        connection.request("GET", urlsplit(url).path)
        assert connection.getresponse().status == 200
    assert [entry.via for entry in etoday.log[-2:]] == ["connect", "direct"]
    assert etoday.log[-1].url == url
    stray = http.client.HTTPSConnection("127.0.0.1", etoday.http_port, timeout=120, context=context)
    stray.set_tunnel("elsewhere.example", 443)
    with contextlib.closing(stray), pytest.raises(OSError, match="403"):
        stray.request("GET", "/")
    assert [entry.host for entry in etoday.strays()] == ["elsewhere.example:443"]


def test_robots_txt_is_what_was_asked_for(etoday: MockSite) -> None:
    assert b"Crawl-delay: 1" in get(etoday, "https://www.etoday.co.kr/robots.txt")[2]
    etoday.routes.robots = None
    assert get(etoday, "https://www.etoday.co.kr/robots.txt")[0] == 404


def test_gzip_is_used_when_asked_for(etoday: MockSite) -> None:
    url = etoday.address(etoday.ids()[0])
    _, plain, body = get(etoday, url)
    _, headers, packed = get(etoday, url, {"Accept-Encoding": "gzip"})
    assert plain["Content-Encoding"] is None
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == body


def test_bodies_can_come_in_chunks() -> None:
    with MockSite("newspim", 3) as plain, MockSite("newspim", 3, chunked=True) as chunked:
        url = plain.address(plain.ids()[0])
        _, headers, body = get(chunked, url)
        assert headers["Transfer-Encoding"] == "chunked"
        assert body == get(plain, url)[2]


@pytest.mark.parametrize(
    ("kind", "options", "status", "part"),
    [
        ("status", {"status": 429, "retry_after": 3}, 429, b"429"),
        ("front", {}, 302, b""),
        ("private", {}, 302, b""),
        ("loop", {}, 302, b""),
        ("empty", {}, 200, b""),
        ("login", {}, 200, "로그인이 필요합니다".encode()),
        ("consent", {}, 200, "동의".encode()),
        ("challenge", {}, 200, b"window._cf_chl_opt"),
        ("soft_404", {}, 200, "찾을 수 없습니다".encode()),
        ("html", {}, 200, b"<!DOCTYPE html>"),
        ("charset", {"encode": "cp949", "label": "utf-8"}, 200, "이투데이".encode("cp949")),
        ("charset", {"label": "euc-kr"}, 200, b'<meta charset="euc-kr">'),
        ("nesting", {}, 200, b"<div>" * 100_000),
        ("refresh", {}, 200, b'content="0; url=http://169.254.169.254/'),
        ("headers", {"amount": 50}, 200, b"articleView"),
        ("odd_head", {}, 200, b"articleView"),
    ],
)
def test_faults_that_still_answer(
    etoday: MockSite, kind: str, options: dict[str, Any], status: int, part: bytes
) -> None:
    etoday.fault(r"/news/view/", kind, **options)
    got, _, body = get(etoday, etoday.address(etoday.ids()[0]))
    assert got == status
    assert part in body
    assert etoday.log[-1].fault == kind
    etoday.heal()
    assert get(etoday, etoday.address(etoday.ids()[0]))[0] == 200


def test_half_a_million_headers_really_arrive(etoday: MockSite) -> None:
    etoday.fault("/news/view/", "headers")
    with socket.create_connection(("127.0.0.1", etoday.http_port), timeout=120) as sock:
        sock.sendall(
            b"GET /news/view/1 HTTP/1.1\r\nHost: www.etoday.co.kr\r\nConnection: close\r\n\r\n"
        )
        data = b"".join(iter(lambda: sock.recv(2**20), b""))
    assert data.count(b"\r\nX-Fixture-") == 500_000


@pytest.mark.parametrize("kind", ["short", "reset"])
def test_faults_that_end_the_connection(etoday: MockSite, kind: str) -> None:
    etoday.fault("/news/view/", kind)
    with pytest.raises(
        (http.client.IncompleteRead, ConnectionResetError, http.client.RemoteDisconnected)
    ):
        get(etoday, etoday.address(etoday.ids()[0]))


@pytest.mark.parametrize("kind", ["slow", "slow_head", "hang"])
def test_faults_that_keep_the_client_waiting(etoday: MockSite, kind: str) -> None:
    etoday.fault("/news/view/", kind)
    with socket.create_connection(("127.0.0.1", etoday.http_port), timeout=120) as sock:
        sock.sendall(b"GET /news/view/1 HTTP/1.1\r\nHost: www.etoday.co.kr\r\n\r\n")
        received = sock.recv(1000) if kind != "hang" else b""
        sock.settimeout(0.3)
        ends = time.monotonic() + 1.5
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < ends:
                received += sock.recv(1000)
    body = received.partition(b"\r\n\r\n")[2]
    assert bool(received) == (kind != "hang")
    # Of 359 bytes, one every tenth of a second.
    assert len(body if kind == "slow" else received) < 180


def test_a_bomb_is_small_on_the_wire_and_damaged_gzip_is_damaged(etoday: MockSite) -> None:
    url = etoday.address(etoday.ids()[0])
    for coding in ("gzip", "br", "zstd"):
        etoday.fault("/news/view/", "bomb", megabytes=20, coding=coding)
        _, headers, body = get(etoday, url)
        etoday.heal()
        assert headers["Content-Encoding"] == coding
        assert len(body) < 50_000
        if coding == "gzip":
            assert len(gzip.decompress(body)) > 20 * 2**20
    for kind in ("bad_gzip", "cut_gzip"):
        etoday.fault("/news/view/", kind)
        _, _, body = get(etoday, url)
        etoday.heal()
        with pytest.raises((OSError, EOFError, zlib.error)):
            gzip.decompress(body)


def test_a_fault_takes_a_share_and_a_number_of_tries(etoday: MockSite) -> None:
    etoday.fault("/news/view/", "status", share=0.25, times=2)
    urls = [etoday.address(article_id).replace("https", "http") for article_id in etoday.ids()]
    rounds = [[get(etoday, url)[0] for url in urls] for _ in range(3)]
    assert rounds[0] == rounds[1]
    assert 15 <= rounds[0].count(503) <= 45
    assert rounds[2].count(503) == 0
    with pytest.raises(ValueError, match="no fault of kind"):
        etoday.fault("x", "gremlins")


def test_planted_addresses_stand_in_feeds_and_lists(newspim: MockSite) -> None:
    newspim.plant("http://10.0.0.1/", "file:///etc/passwd")
    for path in ("/sitemap/recent/all_1", "/news/lists/?category_cd=1&page=0"):
        page = get(newspim, f"https://www.newspim.com{path}")[2].decode()
        assert "http://10.0.0.1/" in page
        assert "file:///etc/passwd" in page


def test_a_redirect_can_lead_to_a_canary(etoday: MockSite) -> None:
    with Canary() as canary:
        etoday.fault("/news/view/", "private", to=canary.url)
        _, headers, _ = get(etoday, etoday.address(etoday.ids()[0]))
        assert headers["Location"] == canary.url
        assert canary.reached == []
        with socket.create_connection(("127.0.0.1", canary.port), timeout=120) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert sock.recv(10) == b""
        assert canary.reached == [b"GET / HTTP/1.1\r\n\r\n"]


def test_newspim_can_be_searched(newspim: MockSite) -> None:
    story = newspim.story(newspim.ids()[0])
    page = get(
        newspim, f"https://www.newspim.com/search?searchword={quote(story.headline)}&page=1"
    )[2].decode()
    assert re.findall(r'class="subject"><a href="[^"]+/(\d+)"', page) == [story.article_id]


def test_etoday_has_very_short_items(etoday: MockSite) -> None:
    short = [story for story in map(etoday.story, etoday.ids()) if len(story.paragraphs) == 2]
    assert short
    assert all(story.headline.startswith("[인사]") and not story.reporter for story in short)


def test_a_wrong_or_expired_certificate_is_refused_by_a_client() -> None:
    for certificate in ("wrong_host", "expired"):
        with (
            MockSite("etoday", 3, certificate=certificate) as site,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            get(site, site.address(site.ids()[0]))


def test_it_runs_for_itself_until_its_input_ends() -> None:
    command = [sys.executable, "-m", "tests.support.mock_site.server", "etoday", "--articles", "5"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", where["http_port"])
        ) as connection:
            connection.request("GET", "/robots.txt", headers={"Host": "www.etoday.co.kr"})
            assert connection.getresponse().status == 200
        process.stdin.close()
        assert process.wait(120) == 0
