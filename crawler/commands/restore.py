"""``scrapy restore``: an archive and its index again, out of a backup."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.program import PROGRAM
from archive.segments.names import archive_folder
from crawler.cli.base import Verb
from crawler.cli.progress import Bytes
from crawler.commands.backup import only_folder
from crawler.commands.recover import recover_left_open

if TYPE_CHECKING:
    import argparse

    from archive.backup.restore import RestoreResult


class Command(Verb):
    """Restores a backup. Reads ARCHIVE_URL and INDEX_URL."""

    def syntax(self) -> str:
        """Show what it takes."""
        return "[options] FOLDER"

    def short_desc(self) -> str:
        """Say what it does, in the list of verbs."""
        return "Bring back the archive and its index from a backup, into places where nothing is"

    def long_desc(self) -> str:
        """Say what it does, with an example."""
        return (
            f"Copy what {PROGRAM} backup put into FOLDER to ARCHIVE_URL and INDEX_URL, where "
            "nothing may be yet, holding "
            "every file to its sum; then close the segments that were open. A damaged segment is named and restored as "
            f"it is, a damaged index is left out: {PROGRAM} verify and {PROGRAM} reindex say and "
            "do the rest. FOLDER is only "
            "read; an index of an older schema is upgraded. Stopped at any moment, the same command goes on. "
            f"Example: ARCHIVE_URL=new/archive INDEX_URL=sqlite:///new/index.sqlite3 {PROGRAM} "
            "restore /mnt/backup/sacho"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (a verb's signature)
        """Restore; 1 if anything is damaged or missing."""
        from archive.backup.restore import restore

        folder = only_folder(args)
        archive, index_url = (
            archive_folder(self.text_setting("ARCHIVE_URL")),
            self.text_setting("INDEX_URL"),
        )
        with Bytes("restoring") as progress:
            restored = restore(folder, Path(archive), index_url, progress.begin, progress.advance)
        code = _tell(restored, archive)
        if restored.index:  # an older one is brought up to the schema with it
            code = max(code, recover_left_open(self, archive))
        return code


def _tell(restored: RestoreResult, archive: str) -> int:
    for sentence in restored.faults:
        print(f"{PROGRAM} restore: {sentence}", file=sys.stderr)
    moment = f"{restored.at.astimezone(KST):%Y-%m-%d %H:%M:%S} KST"
    index = "its index" if restored.index else "no index"
    print(
        f"{archive}: {restored.files} files and {index}, {restored.size / 1e6:.1f} MB, as of {moment}"
    )
    if not restored.index:
        print(f"run {PROGRAM} reindex now: it makes the index from the archive")
    return 1 if restored.faults else 0
