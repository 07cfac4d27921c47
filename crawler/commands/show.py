"""``scrapy show``: one article, its revisions and its captures; or the list of all."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from archive.articles.captures import captures_of
from archive.articles.changes import ChangeClass
from archive.articles.deletions import gone_captures
from archive.articles.history import history
from archive.articles.queries import aliases_of, each_article, find_article
from archive.model.article import KST
from archive.model.program import PROGRAM
from archive.segments.names import archive_folder
from crawler.cli.article_history import print_changes, print_history, size_text
from crawler.cli.base import Verb, usage_error
from crawler.cli.tables import print_articles, print_table
from crawler.cli.times import parse_moment
from crawler.model.text import as_text
from crawler.offline.capture_diff import levels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from archive.articles.captures import StoredCapture
    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle


class Command(Verb):
    """Shows articles. Reads INDEX_URL and ARCHIVE_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] [OUTLET | OUTLET/ID]"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Show one article with its revisions and captures, or list the articles"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Print everything kept of an article: its fields, what the widget rules removed, its history with what "
            "each revision changed word by word ([-taken out-], {+put in+}), and the captures with their places in the "
            "WARCs. With an outlet alone, or nothing, list the articles. "
            f"Example: {PROGRAM} show --at 2023-09-16T09:00 newspim/20230915999901"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --at and --revision."""
        super().add_options(parser)
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--at",
            type=_moment,
            metavar="TIME",
            help="the article as it stood then, by what was captured until then: a day (to its end), minute or second "
            "in ISO 8601, KST unless it names a zone",
        )
        which.add_argument(
            "--revision", type=int, metavar="N", help="the article as revision N has it"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Show or list; 1 if there is no such article, or none at that time."""
        if len(args) > 1:
            raise usage_error("name one article as OUTLET/ID")
        outlet, _, article_id = as_text(args[0] if args else "").partition("/")
        chosen = opts.at is not None or opts.revision is not None
        if chosen and not article_id:
            raise usage_error("--at and --revision need an article: OUTLET/ID")
        with self.open_index() as index, index.reading() as connection:
            if not article_id:
                found = list(each_article(connection, outlet))
                print_articles(found)
                print(f"{len(found)} articles")
                return 0
            versions = find_article(connection, outlet, article_id)
            if not versions:
                print(
                    f"no article {outlet}/{article_id} in the index; {PROGRAM} show lists those "
                    "there are",
                    file=sys.stderr,
                )
                return 1
            row_id = versions[-1].row_id
            aliases = aliases_of(connection, row_id)
            shown, gone = captures_of(connection, row_id), gone_captures(connection, row_id)
        happened = history(versions, shown, gone)
        stored = _chosen(versions, opts.at, opts.revision)
        if stored is None:
            print(_none(versions, opts.at, opts.revision), file=sys.stderr)
            return 1
        if chosen:
            happened = [h for h in happened if opts.at is None or h.at <= opts.at]
            _print_article(stored, versions, aliases, happened if opts.at else [])
            return 0
        _print_article(stored, versions, aliases, happened)
        print()
        print_history(happened)
        print_changes(versions)
        self._print_captures(
            sorted([*shown, *gone], key=lambda capture: (capture.captured_at, capture.id))
        )
        return 0

    def _print_captures(self, captures: list[StoredCapture]) -> None:
        depth = levels(captures, archive_folder(self.text_setting("ARCHIVE_URL")))
        print()
        columns = (
            "captured (KST)",
            "rev",
            "differs in",
            "record",
            "status",
            "WARC",
            "offset",
            "length",
        )
        print_table(
            columns,
            [_capture(capture, level) for capture, level in zip(captures, depth, strict=True)],
        )


def _chosen(
    versions: Sequence[StoredArticle], at: datetime | None, number: int | None
) -> StoredArticle | None:
    """The version asked for: of that number, or the last one seen until then, or the last."""
    if number is not None:
        return next((v for v in versions if v.revision == number), None)
    return next((v for v in reversed(versions) if at is None or v.captured_at <= at), None)


