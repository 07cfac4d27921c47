"""Looking again at what was found gone on certain days, ``-a again=FROM..TO``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.support.crawling.crawls import SETTLED, Crawls, site_of_today
from tests.support.mock_site.story import KST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes.cli import CommandResult


def test_what_was_found_gone_is_visited_again_and_comes_back(tmp_path: Path) -> None:
    with site_of_today("etoday", 12, age=SETTLED) as site:
        crawls = Crawls.into(tmp_path, site)
        assert crawls.run().code == 0
        back, gone, *rest = site.ids()
        for article_id in (back, gone):
            site.delete(article_id, 404)
        crawls.make_due("1 = 1")
        assert crawls.run().code == 0
        assert statuses(crawls) == dict.fromkeys(rest, "published") | {
            back: "missing",
            gone: "missing",
        }
        crawls.edit_frontier("SET due_at = NULL, state = 'dead' WHERE outcome = 'skipped'")
        site.restore(back)

        old = look_again(crawls, datetime.now(KST) - timedelta(days=9))
        assert old.code == 0
        assert "to look at again: 0 articles" in old.out
        before = len(site.log)
        said = look_again(crawls, datetime.now(KST))
        assert said.code == 0, said.err
        assert "to look at again: 2 articles" in said.out
        assert set(crawls.fetched(before)) == {back, gone}
        assert not [one for one in site.log[before:] if "rss" in one.path or "sitemap" in one.path]
        assert statuses(crawls) == dict.fromkeys([back, *rest], "published") | {gone: "missing"}
        assert "to look at again: 1 article\n" in look_again(crawls, datetime.now(KST)).out


def look_again(crawls: Crawls, moment: datetime) -> CommandResult:
    """Look again at what was found gone from the day before a moment to that day."""
    day = moment.date()
    return crawls.run("-a", f"again={day - timedelta(days=1)}..{day}")


def statuses(crawls: Crawls) -> dict[str, str]:
    """Return the status of each article in the export."""
    return {record["article_id"]: record["status"] for record in crawls.workspace.export()}
