"""No door of a crawl leads to an address that is not public, however it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.crawls import Crawls, site_of_today, tally
from tests.support.mock_site.canary import Canary

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mock_site.server import MockSite

HOST = "https://www.etoday.co.kr"
#: 127.0.0.1 in every notation, and addresses that embed it.
HOSTS = (
    "127.0.0.1",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "00000000177.1",
    "0",
    "0.0.0.0",
    "127.0.0.1.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::1]",
    "[::1%25lo]",
    "[fe80::1%25lo]",
    "user:password@127.0.0.1",
    "www.etoday.co.kr@127.0.0.1",
    "127。0。0。1",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "192.168.0.1",
    "[fd00::1]",
    "100.64.0.1",
)


def urls(canary: Canary) -> list[str]:
    return [f"http://{host}:{canary.port}/" for host in HOSTS]


def page_of(site: MockSite, article_id: str) -> str:
    path = site.address(article_id).removeprefix(HOST)
    return site.routes.answer("www.etoday.co.kr", path).body.decode()


def with_pictures(page: str, addresses: list[str]) -> str:
    """Return a page whose first picture is followed by others."""
    tags = "".join(f'<img src="{address}">' for address in addresses)
    return re.sub(r"(<img[^>]*>)", lambda found: found[1] + tags, page, count=1)


@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxied"])
def test_no_door_leads_inward(tmp_path: Path, proxied: bool) -> None:
    with Canary() as canary, Canary("::1") as other, site_of_today("etoday", 45) as site:
        inward = urls(canary) + urls(other)
        ids = iter(site.ids())
        for target in urls(canary):
            site.fault(f"/view/{next(ids)}", "private", to=target.encode().decode("latin-1"))
        site.fault(f"/view/{next(ids)}", "refresh", to=inward[0])
        page_id, canonical_id = next(ids), next(ids)
        pictures = with_pictures(page_of(site, page_id), inward)
        site.fault(f"/view/{page_id}", "answer", body=pictures)
        page = re.sub(r'(rel="canonical" href=")[^"]*', rf"\g<1>{inward[0]}", pictures)
        site.fault(f"/view/{canonical_id}", "answer", body=page)
        entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in inward)
        index = f"<sitemapindex>{entries}</sitemapindex>"
        site.fault("news_sitemap", "answer", body=index, media_type="application/xml")
        site.plant(*inward)
        crawls = Crawls.into(tmp_path, site, proxied=proxied)
        said = crawls.run(
            ARCHIVE_IMAGES="1",
            IMAGE_HOSTS="*",
            IMAGES_PER_ARTICLE="1000",
            ALLOWED_PORTS=f"80,443,{canary.port},{other.port}",
            RETRY_TIMES="0",
            DOWNLOAD_TIMEOUT="5",
        )
        assert (canary.reached, other.reached) == ([], [])
        assert "Traceback" not in said.err
        refused = tally(said.out)["failed"]
        assert refused == len(HOSTS)
        assert not any("internal_error" in outcome for outcome in crawls.outcomes().values())


def test_other_ports_are_refused_unless_a_setting_allows_them(tmp_path: Path) -> None:
    with Canary() as canary, site_of_today("etoday", 4) as site:
        for article_id in site.ids():
            site.fault(f"/view/{article_id}", "private", to=f"http://8.8.8.8:{canary.port}/")
        crawls = Crawls.into(tmp_path, site)
        said = crawls.run()
        assert said.code == 1
        assert set(crawls.outcomes().values()) == {"failed/address_refused"}
        assert "is none of ALLOWED_PORTS" in said.err


def test_pictures_are_those_of_the_outlets_hosts_and_not_too_many(tmp_path: Path) -> None:
    with site_of_today("etoday", 2) as site:
        first, second = site.ids()
        pictures = [f"{HOST}/picture/{number}.jpg" for number in range(60)]
        site.fault(f"/view/{first}", "answer", body=with_pictures(page_of(site, first), pictures))
        foreign = ["https://elsewhere.example.com/a.jpg", f"{HOST}/moved.jpg"]
        site.fault(f"/view/{second}", "answer", body=with_pictures(page_of(site, second), foreign))
        site.fault("/picture/", "answer", media_type="image/jpeg", body="x")
        site.fault("/moved", "private", to="https://elsewhere.example.com/a.jpg")
        crawls = Crawls.into(tmp_path, site)
        said = crawls.run(ARCHIVE_IMAGES="1")
        assert f"image {HOST}/moved.jpg: failed/request_refused" in said.err
        asked = [entry.path for entry in site.log if entry.path.startswith("/picture/")]
        own = {image.url for image in site.story(first).images}
        assert len(asked) == 50 - len(own)
        assert "image https://elsewhere" not in said.err
