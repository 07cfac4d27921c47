"""A crawl reads sitemaps up to the size that their standard allows, compressed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crawler.discovery.feeds import MAX_BYTES
from tests.support.crawling.crawls import Crawls, site_of_today

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mock_site.server import MockSite

ENTRIES = 500


def sitemap(site: MockSite, size: int) -> str:
    """Write a sitemap of at least ``size`` bytes that names the mock site's articles, and many more."""
    urls = [site.address(article_id) for article_id in site.ids()]
    urls += [f"https://www.newspim.com/news/view/20200101{n:06}" for n in range(ENTRIES)]
    filling = f"<!--{'x' * (size // len(urls))}-->"
    entries = "".join(f"<url><loc>{url}</loc>{filling}</url>" for url in urls)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


@pytest.mark.parametrize("packed", [False, True])
def test_a_sitemap_larger_than_any_page_is_read_whole(tmp_path: Path, packed: bool) -> None:
    with site_of_today("newspim", 2) as site:
        crawls = Crawls.into(tmp_path, site)
        body = sitemap(site, MAX_BYTES // 2)
        site.fault("/sitemap/", "answer", body=body, media_type="text/xml", encoded=not packed)
        said = crawls.run("-a", "limit=2")
        assert said.code == 0, said
        assert len(crawls.frontier()) == ENTRIES + 2


def test_a_sitemap_over_the_limit_is_reported(tmp_path: Path) -> None:
    with site_of_today("newspim", 2) as site:
        body = sitemap(site, MAX_BYTES + 1)
        site.fault("/all_1", "answer", body=body, media_type="text/xml", encoded=True)
        said = Crawls.into(tmp_path, site).run("-a", "limit=2")
        assert f"more than DOWNLOAD_MAXSIZE ({MAX_BYTES})" in said.err
