"""``scrapy backup``: copy the archive and its index, in the state of one moment, to a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from archive.index.address import is_postgres_url
from archive.model.program import PROGRAM
from archive.verify.selection import MOST_PARTS, part_of
from crawler.cli.base import Verb, number_option, usage_error
from crawler.cli.output.plural import counted
from crawler.cli.output.progress import ProgressBar
from crawler.cli.output.times import kst_second

if TYPE_CHECKING:
    import argparse

    from archive.backup.create import BackupResult
    from archive.segments.store import Store
    from crawler.jobs.queue.backup_parts import BackupByWorkers


class Command(Verb):
    """Back up the archive and its index. Reads ARCHIVE_URL and INDEX_URL."""

    outlasts_reader = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] FOLDER"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Copy the segments, the manifest, the log of removals and the index to FOLDER, in the "
            "state of one moment, while crawls and replays run. Each segment is checked against "
            "the manifest; a damaged one is reported, and the others are copied. Run again, it "
            f"copies only what is new, and deletes from FOLDER what {PROGRAM} remove removed from "
            "the archive: until then the backup still contains the article, so back up after each "
            "removal. If a backup is interrupted, the previous one stays valid and the same "
            "command continues. FOLDER holds one state; use several folders to keep several. "
            f"Example: {PROGRAM} backup /mnt/backup/sacho"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        super().add_options(parser)
        parser.add_argument(
            "--check",
            action="store_true",
            help="read every file in FOLDER, and copy damaged ones again",
        )
        parser.add_argument(
            "--workers",
            type=number_option,
            metavar="N",
            help="let workers, which all see FOLDER, copy the segments in N parts",
        )
        parser.add_argument(
            "--part",
            default="",
            metavar="K/N",
            help="copy only the Kth of N parts of the segments, for the command that --of names",
        )
        parser.add_argument(
            "--of",
            default="",
            metavar="MARK",
            help="with --part: the mark of the command that waits for it (--workers sets it)",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Back up; return 1 if a file is damaged or missing."""
        from archive.backup.create import back_up

        folder = backup_folder(args)
        others = self._others(folder, opts)
        archive = self.archive_store()
        if opts.part:
            return self._copy_part(archive, folder, opts)
        with ProgressBar("copying") as progress:
            made = back_up(
                archive,
                self.text_setting("INDEX_URL"),
                folder,
                check=opts.check,
                begin=progress.begin,
                advance=progress.advance,
                others=others,
            )
        return _report(made, folder)

    def _others(self, folder: Path, opts: argparse.Namespace) -> BackupByWorkers | None:
        """Return the workers that copy segments, None if there are none; check the options.

        :raises UsageError: the options do not go together, or the index is a file.
        """
        if bool(opts.part) != bool(opts.of):
            raise usage_error("--part and --of go together; --workers sets both")
        if opts.part and (opts.workers or opts.check):
            raise usage_error("--part copies what --workers has planned; omit the other options")
        if not opts.workers:
            return None
        if not is_postgres_url(self.text_setting("INDEX_URL")):
            raise usage_error("--workers needs workers, and so an index in PostgreSQL")
        if opts.workers > MOST_PARTS:
            raise usage_error(f"--workers takes at most {MOST_PARTS} parts")
        # Imported here: only this needs Procrastinate.
        from crawler.jobs.queue.backup_parts import BackupByWorkers
        from crawler.jobs.queue.procrastinate_queue import check_installed

        check_installed()
        return BackupByWorkers(self.text_setting("INDEX_URL"), folder.absolute(), opts.workers)

    def _copy_part(self, archive: Store, folder: Path, opts: argparse.Namespace) -> int:
        """Copy a part of the segments for the command that waits for it."""
        from archive.backup.parts import copy_part
        from archive.runs.part_results import check_awaited

        try:
            part = part_of(opts.part)
        except ValueError as error:
            raise usage_error(f"--part {opts.part}: {error}") from error
        with self.open_index() as index:
            check_awaited(index, opts.of)
        made = copy_part(archive, folder, opts.of, part)
        for sentence in made.left:
            print(f"{sentence} It is left to the command that waits for this part.")
        print(f"{counted(made.copied, 'segment')} copied, {made.size / 1e6:.1f} MB")
        return 0


def backup_folder(args: list[str]) -> Path:
    """Return the folder that the arguments name.

    :raises UsageError: there is not exactly one, or it is a URL.
    """
    if len(args) != 1 or not args[0]:
        raise usage_error("name one folder for the backup")
    if "://" in args[0]:
        raise usage_error(f"{args[0]}: a backup is a local folder; mount it if it is remote")
    return Path(args[0])


def _report(made: BackupResult, folder: Path) -> int:
    """Print what was copied; return the exit status."""
    for sentence in made.faults:
        print(f"{PROGRAM} backup: {sentence}", file=sys.stderr)
    for name in made.recopied:
        print(f"{name} was damaged in the backup and was copied again")
    for name in made.pending:
        print(f"the removal of {name} is not complete; the backup contains what is left of it")
    if not made.index:
        print("there is no index, so the backup contains none")
    open_ones = f", {made.open} open" if made.open else ""
    print(
        f"segments: {made.new} new, {made.unchanged} unchanged, {made.deleted} deleted{open_ones}; "
        f"{made.copied / 1e6:.1f} MB copied"
    )
    print(f"{folder} holds the archive as of {kst_second(made.at)} KST, {made.size / 1e6:.1f} MB")
    return 1 if made.faults else 0
