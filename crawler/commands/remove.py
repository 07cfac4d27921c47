"""``scrapy remove``: take an article down, from the index and out of the archive's bytes."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.model.errors import SegmentError
from archive.model.program import PROGRAM
from archive.reindex.builder import exclude_reindex
from archive.segments.names import archive_folder, open_segments
from archive.takedown import log as takedown_log
from archive.takedown.execute import SharedBytesError, TakedownExecutor, old_indexes, room_lacks
from archive.takedown.plan import add_quotes, combine, plan_takedown
from archive.takedown.quotes import find_quotes
from crawler.cli.base import Verb, usage_error
from crawler.cli.summary import Report
from crawler.model.text import as_text
from crawler.offline.recovery import recover
from crawler.outlets import article_id as article_id_of
from pipelines.deposit import CaptureStore

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from archive.index.database import Index
    from archive.takedown.execute import TakedownResult
    from archive.takedown.plan import TakedownPlan

_WORD = "remove"


class Command(Verb):
    """Removes articles. Reads ARCHIVE_URL and INDEX_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] OUTLET/ID [OUTLET/ID …] --reason TEXT"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Take articles down: out of the index, out of the WARCs, and never in again"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Hide articles at once, write the segments that hold their captures anew without them, and scrub the "
            "index. Tombstones and removals.jsonl say what was removed, when, by whom and why; verify checks them. "
            "Asks before it acts. Stopped at any moment, the same command goes on. "
            f'Example: {PROGRAM} remove newspim/20230915999901 --reason "court order 2026-1" '
            "--dry-run"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --reason, --keep-lists, --dry-run, --yes."""
        super().add_options(parser)
        parser.add_argument(
            "--reason", default="", metavar="TEXT", help="why; it stays on record for good"
        )
        parser.add_argument(
            "--keep-lists",
            action="store_true",
            help="leave captures of feeds and lists, though they quote the article",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
        parser.add_argument("--yes", action="store_true", help="don't ask")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Remove; 1 if there is no such article, or something is left to do."""
        wanted = [_name(argument) for argument in dict.fromkeys(args)]
        if not wanted:
            raise usage_error("name at least one article as OUTLET/ID")
        reason = " ".join(as_text(opts.reason).split())
        if not reason:
            raise usage_error("say why with --reason TEXT; it stays on record")
        if not (opts.yes or opts.dry_run or sys.stdin.isatty()):
            raise usage_error(
                "nobody can be asked here: add --yes, or --dry-run to see what would go"
            )
        folder = Path(archive_folder(self.text_setting("ARCHIVE_URL")))
        if not folder.is_dir():
            raise SegmentError(f"There is no archive at {folder}: name its folder in ARCHIVE_URL.")
        index_url = self.text_setting("INDEX_URL")
        quoted: dict[str, list[str]] = {}
        with self.open_index() as index, index.reading() as connection:
            going = _look(connection, wanted)
            if going is None:
                return 1
            if not opts.keep_lists:
                quoted = {
                    str(one): list(find_quotes(connection, folder, one.row))
                    for one in going
                    if one.row is not None
                }
                going = [add_quotes(connection, one, quoted.get(str(one), ())) for one in going]
        pending = takedown_log.read(folder).pending
        left = [one for one in going if one.captures or one.row is not None or not one.known]
        for one in going:
            if one not in left and str(one) not in map(str, pending):
                print(f"{one} is removed already")
        if not left and not pending:
            return 0
        _say(folder, left, pending)
        for one in left:
            if one.others:
                raise SegmentError(str(SharedBytesError(one)))
        files = sorted(
            {name for one in left for name in one.files}
            | {g.file for p in pending for g in p.records}
        )
        lack = room_lacks(folder, index_url, files)
        if lack:
            raise SegmentError(lack)
        for path in old_indexes(index_url):
            print(f"{path}, which a reindex kept, holds the texts too and is deleted")
        if opts.dry_run:
            print("nothing was changed (--dry-run)")
            return 0
        if not opts.yes and not _agreed():
            print("Nothing was removed.", file=sys.stderr)
            return 1
        return self._remove(folder, wanted, reason, quoted)

    def _remove(
        self,
        folder: Path,
        wanted: Sequence[tuple[str, str]],
        reason: str,
        quoted: Mapping[str, Sequence[str]],
    ) -> int:
        try:
            log = takedown_log.locked(folder)
            away = exclude_reindex(self.text_setting("INDEX_URL"))
            with away, self.open_index(read_only=False) as index, log as held:
                if held is None:
                    raise SegmentError(
                        "Another process is removing articles; run the same command when it has ended."
                    )
                if open_segments(folder):
                    self._recover(folder, index)
                removing = TakedownExecutor(folder, index, held, article_id_of)
                going = removing.begin(wanted, reason, _who(), quoted)
                finished = removing.finish()
        except SharedBytesError as error:
            raise SegmentError(str(error)) from error
        except OSError as error:
            raise SegmentError(
                f"{folder / takedown_log.NAME} can't be written ({error.strerror})."
            ) from error
        return _tell(going, finished)

    def _recover(self, folder: Path, index: Index) -> None:
        """Bring in what killed writers left, so that nothing of the articles stays in it."""
        report = Report()
        with self.open_segments("remove") as segments:
            store = CaptureStore(segments, index, self.begin("remove"), report.add)
            if recover(folder, index, store):
                store.close()


