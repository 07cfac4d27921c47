"""Addresses of which no request can be made: each is an outcome, and none ends a crawl."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.crawler.spider.test_crawl_pictures import places
from tests.support.crawling.crawls import Crawls, site_of_today, tally

if TYPE_CHECKING:
    from pathlib import Path

HOST = "https://www.etoday.co.kr"
#: Not one of them can be requested.
BAD = (
    "http://host:99999/",
    "http://host:-1/",
    "http://host:0/",
    "http://host:port/",
    "http://[",
    "http://[::1",
    "http://user:secret@[::1/",
    "http://a\x00b/",
    "http://a b.kr/",
    "http://.",
    "http://a..kr/",
    "http://%00/",
    "http://[fe80::1%25eth0]/",
    "http://" + "a" * 300 + "/",
    HOST + "/" + "a" * 10_000,
    "http://a\uff0fb.kr/",
    "http://www.etoday.co.kr:\uff18\uff10/",
    "http://@:99999",
)
#: As the address of a redirect, no other scheme is followed either.
SCHEMES = ("javascript:alert(1)", "data:text/html,x", "mailto:a@example.kr", "ftp://example.kr/x")


@pytest.fixture(scope="module")
def redirected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Crawls, str]:
    """Each article redirects to a bad address."""
    locations = [*BAD, *SCHEMES]
    with site_of_today("etoday", len(locations)) as site:
        for article_id, location in zip(site.ids(), locations, strict=True):
            header = ("Location", location.encode().decode("latin-1"))
            site.fault(f"/view/{article_id}", "answer", status=302, headers=[header])
        crawls = Crawls.into(tmp_path_factory.mktemp("redirected"), site)
        said = crawls.run()
        assert said.code == 1
        assert tally(said.out)["failed"] == len(locations)
        return crawls, said.err


def test_a_redirect_to_no_address_is_a_refused_request(
    redirected: tuple[Crawls, str],
) -> None:
    crawls, err = redirected
    assert set(crawls.outcomes().values()) == {"failed/request_refused"}
    assert "Traceback" not in err
    assert all(len(row["detail"]) <= 1000 for row in crawls.workspace.rows("outcomes"))
    assert all(row["state"] == "due" for row in crawls.frontier().values())


SOURCES = {
    "index": "<sitemapindex>{}</sitemapindex>",
    "sitemap": "<urlset>{}</urlset>",
    "feed": "<rss><channel>{}</channel></rss>",
}
ENTRIES = {
    "index": "<sitemap><loc>{}</loc></sitemap>",
    "sitemap": "<url><loc>{}</loc></url>",
    "feed": "<item><link>{}</link></item>",
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_that_names_no_addresses_ends_no_crawl(tmp_path: Path, kind: str) -> None:
    on_our_host = f"{HOST}:99999/sitemap-2.xml"
    entries = (ENTRIES[kind].format(address) for address in (*BAD, on_our_host))
    with site_of_today("etoday", 8) as site:
        body = SOURCES[kind].format("".join(entries))
        site.fault("sitemap|rss", "answer", body=body, media_type="application/xml")
        crawls = Crawls.into(tmp_path, site)
        said = crawls.run()
        assert "Traceback" not in said.err
        assert "internal_error" not in said.err
        assert tally(said.out)["failed"] == 0
        assert len(crawls.revisions()) > 0  # by the lists


def test_pictures_without_an_address_cost_nothing(tmp_path: Path) -> None:
    with site_of_today("etoday", len(BAD)) as site:
        for article_id, address in zip(site.ids(), BAD, strict=True):
            url = site.address(article_id)
            page = site.routes.answer("www.etoday.co.kr", url.removeprefix(HOST))
            body = re.sub(
                r'(<img[^>]* src=")[^"]*', lambda m, a=address: m[1] + a, page.body.decode()
            )
            site.fault(f"/view/{article_id}", "answer", body=body)
        crawls = Crawls.into(tmp_path, site)
        extra = {"RESOLVER_MAP": places(crawls), "DOWNLOAD_VERIFY_CERTIFICATES": "0"}
        said = crawls.run(ARCHIVE_IMAGES="1", **extra)
        assert said.code == 0, said
        assert sorted(crawls.revisions()) == site.ids()


@pytest.mark.parametrize("value", ['"a\x01b"', '"a\x7f"', '"a\x1b[31m"', '"' + "a" * 5000 + '"'])
def test_a_validator_that_cannot_be_sent_back_is_not(tmp_path: Path, value: str) -> None:
    with site_of_today("etoday", 4) as site:
        crawls = Crawls.into(tmp_path, site)
        for article_id in site.ids():
            page = site.routes.answer(
                "www.etoday.co.kr", site.address(article_id).removeprefix(HOST)
            )
            headers = [("ETag", value), ("Last-Modified", f"{value}\x02")]
            site.fault(f"/view/{article_id}", "answer", body=page.body.decode(), headers=headers)
        assert crawls.run().code == 0
        assert {row["etag"] for row in crawls.frontier().values()} == {""}
        # as an index of before may hold it
        crawls.edit_frontier(f"SET etag = '{value}', last_modified = 'x\x01'")
        crawls.make_due("1 = 1")
        said = crawls.run()
        assert said.code == 0, said
        assert set(crawls.outcomes().values()) == {"unchanged"}


def test_a_validator_is_sent_back_as_it_was_received(tmp_path: Path) -> None:
    with site_of_today("etoday", 2) as site:
        crawls = Crawls.into(tmp_path, site)
        for article_id in site.ids():
            page = site.routes.answer(
                "www.etoday.co.kr", site.address(article_id).removeprefix(HOST)
            )
            headers = [("ETag", '"caf\xe9"')]
            site.fault(f"/view/{article_id}", "answer", body=page.body.decode(), headers=headers)
        assert crawls.run().code == 0
        crawls.make_due("1 = 1")
        assert crawls.run().code == 0
        asked = [entry.raw for entry in site.log if b"If-None-Match" in entry.raw]
        assert len(asked) == 2
        assert all(b'\r\nIf-None-Match: "caf\xe9"\r\n' in raw for raw in asked)
