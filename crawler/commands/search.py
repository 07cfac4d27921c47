"""``scrapy search``: full-text search in the articles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.articles.queries import search
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.cli.tables import print_articles
from crawler.model.text import as_text

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Search current revisions. Reads INDEX_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] QUERY"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Find articles by words or parts of words"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "List the articles that contain every term of QUERY in headline, deck, body, captions "
            "or author names, newest first. A term is also found within longer words. "
            f"Example: {PROGRAM} search 푸틴 김정은"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --limit."""
        super().add_options(parser)
        parser.add_argument(
            "--limit", type=int, default=20, metavar="N", help="at most this many (default: 20)"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Search and print; no match is not a failure."""
        if not args:
            raise usage_error("name at least one term to search for")
        if opts.limit < 1:
            raise usage_error("--limit must be at least 1")
        with self.open_index() as index, index.reading() as connection:
            found = search(connection, as_text(" ".join(args)), opts.limit)
        print_articles(found)
        print(f"{len(found)} found")
        return 0
