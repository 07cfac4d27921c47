"""Crawls of a mock site with all that an export must play back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path

#: Seeds whose pages print their headlines as they are exported, and without a script.
PRINTED = (ROOT / "seeds" / "etoday", ROOT / "seeds" / "newspim")
PICTURES = "img.etoday.co.kr"
_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


def crawled_twice(folder: Path, articles: int = 3) -> Crawls:
    """Return two crawls of a mock site: pages, pictures, a redirect; then a 304 and a revisit."""
    with site_of_today("etoday", articles, more_hosts=(PICTURES,)) as site:
        crawls = Crawls.into(folder, site)
        ids = site.ids()
        moved = f"/news/view/{ids[-1]}"
        site.fault(r"\.jpg", "answer", media_type="image/svg+xml", body=_PICTURE)
        to = f"https://www.etoday.co.kr{moved}?moved=1"
        site.fault(f"{moved}$", "answer", times=1, status=302, headers=[("Location", to)])
        extra = {"ARCHIVE_IMAGES": "1"}
        said = crawls.run(**extra)
        assert said.code == 0, said
        # One is asked for without its validators, so that the same page comes again.
        crawls.edit_frontier(f"SET etag = '', last_modified = '' WHERE article_id = '{ids[0]}'")
        crawls.make_due()
        said = crawls.run("-a", "discover=no", **extra)
        assert said.code == 0, said
    return crawls
