"""Every outlet is crawled, each on loopback, into one archive: the counts add up for each."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from crawler.outlets import known_outlets, outlet_named
from tests.support.crawling.crawls import HASTE, tally
from tests.support.processes.cli import Workspace
from tests.support.sites.outlet_twins import OutletTwins, without_scheme

if TYPE_CHECKING:
    from pathlib import Path

#: The articles of an outlet, and how many are asked for where no channel lists them. The page of
#: the first is gone, and the connection of the second is cut.
LISTED, UNLISTED = 6, 3
GONE, CUT = 0, 1


def test_the_counts_of_each_outlet_add_up(tmp_path: Path) -> None:
    outlets = [outlet_named(name) for name in known_outlets()]
    with OutletTwins(outlets, LISTED) as twins:
        for articles in twins.articles.values():
            twins.fault(re.escape(without_scheme(articles[GONE].url)), "status", status=404)
            twins.fault(re.escape(without_scheme(articles[CUT].url)), "reset")
        places = {
            f"{host}:{port}": f"{ip}:{real}"
            for (host, port), (ip, real) in twins.endpoints().items()
        }
        settings = HASTE | {"ALLOW_LOOPBACK": "1", "RESOLVER_MAP": json.dumps(places)}
        options = [word for pair in settings.items() for word in ("-s", "=".join(pair))]
        trusted = {"SSL_CERT_FILE": str(twins.ca_file), "CONTACT": "desk@example.org"}
        workspace = Workspace(tmp_path, trusted)
        stored = {}
        for outlet in outlets:
            urls = [article.url for article in twins.articles[outlet.name][:UNLISTED]]
            counts: Counter[str] = Counter()
            for what in [outlet.name] if outlet.channels else urls:
                said = workspace.run("crawl", what, *options)
                assert "Traceback" not in said.err, said
                counts.update(tally(said.out))
            del counts["unchanged"], counts["pending"]
            known = LISTED if outlet.channels else UNLISTED
            stored[outlet.name] = known - 2
            assert counts == {
                "discovered": known,
                "stored": known - 2,
                "skipped": 1,
                "failed": 1,
            }, outlet.name
        assert twins.strays() == []
    assert Counter(row["outlet"] for row in workspace.rows("articles")) == stored
    assert workspace.run("verify").code == 0
