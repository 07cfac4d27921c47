"""``scrapy runspider``: an outlet is a value in a file and no spider, so there is none to run."""

from __future__ import annotations

from crawler.cli.renamed import RefusedVerb


class Command(RefusedVerb):
    """Say what to use here."""

    use = (
        "runs a spider from a file, but an outlet is a value in a module: name the module in "
        "OUTLET_MODULES, then crawl the outlet by its name"
    )
