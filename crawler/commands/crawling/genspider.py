"""``scrapy genspider``: an outlet is written from facts about its pages, not generated."""

from __future__ import annotations

from crawler.cli.renamed import RefusedVerb


class Command(RefusedVerb):
    """Say what to use here."""

    use = (
        "makes a file of a spider, but an outlet is a value in a module: CONTRIBUTING.md shows one "
        "to copy, and OUTLET_MODULES names it"
    )
