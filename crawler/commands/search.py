"""``scrapy search``: Korean full-text search over the articles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from archive.articles.queries import search
from archive.model.program import PROGRAM
from crawler.cli.base import Verb
from crawler.cli.tables import print_articles
from crawler.model.text import as_text

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Searches current revisions. Reads INDEX_URL."""

    def syntax(self) -> str:
        """Show what it takes."""
        return "[options] QUERY"

    def short_desc(self) -> str:
        """Say what it does, in the list of verbs."""
        return "Find articles by words or parts of words"

    def long_desc(self) -> str:
        """Say what it does, with an example."""
        return (
            "List the articles that hold every term of QUERY in headline, deck, body, captions or authors' names, "
            f"newest first. A term is found within longer words too. Example: {PROGRAM} search 푸틴 "
            "김정은"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --limit."""
        super().add_options(parser)
        parser.add_argument(
            "--limit", type=int, default=20, metavar="N", help="at most this many (default: 20)"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Search and print; nothing found is no failure."""
        if not args:
            raise UsageError("name what to search for", print_help=False)
        if opts.limit < 1:
            raise UsageError("--limit must be at least 1", print_help=False)
        with self.open_index() as index, index.reading() as connection:
            found = search(connection, as_text(" ".join(args)), opts.limit)
        print_articles(found)
        print(f"{len(found)} found")
        return 0
