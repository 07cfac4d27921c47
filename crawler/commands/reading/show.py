"""``scrapy show``: one article with its revisions and captures, or the list of articles."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from archive.articles.blocklist import removal_of
from archive.articles.history import history
from archive.articles.queries import (
    aliases_of,
    end_of_list,
    find_article,
    newest_articles,
    number_of_articles,
)
from archive.captures.deletions import DeletionJudge
from archive.captures.rows import captures_of
from archive.differences.changes import ChangeClass
from archive.export.article_json import article_object, articles_object
from archive.export.articles import to_values
from archive.index.search.cursor import cursor_text, parse_cursor
from archive.model.article import Quality
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, check_outlet, number_option, usage_error
from crawler.cli.output.article_history import print_changes, print_history, size_text
from crawler.cli.output.plural import counted
from crawler.cli.output.printable import print_json, print_json_list
from crawler.cli.output.tables import print_articles, print_table
from crawler.cli.output.times import kst_second, parse_moment
from crawler.model.outlet import OutletError
from crawler.model.text import as_text
from crawler.outlets import article_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.captures.rows import StoredCapture
    from archive.index.database import Index, Snapshot
    from archive.index.search.hit import Hit

#: Articles that are listed by default.
_NEWEST = 20
_CAPTURE_COLUMNS = (
    "captured (KST)",
    "rev",
    "differs in",
    "record",
    "status",
    "WARC",
    "offset",
    "length",
)


class Command(Verb):
    """Show articles. Reads INDEX_URL and ARCHIVE_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] [OUTLET | OUTLET/ID | ADDRESS]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Print everything kept of an article: its fields, what the widget rules removed, its "
            "history with what each revision changed word by word ([-removed-], {+added+}), and "
            "its captures with their places in the WARC files. ADDRESS is any address of the "
            "article: of its desktop or mobile page, with or without a query. With an outlet, or "
            "without an argument, list the articles, newest first. "
            f"Example: {PROGRAM} show --at 2023-09-16T09:00 newspim/20230915999901"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --at, --revision, --limit, --before and --json."""
        super().add_options(parser)
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--at",
            type=_moment_option,
            metavar="TIME",
            help="the article as last captured by the end of this day, minute or second (ISO 8601, "
            "KST unless it names a zone)",
        )
        which.add_argument("--revision", type=int, metavar="N", help="the article in revision N")
        parser.add_argument(
            "--limit",
            type=number_option,
            default=_NEWEST,
            metavar="N",
            help=f"list at most this many articles (default: {_NEWEST})",
        )
        parser.add_argument(
            "--before",
            metavar="CURSOR",
            help="go on behind the last article of a list before, which says the cursor",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Show or list; return 1 if the article does not exist, or did not at that time."""
        if len(args) > 1:
            raise usage_error("name one article as OUTLET/ID, or by an address of it")
        try:
            outlet, article_id = article_named(as_text(args[0] if args else ""), self.outlets_seen)
        except OutletError as error:
            raise usage_error(str(error)) from error
        if article_id:
            if opts.before is not None:
                raise usage_error("--before is for lists; name an outlet, or nothing")
            return self._show(outlet, article_id, opts)
        if opts.at is not None or opts.revision is not None:
            raise usage_error("--at and --revision need an article: OUTLET/ID")
        self._list(outlet, opts)
        return 0

    def _list(self, outlet: str, opts: argparse.Namespace) -> None:
        before = None if opts.before is None else parse_cursor(opts.before)
        with self.open_index() as index:
            with index.reading() as connection:
                if outlet:
                    check_outlet(connection, outlet)
                number = number_of_articles(connection, outlet)
                # Of a list of all, nobody need look for the end.
                is_whole = before is None and opts.limit >= number
                end = None if is_whole else end_of_list(connection, outlet, opts.limit, before)
            cursor = cursor_text(end) if end else None
            pages = _newest(index, outlet, opts.limit, before, judged=opts.json)
            if opts.json:
                values = (to_values(stored) for page in pages for stored in page)
                head = articles_object((), number, next_cursor=cursor)
                print_json_list(head, "articles", values)
                return
            shown = 0
            for page in pages:
                print_articles(page)
                shown += len(page)
        which = f"{shown} of them" if before else f"the newest {shown}"
        left = f"; shown: {which} (--limit N)" if shown < number else ""
        print(f"{counted(number, 'article')}{left}")
        if cursor:
            print(f"next: --before {cursor}")

    def _show(self, outlet: str, article_id: str, opts: argparse.Namespace) -> int:
        with self.open_index() as index, index.reading() as connection:
            check_outlet(connection, outlet)
            versions = find_article(connection, outlet, article_id)
            if not versions:
                print(_not_found(connection, outlet, article_id), file=sys.stderr)
                return 1
            row_id = versions[-1].row_id
            aliases = aliases_of(connection, row_id)
            judge = DeletionJudge(connection)
            shown, gone = captures_of(connection, row_id), judge.gone_captures(row_id)
            events = history(versions, judge.absences(shown, gone))
        stored = _chosen(versions, opts.at, opts.revision)
        if stored is None:
            print(_missing(versions, opts.at, opts.revision), file=sys.stderr)
            return 1
        captures = sorted((*shown, *gone), key=lambda one: (one.captured_at, one.id))
        if opts.json:
            levelled = zip(captures, self._levels(captures), strict=True)
            print_json(article_object(stored, versions, aliases, events, levelled))
        elif opts.revision is not None:
            _print_article(stored, versions, aliases, [])
        elif opts.at is not None:
            until = [event for event in events if event.at <= opts.at]
            _print_article(stored, versions, aliases, until)
        else:
            _print_article(stored, versions, aliases, events)
            print()
            print_history(events)
            print_changes(versions)
            print()
            print_table(_CAPTURE_COLUMNS, list(map(_capture, captures, self._levels(captures))))
        return 0

    def _levels(self, captures: Sequence[StoredCapture]) -> list[str]:
        from crawler.offline.capture_diff import levels  # it imports all that reads pages

        return levels(captures, self.archive_store())


