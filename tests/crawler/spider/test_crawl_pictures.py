"""An article's pictures come with it where the operator asks for them, and not otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archive.index.database import Index
from archive.index.writers.leases import Leases, host_lease
from tests.support.crawling.crawls import Crawls, site_of_today

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = "img.etoday.co.kr"


def places(crawls: Crawls) -> str:
    """The mock site's places and the host of its images, which answers 404."""
    mapped = {
        f"{host}:{port}": f"{ip}:{real}"
        for (host, port), (ip, real) in crawls.site.endpoints().items()
    }
    mapped |= {
        f"{PICTURES}:443": mapped["www.etoday.co.kr:443"],
        f"{PICTURES}:80": mapped["www.etoday.co.kr:80"],
    }
    return json.dumps(mapped)


def test_pictures_are_asked_for_once_each_and_kept(tmp_path: Path) -> None:
    with site_of_today("etoday", 8) as site:
        crawls = Crawls.into(tmp_path, site)
        # The mock site's certificate does not name the pictures' host.
        extra = {"RESOLVER_MAP": places(crawls), "DOWNLOAD_VERIFY_CERTIFICATES": "0"}
        said = crawls.run(ARCHIVE_IMAGES="1", **extra)
        assert said.code == 0, said
        with Index(crawls.workspace.index_url) as index:
            assert Leases(index, [host_lease(PICTURES)], "another").take() is None
            refused = crawls.run(ARCHIVE_IMAGES="1", **extra)
        assert refused.code == 1
        assert f"{PICTURES} is being crawled since" in refused.err
        wanted = {image.url for id_ in site.ids() for image in site.story(id_).images}
        assert wanted
        asked = sorted(
            entry.url
            for entry in site.log
            if entry.host == PICTURES and entry.path != "/robots.txt"
        )
        assert asked == sorted(wanted)
        assert wanted <= {row["url"] for row in crawls.workspace.rows("captures")}
        assert said.out.count("failed 0") == 1


def test_pictures_are_left_alone_by_default(tmp_path: Path) -> None:
    with site_of_today("etoday", 8) as site:
        crawls = Crawls.into(tmp_path, site)
        with Index(crawls.workspace.index_url) as index:
            assert Leases(index, [host_lease(PICTURES)], "another").take() is None
            assert crawls.run(RESOLVER_MAP=places(crawls)).code == 0
        assert not [entry for entry in site.log if entry.host == PICTURES]
