"""``scrapy backup``: the archive and its index, as they are at one moment, in another folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from archive.model.article import KST
from archive.model.program import PROGRAM
from archive.segments.names import archive_folder
from crawler.cli.base import Verb
from crawler.cli.progress import Bytes

if TYPE_CHECKING:
    import argparse

    from archive.backup.create import BackupResult


class Command(Verb):
    """Backs the archive up. Reads ARCHIVE_URL and INDEX_URL."""

    def syntax(self) -> str:
        """Show what it takes."""
        return "[options] FOLDER"

    def short_desc(self) -> str:
        """Say what it does, in the list of verbs."""
        return "Copy the archive and its index to a folder, best on another disk; again, only what is new"

    def long_desc(self) -> str:
        """Say what it does, with an example."""
        return (
            "Copy the segments, the manifest, the log of removals and the index, all as of one moment, into FOLDER, "
            "while crawls and replays go on. Each segment is held to the manifest; a damaged one is named, and the "
            f"rest copied. The same again copies only what is new, and takes out what {PROGRAM} "
            "remove took out of the "
            "archive: until then the backup holds it still, so back up after each removal. Stopped at any moment, the "
            "backup before stays good and the same command goes on. FOLDER holds one moment; for several, name "
            "several. "
            f"Example: {PROGRAM} backup /mnt/backup/sacho"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --check."""
        super().add_options(parser)
        parser.add_argument(
            "--check",
            action="store_true",
            help="read all that FOLDER holds, and copy again what is damaged there",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Back up; 1 if anything is damaged or missing."""
        from archive.backup.create import back_up

        folder = only_folder(args)
        archive = Path(archive_folder(self.text_setting("ARCHIVE_URL")))
        with Bytes("copying") as progress:
            made = back_up(
                archive,
                self.text_setting("INDEX_URL"),
                folder,
                check=opts.check,
                begin=progress.begin,
                advance=progress.advance,
            )
        return _tell(made, folder)


def only_folder(args: list[str]) -> Path:
    """The one folder that the arguments name."""
    if len(args) != 1 or not args[0]:
        raise UsageError("name one folder, that of the backup", print_help=False)
    if "://" in args[0]:
        raise UsageError(
            f"{args[0]}: a backup lies in a folder of this machine, mounted if need be",
            print_help=False,
        )
    return Path(args[0])


def _tell(made: BackupResult, folder: Path) -> int:
    for sentence in made.faults:
        print(f"{PROGRAM} backup: {sentence}", file=sys.stderr)
    for name in made.mended:
        print(f"{name} was damaged in the backup, and is copied again")
    for name in made.pending:
        print(
            f"the removal of {name} is not done, and the backup holds what the archive still does"
        )
    if not made.index:
        print("there is no index, and so none in the backup")
    open_ones = f", {made.open} open" if made.open else ""
    print(
        f"segments: {made.new} new, {made.unchanged} unchanged, {made.gone} taken out{open_ones}; "
        f"{made.copied / 1e6:.1f} MB copied"
    )
    print(
        f"{folder} holds the archive as of {made.at.astimezone(KST):%Y-%m-%d %H:%M:%S} KST, {made.size / 1e6:.1f} MB"
    )
    return 1 if made.faults else 0
