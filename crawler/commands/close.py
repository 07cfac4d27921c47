"""``scrapy close``: take over what dead writers left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from archive.articles.captures import check_there
from archive.index.database import IndexUnusableError, index_path
from archive.segments.names import archive_folder
from archive.segments.recovery import left_open
from crawler.cli.base import Verb
from crawler.offline.close import close_left_open, say_live

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Closes segments. Reads ARCHIVE_URL and INDEX_URL."""

    def syntax(self) -> str:
        """Show what it takes."""
        return "[options]"

    def short_desc(self) -> str:
        """Say what it does, in the list of verbs."""
        return (
            "Close the segments that killed crawls and replays left open, and index what they hold"
        )

    def long_desc(self) -> str:
        """Say what it does, with an example."""
        return (
            "Of each segment that a killed process left open, cut the torn end off, read into the index what it lacks, "
            "and close it, as every crawl and replay does when it begins. Segments that live processes write are "
            "passed over. Nothing to close is no failure. Example: scrapy close"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (a verb's signature)
        """Close them; 1 if one cannot be, or a page read of them gave no article."""
        if args:
            raise UsageError(
                "it takes no arguments; ARCHIVE_URL says which archive", print_help=False
            )
        folder = archive_folder(self.text_setting("ARCHIVE_URL"))
        before = len(left_open(folder))
        index = index_path(self.text_setting("INDEX_URL"))
        if before and not index.exists():
            sentence = (
                f"there is no index at {index}: name it in INDEX_URL, or run scrapy reindex first."
            )
            raise IndexUnusableError(sentence)
        if index.exists():
            with self.open_index() as there, there.reading() as connection:
                check_there(folder, connection)
        code = close_left_open(self, folder) if before else 0
        if len(left_open(folder)) == before:
            print("nothing to close")
        say_live(folder)
        return code