def _none(versions: Sequence[StoredArticle], at: datetime | None, number: int | None) -> str:
    article = versions[-1].article
    name = f"{article.outlet}/{article.article_id}"
    if at is None:
        return f"{name} has no revision {number}; it has {', '.join(str(v.revision) for v in versions)}"
    until, first = (
        f"{moment.astimezone(KST):%Y-%m-%d %H:%M:%S}" for moment in (at, versions[0].captured_at)
    )
    return f"nothing of {name} was captured until {until} (KST); it was first captured {first}"


def _print_article(
    stored: StoredArticle,
    versions: Sequence[StoredArticle],
    aliases: Sequence[str],
    happened: Sequence[HistoryEvent],
) -> None:
    """Print one version; ``happened`` is the article's history up to the moment that is shown."""
    article = stored.article
    identity = (
        " (made from its content; no address is known)" if article.identity_is_content else ""
    )
    facts = {
        "article": f"{article.outlet}/{article.article_id}{identity}",
        "status": _status(happened),
        "revision": _revision(stored, versions),
        "url": article.url,
        "also": ", ".join(aliases),
        "published": _time(article.published_at, article.published_raw),
        "modified": _time(article.modified_at, article.modified_raw),
        "authors": ", ".join(
            " ".join(filter(None, (a.name, a.role, a.email))) for a in article.authors
        ),
        "dateline": article.dateline,
        "section": article.section,
        "tags": ", ".join(article.tags),
        "language": article.language,
        "flags": ", ".join(article.flags),
        "read by": ", ".join(stored.layouts),
    }
    print(article.headline)
    for line in article.subheadlines:
        print(f"  {line}")
    print()
    for name, value in facts.items():
        if value:
            print(f"{name:>9}  {value}")
    print(f"\n{article.text}\n")
    for image in article.images:
        print(
            f"[image] {image.url or '(address unknown)'}\n        {image.caption} — {image.credit}"
        )
    for span in article.removed:
        first, *rest = span.text.splitlines() or [""]
        print(f"[removed] {span.rule}: {first}{f' … (+{len(rest)} lines)' if rest else ''}")


def _time(moment: Any, raw: str) -> str:
    if moment is None:
        return f"unknown (printed: {raw})" if raw else ""
    return f"{moment.isoformat()} (printed: {raw})"


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _status(happened: Sequence[HistoryEvent]) -> str:
    """Whether the article was there, by the last that was seen of it; nothing where that was not asked for."""
    if not happened:
        return ""
    gone: HistoryEvent | None = None
    for event in happened:
        if event.classes == (ChangeClass.DELETION,):
            gone = gone or event
        elif event.capture is not None:
            gone = None
    if gone is None or gone.capture is None:
        return "published"
    return f"deleted (seen gone {gone.at:%Y-%m-%d %H:%M:%S}: {gone.capture.sign_of_deletion})"


def _revision(stored: StoredArticle, versions: Sequence[StoredArticle]) -> str:
    what = ", ".join(
        filter(
            None, (*(stored.change["classes"] if stored.change else ()), size_text(stored.change))
        )
    )
    return f"{stored.revision} of {len(versions)}, {stored.captured_at:%Y-%m-%d %H:%M:%S}{f': {what}' if what else ''}"


def _capture(capture: StoredCapture, level: str) -> tuple[str, ...]:
    taken_in = "" if capture.time_known else " (taken in)"
    return (
        f"{capture.captured_at.astimezone(KST):%Y-%m-%d %H:%M:%S}{taken_in}",
        str(capture.revision or "gone"),
        level,
        capture.record_type,
        str(capture.status or ""),
        capture.location.file,
        str(capture.location.offset),
        str(capture.location.length),
    )
