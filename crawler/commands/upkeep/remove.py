"""``scrapy remove``: remove articles from the index and from the archive's files."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive.model.errors import SegmentError, describe_os_error
from archive.model.program import PROGRAM
from archive.reindex.fresh_index import exclude_reindex
from archive.takedown import log as takedown_log
from archive.takedown.execute import SharedBytesError, TakedownExecutor, old_indexes, room_lacks
from archive.takedown.plan import add_quotes, combine, plan_takedown
from archive.takedown.quotes import find_quotes
from crawler.cli.base import Verb, check_outlet, usage_error
from crawler.cli.output.plural import counted
from crawler.cli.output.summary import Report
from crawler.model.outlet import OutletError
from crawler.model.text import as_text
from crawler.offline.recovery import recover
from crawler.outlets import article_id as article_id_of
from crawler.outlets import article_named
from pipelines.deposit import CaptureStore

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from archive.index.database import Index, Snapshot
    from archive.segments.store import Store
    from archive.takedown.execute import TakedownResult
    from archive.takedown.plan import TakedownPlan

_WORD = "remove"


@dataclass(frozen=True, slots=True)
class _Request:
    """What is to be removed: articles by outlet and id, why, and from which archive and index."""

    articles: tuple[tuple[str, str], ...]
    reason: str
    store: Store
    index_url: str
    keep_lists: bool
    dry_run: bool
    yes: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """The articles to remove, and the removals that were begun earlier and are not complete.

    ``quotes`` are the addresses of feeds and lists that quote an article, by its name.
    """

    articles: list[TakedownPlan]
    pending: Sequence[takedown_log.Takedown]
    quotes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def files(self) -> list[str]:
        """The segments that will be rewritten."""
        names = {name for one in self.articles for name in one.files}
        return sorted(names | {record.file for one in self.pending for record in one.records})


class Command(Verb):
    """Remove articles. Reads ARCHIVE_URL and INDEX_URL."""

    outlasts_reader = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] OUTLET/ID | ADDRESS … --reason TEXT"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Hide the articles at once, rewrite the segments with their captures without them, and "
            "delete their rows from the index. A tombstone record and a line in removals.jsonl say "
            "what was removed, when, by whom and why; verify checks both. The articles cannot be "
            "added again. Asks for confirmation. If it is interrupted, the same command continues. "
            f'Example: {PROGRAM} remove newspim/20230915999901 --reason "court order 2026-1" '
            "--dry-run"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --reason, --keep-lists, --dry-run, --yes."""
        super().add_options(parser)
        parser.add_argument(
            "--reason", default="", metavar="TEXT", help="why; it is recorded permanently"
        )
        parser.add_argument(
            "--keep-lists",
            action="store_true",
            help="keep captures of feeds and lists, although they quote the article",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only print what would be removed"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Remove; return 1 if an article does not exist, or a removal is not complete."""
        request = self._request(args, opts)
        plan = self._plan(request)
        if plan is None:
            return 1
        if not plan.articles and not plan.pending:
            return 0
        _print_plan(request.store, plan)
        _check(request, plan)
        if request.dry_run:
            print("nothing was changed (--dry-run)")
            return 0
        if not request.yes and not _is_confirmed():
            print("Nothing was removed.", file=sys.stderr)
            return 1
        return self._execute(request, plan)

    def _request(self, args: list[str], opts: argparse.Namespace) -> _Request:
        """Return what the command line asks for.

        :raises UsageError: an argument is invalid, or there is no terminal to ask.
        :raises SegmentError: there is no archive.
        """
        articles = tuple(self._article_name(argument) for argument in dict.fromkeys(args))
        if not articles:
            raise usage_error("name at least one article as OUTLET/ID")
        reason = " ".join(as_text(opts.reason).split())
        if not reason:
            raise usage_error("give the reason with --reason TEXT; it is recorded permanently")
        if not (opts.yes or opts.dry_run or sys.stdin.isatty()):
            raise usage_error(
                "no terminal to ask for confirmation; pass --yes, or --dry-run to see what would "
                "be removed"
            )
        store = self.archive_store()
        if not store.exists():
            place = store.place()
            raise SegmentError(f"There is no archive at {place}: correct ARCHIVE_URL.")
        return _Request(
            articles=articles,
            reason=reason,
            store=store,
            index_url=self.text_setting("INDEX_URL"),
            keep_lists=opts.keep_lists,
            dry_run=opts.dry_run,
            yes=opts.yes,
        )

    def _plan(self, request: _Request) -> _Plan | None:
        """Return what will be removed, None if an article does not exist; print either."""
        quotes: dict[str, list[str]] = {}
        with self.open_index() as index, index.reading() as connection:
            for outlet in dict.fromkeys(outlet for outlet, _ in request.articles):
                check_outlet(connection, outlet)
            found = _find(connection, request.articles)
            if found is None:
                return None
            if not request.keep_lists:
                quotes = _quotes(connection, request.store, found)
                found = [add_quotes(connection, one, quotes.get(str(one), ())) for one in found]
        pending = takedown_log.read(request.store).pending
        unfinished = {str(one) for one in pending}
        left = []
        for one in found:
            if one.captures or one.row is not None or not one.known:
                left.append(one)
            elif str(one) not in unfinished:
                print(f"{one} has already been removed")
        return _Plan(left, pending, quotes)

    def _execute(self, request: _Request, plan: _Plan) -> int:
        """Remove; return the exit status.

        :raises SegmentError: another process removes articles, other articles share the bytes, or
            the log of removals cannot be written.
        """
        archive = request.store
        try:
            lock = takedown_log.locked(archive)
            no_reindex = exclude_reindex(request.index_url)
            with no_reindex, self.open_index(read_only=False) as index, lock as log:
                if log is None:
                    raise SegmentError(
                        "Another process is removing articles; run the same command when it has "
                        "ended."
                    )
                _, opened = archive.names()
                recovered = self._recover(archive, index) if opened else 0
                executor = TakedownExecutor(archive, index, log, article_id_of)
                begun = executor.begin(request.articles, request.reason, _user(), plan.quotes)
                result = executor.finish()
        except SharedBytesError as error:
            raise SegmentError(str(error)) from error
        except OSError as error:
            place = archive.place(takedown_log.NAME)
            raise SegmentError(describe_os_error(place, error)) from error
        return max(recovered, _print_result(begun, result))

    def _recover(self, archive: Store, index: Index) -> int:
        """Index what crashed runs left open, so that nothing of the articles remains in it.

        Return 1 if a record in it could not be read or stored, else 0.
        """
        report = Report()
        with self.open_segments("remove") as segments:
            run = self.begin("remove")
            store = CaptureStore(segments, index, run, report.add, on_bug=report.add_bug)
            if recover(archive, index, store) or report.has_failed:
                store.close()
        if not report.has_failed:
            return 0
        print(
            "Not all that a crashed run left could be read, so the article may be in it still. Run "
            f"{PROGRAM} reindex when the fault above is mended, then the same command again.",
            file=sys.stderr,
        )
        return 1

    def _article_name(self, argument: str) -> tuple[str, str]:
        """Return outlet and id.

        :raises UsageError: the argument is neither OUTLET/ID nor an address of an outlet's.
        """
        try:
            outlet, article_id = article_named(as_text(argument), self.outlets_seen)
        except OutletError as error:
            raise usage_error(str(error)) from error
        if not (outlet and article_id):
            raise usage_error(f"{argument} is not an article: write OUTLET/ID, or an address of it")
        return outlet, article_id


def _find(connection: Snapshot, articles: Sequence[tuple[str, str]]) -> list[TakedownPlan] | None:
    """Return a plan for each article; None if one does not exist, after naming it on stderr."""
    found = {name: plan_takedown(connection, *name, article_id_of) for name in articles}
    unknown = ["/".join(name) for name, plan in found.items() if plan is None]
    for name in unknown:
        print(f"no article {name} in the index; {PROGRAM} show lists the articles", file=sys.stderr)
    return None if unknown else combine(plan for plan in found.values() if plan is not None)


def _quotes(
    connection: Snapshot, store: Store, plans: Sequence[TakedownPlan]
) -> dict[str, list[str]]:
    """Return the addresses of feeds and lists that quote the articles, by the articles' names."""
    return {
        str(one): list(find_quotes(connection, store, one.row))
        for one in plans
        if one.row is not None
    }


def _check(request: _Request, plan: _Plan) -> None:
    """Check that the plan can be carried out; name old indexes that will be deleted.

    :raises SegmentError: other articles share the bytes, or the disk is too full for the rewrite.
    """
    for one in plan.articles:
        if one.others:
            raise SegmentError(str(SharedBytesError(one)))
    lack = room_lacks(request.store, request.index_url, plan.files)
    if lack:
        raise SegmentError(lack)
    for name in old_indexes(request.index_url):
        print(f"{name}, kept by a reindex, contains the texts too and will be deleted")


def _print_plan(store: Store, plan: _Plan) -> None:
    """Print exactly what will be removed."""
    for one in plan.articles:
        also = ""
        if one.pictures:
            also += f", including {counted(one.pictures, 'image')} that no other article shows"
        if one.lists:
            also += f", including {counted(one.lists, 'feed or list', 'feeds or lists')} quoting it"
        print(
            f"{one}: {counted(one.versions, 'revision')}; {counted(len(one.captures), 'capture')}"
            f"{also}, {counted(one.size, 'byte')}, with their requests"
        )
        for name in sorted(one.files):
            found = store.find(name)
            size = "open"
            if found is not None and not found.is_open:
                size = f"{found.size / 1e6:.1f} MB"
            print(f"  to be rewritten: {name} ({size})")
        if one.leased:
            print("  a crawl is visiting it now")
    for takedown in plan.pending:
        print(f"{takedown}: begun on {takedown.at:%Y-%m-%d}, not complete")


def _is_confirmed() -> bool:
    """Ask for the word; the end of the input or any other text is a no."""
    print(f"This cannot be undone. Type {_WORD} to continue: ", end="", flush=True)
    return sys.stdin.readline().strip() == _WORD


def _user() -> str:
    """Return the user and the host that remove, for the log of removals."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _print_result(begun: Sequence[TakedownPlan], result: TakedownResult) -> int:
    """Print what was removed and what is left; return the exit status."""
    for old, new in result.rewritten:
        print(f"{old} was rewritten as {new}")
    if result.repointed:
        revisits = counted(result.repointed, "revisit record")
        print(f"{revisits} of removed captures rewritten to refer to others with the same payload")
    for takedown in result.done:
        print(f"removed {takedown}: {counted(len(takedown.records), 'capture')}")
    leased = [one for one in begun if one.leased]
    for one in leased:
        print(
            f"A crawl was visiting {one}. Its capture is not read; run the same command when the "
            "crawl has ended.",
            file=sys.stderr,
        )
    for sentence in result.waiting:
        print(
            f"{sentence} The article is hidden; run the same command later to remove all of it.",
            file=sys.stderr,
        )
    return 1 if result.waiting or leased else 0
