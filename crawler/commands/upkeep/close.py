"""``scrapy close``: the former name of ``scrapy recover``."""

from __future__ import annotations

from crawler.cli.renamed import RefusedVerb


class Command(RefusedVerb):
    """Name the command that replaced it."""

    use = "was renamed: use recover instead"
