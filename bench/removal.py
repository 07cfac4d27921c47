"""Take down two of 1,000 articles, one a revisit's original; search all bytes for them (F18).

A crawl of a mock site fills the archive, and a second one looks again, so that captures have revisits.
The texts are looked for in all files byte by byte, in every record inflated and decoded, and in the
tokens of the search index.

    python -m bench.removal [--articles 1000]
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from tests.support.archives.traces import articles, traces, wrong
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.mock_site.story import KST


def main() -> int:
    """Print what was found before and after; return 1 if a trace is left or more is gone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--again", type=int, default=30, help="articles that are visited twice")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, site_of_today("etoday", options.articles) as site:
        return run(Crawls.into(Path(folder), site), options.articles, options.again)


def run(crawls: Crawls, number: int, again: int) -> int:
    """Crawl, remove, and look."""
    workspace, site = crawls.workspace, crawls.site
    since = datetime.now(KST).date() - timedelta(days=30)
    crawls.run("-a", f"since={since}")
    crawls.make_due(
        f"article_id IN (SELECT article_id FROM frontier WHERE state <> 'dead' LIMIT {again})"
    )
    crawls.run()
    revisited = {
        row["url"] for row in workspace.rows("captures") if row["record_type"] == "revisit"
    }
    ids = sorted(crawls.frontier())
    one = next(a for a in ids if any(a in url for url in revisited))
    other = next(a for a in reversed(ids) if not any(a in url for url in revisited))
    before, size = articles(workspace), sum(path.stat().st_size for path in crawls.segments())
    texts = {a: before["etoday", a].split("\n\n")[0] for a in (one, other)}
    print(
        f"{len(before)} articles, {len(workspace.rows('captures'))} captures, {len(revisited)} revisits, {size} bytes"
    )
    for a, text in texts.items():
        seen = traces(workspace.folder, text, [a])
        print(
            f"before: the text of {a} is in {len(seen.files)} files, {len(seen.records)} records; tokens {seen.tokens}"
        )
        assert seen.any, "the search finds what is there"
    began = monotonic()
    result = workspace.run(
        "remove", f"etoday/{one}", f"etoday/{other}", "--reason", "bench", "--yes"
    )
    print(result.out + result.err + f"in {monotonic() - began:.1f} s")
    failed = result.code != 0
    for a, text in texts.items():
        left = traces(workspace.folder, text, [a])
        lists = traces(workspace.folder, site.story(a).headline)
        failed = failed or left.any or lists.any
        print(f"after: {left}; its headline is in {len(lists.records)} records")
    kept = {key: text for key, text in before.items() if key[1] not in texts}
    findings = wrong(workspace)
    print(
        f"{len(articles(workspace))} articles, all others as before: {articles(workspace) == kept}; "
        f"verify: {findings or 'nothing'}"
    )
    crawls.make_due()
    log = len(site.log)
    crawls.run("-a", f"since={since}")
    asked = crawls.fetched(log)
    print(
        f"a third crawl visited {len(asked)} articles, the removed ones {asked[one] + asked[other]} times"
    )
    workspace.run("reindex")
    back = set(articles(workspace)) & {("etoday", a) for a in texts}
    findings += wrong(workspace)
    print(
        f"after a reindex: {len(articles(workspace))} articles, removed ones among them: {len(back)}; "
        f"verify: {findings or 'nothing'}"
    )
    failed = (
        failed
        or bool(findings)
        or articles(workspace) != kept
        or bool(asked[one] + asked[other])
        or number > len(before)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
