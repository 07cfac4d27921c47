"""``scrapy index copy``: copy the index to another database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.index.copy import copy_index
from archive.index.database import (
    Index,
    IndexUnusableError,
    index_exists,
    index_file,
    shown_index,
)
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.cli.output.plural import counted

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Copy the index from one database to another, from SQLite to PostgreSQL or back."""

    outlasts_reader = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "copy FROM TO"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Copy all rows of the index at FROM, as of one moment, to TO, which must be empty or "
            "not exist yet. Both are addresses as in INDEX_URL, of a file or of PostgreSQL. "
            "Others may read and write FROM meanwhile; what they write after the start is not "
            "copied. It is copied whole or not at all. "
            f"Example: {PROGRAM} index copy sqlite:///var/index.sqlite3 "
            "postgresql+psycopg://sacho@db.example/sacho"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (no options)
        """Copy it; return the exit status."""
        if len(args) != 3 or args[0] != "copy":
            raise usage_error("say what to copy, and where to: copy FROM TO")
        self.said_if_stopped = "Stopped. Nothing was copied."
        source_url, target_url = args[1:]
        for url in (source_url, target_url):
            try:
                index_file(url)
            except IndexUnusableError as error:
                raise usage_error(str(error)) from error
        if not index_exists(source_url):
            raise IndexUnusableError(f"there is no index at {shown_index(source_url)}.")
        with Index(source_url, read_only=True) as source, Index(target_url) as target:
            copied = copy_index(source, target)
        for name, number in sorted(copied.items()):
            if number:
                print(f"{name}: {counted(number, 'row')}")
        print(f"{shown_index(source_url)} is copied to {shown_index(target_url)}")
        return 0
