"""``scrapy close``: the former name of ``scrapy recover``."""

from __future__ import annotations

from crawler.cli.renamed import RenamedVerb


class Command(RenamedVerb):
    """Name the command that replaced it."""

    new_name = "recover"