def _look(connection: Any, wanted: Sequence[tuple[str, str]]) -> list[TakedownPlan] | None:
    """What is to go; None, and a sentence for each, if there is no such article."""
    found = {name: plan_takedown(connection, *name, article_id_of) for name in wanted}
    unknown = [
        f"{outlet}/{article_id}" for (outlet, article_id), one in found.items() if one is None
    ]
    for name in unknown:
        print(
            f"no article {name} in the index; {PROGRAM} show lists those there are", file=sys.stderr
        )
    return None if unknown else combine(one for one in found.values() if one is not None)


def _name(argument: str) -> tuple[str, str]:
    outlet, slash, article_id = as_text(argument).partition("/")
    if not (outlet and slash and article_id):
        raise usage_error(f"{argument} names no article: say OUTLET/ID")
    return outlet, article_id


def _say(
    folder: Path, going: Sequence[TakedownPlan], pending: Sequence[takedown_log.Takedown]
) -> None:
    """Print exactly what will go."""
    for one in going:
        also = f", {one.pictures} of them pictures that only it shows" if one.pictures else ""
        also += f", {one.lists} of them feeds and lists that quote it" if one.lists else ""
        print(
            f"{one}: {one.versions} versions; {len(one.captures)} captures{also}, {one.size} bytes, with their requests"
        )
        for name in sorted(one.files):
            path = folder / name
            size = f"{path.stat().st_size / 1e6:.1f} MB" if path.exists() else "open"
            print(f"  to be written anew: {name} ({size})")
        if one.leased:
            print("  a crawl is visiting it now")
    for removal in pending:
        print(f"{removal}: begun on {removal.at:%Y-%m-%d}, to be ended")


def _agreed() -> bool:
    """Whether somebody types the word; an end of input or anything else is no."""
    print(f"This cannot be undone. Type {_WORD} to go on: ", end="", flush=True)
    return sys.stdin.readline().strip() == _WORD


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _tell(going: Sequence[TakedownPlan], finished: TakedownResult) -> int:
    for old, new in finished.rewritten:
        print(f"{old} is now {new}")
    if finished.repointed:
        print(
            f"{finished.repointed} revisits of removed captures refer to others of the same payload now"
        )
    for removal in finished.done:
        print(f"removed {removal}: {len(removal.records)} captures")
    late = [one for one in going if one.leased]
    for one in late:
        print(
            f"A crawl was visiting {one}. What it brings is not read; run the same command when it has ended.",
            file=sys.stderr,
        )
    for sentence in finished.waiting:
        print(
            f"{sentence} The article is hidden; to remove all of it, run the same command later.",
            file=sys.stderr,
        )
    return 1 if finished.waiting or late else 0
