"""``scrapy restore``: restore an archive and its index from a backup."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from crawler.cli.base import Verb
from crawler.cli.output.plural import counted
from crawler.cli.output.progress import ProgressBar
from crawler.cli.output.times import kst_second
from crawler.commands.upkeep.backup import backup_folder
from crawler.commands.upkeep.recover import recover_left_open

if TYPE_CHECKING:
    import argparse

    from archive.backup.restore import RestoreResult


class Command(Verb):
    """Restore a backup. Reads ARCHIVE_URL and INDEX_URL."""

    outlasts_reader = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] FOLDER"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Copy the backup in FOLDER to ARCHIVE_URL and INDEX_URL, which must not exist yet, and "
            "check every file against its checksum; then close the segments that were open. A "
            "damaged segment is reported and restored as it is; a damaged index is left out (run "
            f"{PROGRAM} verify and {PROGRAM} reindex). FOLDER is only read. An index of an earlier "
            f"version is restored as it is and has to be rebuilt ({PROGRAM} reindex). If a restore "
            "is interrupted, the same command continues. "
            "Example: ARCHIVE_URL=new/archive INDEX_URL=sqlite:///new/index.sqlite3 "
            f"{PROGRAM} restore /mnt/backup/sacho"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (no options)
        """Restore; return 1 if a file is damaged or missing."""
        from archive.backup.restore import restore

        folder = backup_folder(args)
        store = self.archive_store()
        index_url = self.text_setting("INDEX_URL")
        with ProgressBar("restoring") as progress:
            restored = restore(folder, store, index_url, progress.begin, progress.advance)
        code = _report(restored, store.place())
        if restored.index:
            code = max(code, recover_left_open(self, store))
        return code


def _report(restored: RestoreResult, archive: str) -> int:
    """Print what was restored; return the exit status."""
    for sentence in restored.faults:
        print(f"{PROGRAM} restore: {sentence}", file=sys.stderr)
    index = "its index" if restored.index else "no index"
    print(
        f"{archive}: {counted(restored.files, 'file')} and {index}, {restored.size / 1e6:.1f} MB, "
        f"as of {kst_second(restored.at)} KST"
    )
    if not restored.index:
        print(f"run {PROGRAM} reindex now to make the index from the archive")
    return 1 if restored.faults else 0
