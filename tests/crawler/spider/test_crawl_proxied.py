"""A crawl through an operator's proxy: plain for http, by CONNECT for https."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.support.crawling.crawls import Crawls, site_of_today, tally

if TYPE_CHECKING:
    from pathlib import Path

_ARTICLES, _DELAY = 20, 0.04


def test_through_a_proxy_a_crawl_is_as_polite_and_as_whole_as_without(tmp_path: Path) -> None:
    robots = f"User-agent: *\nDisallow: /sitemap/recent/all_2\nCrawl-delay: {_DELAY}\n"
    with site_of_today("newspim", _ARTICLES, robots=robots) as site:
        ids = site.ids()
        site.fault(f"/view/{ids[0]}", "status", status=500, times=1)
        site.fault(f"/view/{ids[1]}", "status", status=503, retry_after=1, times=1)
        site.fault(f"/view/{ids[2]}", "status", status=429, retry_after=0, times=1)
        crawls = Crawls.into(tmp_path, site, proxied=True)
        said = crawls.run(
            CONCURRENT_REQUESTS_PER_DOMAIN="1",
            ROBOTS_MAX_DELAY="60",
            AUTOTHROTTLE_ENABLED="1",
            AUTOTHROTTLE_START_DELAY="0",
            AUTOTHROTTLE_MAX_DELAY="0.1",
        )
        assert said.code == 0, said
        assert tally(said.out)["stored"] == _ARTICLES
        assert {a: [r["headline"] for r in told] for a, told in crawls.revisions().items()} == {
            article_id: [site.story(article_id).headline] for article_id in ids
        }
        assert crawls.fetched() == Counter(ids) + Counter(ids[:3])
        asked = site.requests()
        assert {entry.via for entry in asked if entry.scheme == "http"} == {"proxy"}
        # within the tunnel
        assert {entry.via for entry in asked if entry.scheme == "https"} == {"direct"}
        assert [entry for entry in site.log if entry.via == "connect"]
        assert not [entry for entry in asked if entry.path.endswith("all_2")]
        assert (
            Counter(entry.host for entry in asked if entry.path == "/robots.txt").most_common(1)[0][
                1
            ]
            == 1
        )
        www = [entry for entry in asked if entry.host == "www.newspim.com"]
        assert all(later.started >= sooner.ended for sooner, later in pairwise(www))
        # Over all of them: a busy machine may be late to note one request, and in time for the
        # next.
        assert www[-1].started - www[0].started >= (len(www) - 1) * _DELAY / 2
        busy = next(entry for entry in www if entry.status == 503)
        assert (
            min(entry.started for entry in www if entry.started > busy.started)
            >= busy.started + 0.99
        )
        assert site.strays() == []
        received = Counter(entry.raw for entry in asked)
        assert (
            Counter(record.block for record in crawls.records() if record.kind == "request")
            == received
        )
        crawls.check_captures()
