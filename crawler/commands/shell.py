"""``scrapy shell``: a console with one page as a crawl would get it, kept nowhere."""

from __future__ import annotations

from scrapy.commands.shell import Command as Scrapys

from crawler.cli.look import Look


class Command(Look, Scrapys):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the wire reads."""
