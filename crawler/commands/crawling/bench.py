"""``scrapy bench``: Scrapy's benchmark crawls a local server of its own without our rules."""

from __future__ import annotations

from crawler.cli.renamed import RefusedVerb


class Command(RefusedVerb):
    """Say what to use here."""

    use = (
        "measures Scrapy without the archive; in a checkout, python -m bench.wire measures the "
        "client, and the other modules of bench the rest"
    )
