"""``scrapy view``: one page as a crawl would get it, in a browser and kept nowhere else."""

from __future__ import annotations

from scrapy.commands.view import Command as Scrapys

from crawler.commands.fetch import Command as Fetch


class Command(Fetch, Scrapys):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the wire reads."""