def _newest(
    index: Index, outlet: str, limit: int, before: Hit | None, *, judged: bool
) -> Iterator[list[StoredArticle]]:
    """Yield the newest articles in lists, each read when the one before was printed.

    No transaction is left open meanwhile: a reader may take an hour over a list.
    """
    while limit > 0:
        with index.reading() as connection:
            page = newest_articles(connection, outlet, limit, before, judged=judged)
        if not page:
            return
        yield page
        limit, before = limit - len(page), page[-1].place


def _chosen(
    versions: Sequence[StoredArticle], at: datetime | None, number: int | None
) -> StoredArticle | None:
    """Return revision ``number``, or the last one captured until ``at``, or the last one."""
    if number is not None:
        return next((one for one in versions if one.revision == number), None)
    return next((one for one in reversed(versions) if at is None or one.captured_at <= at), None)


def _not_found(connection: Snapshot, outlet: str, article_id: str) -> str:
    """Return the sentence about an article that the index does not have."""
    removal = removal_of(connection, outlet, article_id)
    if removal is None:
        return f"no article {outlet}/{article_id} in the index; {PROGRAM} show lists the articles"
    return (
        f"{removal.outlet}/{removal.article_id} was removed on {kst_second(removal.at)} (KST): "
        f"{removal.reason}"
    )


def _missing(versions: Sequence[StoredArticle], at: datetime | None, number: int | None) -> str:
    """Return the sentence about a revision that does not exist, or did not at that time."""
    article = versions[-1].article
    name = f"{article.outlet}/{article.article_id}"
    if at is None:
        numbers = ", ".join(str(one.revision) for one in versions)
        return f"{name} has no revision {number}; it has {numbers}"
    return (
        f"{name} was not captured until {kst_second(at)} (KST); its first capture is of "
        f"{kst_second(versions[0].captured_at)}"
    )


