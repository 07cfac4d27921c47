"""``scrapy show``: one article, its revisions and its captures; or the list of all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from archive.article import KST
from archive.queries import aliases_of, captures_of, each_article, find_article
from crawler.command import Verb, as_text
from crawler.tables import print_articles, print_table

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from archive.queries import Stored


class Command(Verb):
    """Shows articles. Reads INDEX_URL."""

    def syntax(self) -> str:
        """Show what it takes."""
        return "[options] [OUTLET | OUTLET/ID]"

    def short_desc(self) -> str:
        """Say what it does, in the list of verbs."""
        return "Show one article with its revisions and captures, or list the articles"

    def long_desc(self) -> str:
        """Say what it does, with an example."""
        return (
            "Print everything kept of an article: its fields, what the widget rules removed, its revisions, and the "
            "captures with their places in the WARCs. With an outlet alone, or nothing, list the articles. "
            "Example: scrapy show newspim/20230915999901"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (the verbs' one signature)
        """Show or list; 1 if there is no such article."""
        if len(args) > 1:
            raise UsageError("name one article as OUTLET/ID", print_help=False)
        outlet, _, article_id = as_text(args[0] if args else "").partition("/")
        with self.open_index() as index, index.reading() as connection:
            if not article_id:
                found = list(each_article(connection, outlet))
                print_articles(found)
                print(f"{len(found)} articles")
                return 0
            revisions = find_article(connection, outlet, article_id)
            if not revisions:
                print(
                    f"no article {outlet}/{article_id} in the index; scrapy show lists those there are", file=sys.stderr
                )
                return 1
            row_id = revisions[-1].row_id
            self._print(revisions, aliases_of(connection, row_id), captures_of(connection, row_id))
        return 0

    def _print(self, revisions: list[Stored], aliases: list[str], captures: list[dict[str, Any]]) -> None:
        stored, article = revisions[-1], revisions[-1].article
        identity = " (made from its content; no address is known)" if article.identity_is_content else ""
        facts = {
            "article": f"{article.outlet}/{article.article_id}{identity}",
            "url": article.url,
            "also": ", ".join(aliases),
            "published": _time(article.published_at, article.published_raw),
            "modified": _time(article.modified_at, article.modified_raw),
            "authors": ", ".join(" ".join(filter(None, (a.name, a.role, a.email))) for a in article.authors),
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
            print(f"[image] {image.url or '(address unknown)'}\n        {image.caption} — {image.credit}")
        for span in article.removed:
            first, *rest = span.text.splitlines() or [""]
            print(f"[removed] {span.rule}: {first}{f' … (+{len(rest)} lines)' if rest else ''}")
        print()
        columns = ("captured (KST)", "rev", "record", "status", "WARC", "offset", "length")
        print_table(columns, [_capture(row) for row in captures])


def _time(moment: Any, raw: str) -> str:
    if moment is None:
        return f"unknown (printed: {raw})" if raw else ""
    return f"{moment.isoformat()} (printed: {raw})"


def _capture(row: dict[str, Any]) -> tuple[str, ...]:
    taken_in = "" if row["time_known"] else " (taken in)"
    figures = ("number", "record_type", "status", "warc_file", "warc_offset", "warc_length")
    when = f"{row['captured_at'].astimezone(KST):%Y-%m-%d %H:%M:%S}{taken_in}"
    return (when, *(str(row[name] or "") for name in figures))
