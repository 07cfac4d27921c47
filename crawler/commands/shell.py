"""``scrapy shell``: a console with one page as a crawl would get it, kept nowhere."""

from scrapy.commands.shell import Command as Scrapys

from crawler.looking import Look


class Command(Look, Scrapys):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the wire reads."""