def _print_article(
    stored: StoredArticle,
    versions: Sequence[StoredArticle],
    aliases: Sequence[str],
    events: Sequence[HistoryEvent],
) -> None:
    """Print one revision; ``events`` are the article's history up to the time that is shown."""
    article = stored.article
    print(article.headline)
    for line in article.subheadlines:
        print(f"  {line}")
    print()
    for name, value in _facts(stored, versions, aliases, events).items():
        if value:
            print(f"{name:>9}  {value}")
    print(f"\n{article.text}\n")
    for image in article.images:
        print(f"[image] {image.url or '(address unknown)'}")
        print(f"        {image.caption} — {image.credit}")
    for span in article.removed:
        first, *rest = span.text.splitlines() or [""]
        more = f" … (+{counted(len(rest), 'line')})" if rest else ""
        print(f"[removed] {span.rule}: {first}{more}")


def _facts(
    stored: StoredArticle,
    versions: Sequence[StoredArticle],
    aliases: Sequence[str],
    events: Sequence[HistoryEvent],
) -> dict[str, str]:
    """Return the fields to print by their labels; empty ones are not printed."""
    article = stored.article
    name = f"{article.outlet}/{article.article_id}"
    if article.identity_is_content:
        name += " (made from its content; no address is known)"
    authors = (" ".join(filter(None, (a.name, a.role, a.email))) for a in article.authors)
    return {
        "article": name,
        "status": _status(events),
        "revision": _revision(stored, versions),
        "url": article.url,
        "also": ", ".join(aliases),
        "published": _time(article.published_at, article.published_raw),
        "modified": _time(article.modified_at, article.modified_raw),
        "authors": ", ".join(authors),
        "dateline": article.dateline,
        "section": article.section,
        "tags": ", ".join(article.tags),
        "language": article.language,
        "flags": ", ".join(article.flags),
        "read by": _readers(stored),
    }


def _readers(stored: StoredArticle) -> str:
    if stored.article.quality is Quality.GENERIC:
        return "no layout of its outlet, but a tool for pages of any site (quality: generic)"
    return ", ".join(stored.layouts)


def _time(moment: datetime | None, raw: str) -> str:
    """Return a time with the text that the page prints for it."""
    if moment is None:
        return f"unknown (printed: {raw})" if raw else ""
    return f"{moment.isoformat()} (printed: {raw})"


def _moment_option(text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _status(events: Sequence[HistoryEvent]) -> str:
    """Return the status of the article at the last event, ``""`` without events."""
    if not events:
        return ""
    last: dict[str, HistoryEvent] = {}
    for event in events:
        if event.classes == (ChangeClass.REAPPEARANCE,):
            last = {}
        elif event.capture is not None:
            last[event.classes[0]] = event
    first, confirmed = last.get(ChangeClass.MISSING), last.get(ChangeClass.DELETION)
    if first is None or first.capture is None:
        return "published"
    seen = f"first seen gone {kst_second(first.at)}: {first.capture.sign_of_deletion}"
    if confirmed is None:
        return f"missing ({seen}; not confirmed)"
    return f"deleted ({seen}; confirmed {kst_second(confirmed.at)})"


def _revision(stored: StoredArticle, versions: Sequence[StoredArticle]) -> str:
    """Return the number of the revision, its time, and what changed in it."""
    text = f"{stored.revision} of {len(versions)}, {kst_second(stored.captured_at)}"
    classes = stored.change["classes"] if stored.change else ()
    changes = ", ".join(filter(None, (*classes, size_text(stored.change))))
    return f"{text}: {changes}" if changes else text


def _capture(capture: StoredCapture, level: str) -> tuple[str, ...]:
    """Return the row of a capture; ``level`` says in what it differs from the one before."""
    import_time = "" if capture.time_known else " (imported)"
    return (
        f"{kst_second(capture.captured_at)}{import_time}",
        str(capture.revision or ("outage" if capture.in_outage else "gone")),
        level,
        capture.record_type,
        str(capture.status or ""),
        capture.location.file,
        str(capture.location.offset),
        str(capture.location.length),
    )
