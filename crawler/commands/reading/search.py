"""``scrapy search``: full-text search in the articles."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from archive.articles.queries import best_matches, number_left_out, number_of_matches, search
from archive.articles.snippets import snippet_of
from archive.export.article_json import articles_object
from archive.index.search.cursor import cursor_text, parse_cursor
from archive.index.search.match import has_words
from archive.index.search.query import parse_query, with_sites
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, check_outlet, number_option, usage_error
from crawler.cli.output.printable import print_json
from crawler.cli.output.tables import print_articles
from crawler.model.text import as_text

if TYPE_CHECKING:
    import argparse

    from archive.index.search.query import Query

#: Up to how many matches are counted; of more it is only said that there are.
_COUNTED = 1000


class Command(Verb):
    """Search current revisions. Reads INDEX_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] QUERY"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "List the articles that contain every term of QUERY in headline, deck, body, captions "
            "or author names, newest first. A term is also found within longer words and numbers "
            "(0059 in 005930, 1234 in 1,234) and across blanks (한국은행 in 한국 은행), in letters "
            "of any case or width, and Hanja by their readings (김정은 in 金正恩). "
            '"…" holds a term with blanks in it, in this spelling only; OR between two terms: one '
            "of them is enough; -TERM: it does not occur. outlet:NAME, since:YYYY-MM-DD and "
            "until:YYYY-MM-DD: only that outlet's articles, published on these days; author:NAME "
            "and section:NAME: only theirs, found as terms are (author:김 finds every 김); "
            "edited:yes or edited:no: with or without a second revision. These need no term "
            "beside them. Articles that no layout of their outlet read are left out: quality:any "
            "finds them too, quality:generic only them. More than 1,000 matches are counted with "
            "--count only. Quote the whole for the shell; without quotes, write -- "
            "before a -TERM that begins as an option "
            f"does. Example: {PROGRAM} search '푸틴 OR 김정은 -미사일 since:2026-01-01'"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --limit, --before, --rank, --count and --json."""
        super().add_options(parser)
        parser.add_argument(
            "--limit",
            type=number_option,
            default=20,
            metavar="N",
            help="at most this many (default: 20)",
        )
        parser.add_argument(
            "--before",
            metavar="CURSOR",
            help="go on behind the last article of a search before, which says the cursor",
        )
        parser.add_argument(
            "--rank",
            action="store_true",
            help="those first that are most about the terms (BM25), not the newest",
        )
        parser.add_argument(
            "--count",
            action="store_true",
            help=f"count all that match, also where they are more than {_COUNTED:,}",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Refuse a -TERM that was taken for an option: ``-LG`` is no log level.

        :raises UsageError: the option has no value of its kind.
        """
        taken = [f"-s{value}" for value in opts.set or () if "=" not in value]
        level = (opts.loglevel or "").upper()
        if level and level not in logging.getLevelNamesMapping():
            taken.append(f"-L{opts.loglevel}")
        if taken:
            raise usage_error(
                f"{taken[0]} is taken for an option. If it is a term, write -- before the query, "
                f"or quote the whole: '… {taken[0]}'"
            )
        super().process_options(args, opts)

    def refuse_unknown_options(self, args: list[str]) -> None:
        """Refuse words with two hyphens only, before ``--``: one hyphen excludes a term.

        :raises UsageError: there is an unknown option.
        """
        words = args[: args.index("--")] if "--" in args else args
        super().refuse_unknown_options([word for word in words if word.startswith("--")])

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Search and print; no match is not a failure."""
        if not " ".join(args).strip("- "):
            raise usage_error("name at least one term or field to search for")
        words = " ".join(word for word in args if word != "--")
        query = with_sites(parse_query(as_text(words)))
        before = None if opts.before is None else parse_cursor(opts.before)
        _check_rank(query, opts)
        most = None if opts.count else _COUNTED + 1
        following = None
        with self.open_index() as index, index.reading() as connection:
            if query.outlet:
                check_outlet(connection, query.outlet)
            if opts.rank:
                found = best_matches(connection, query, opts.limit, judged=opts.json)
            else:
                found, following = search(connection, query, opts.limit, before, judged=opts.json)
            number = len(found)
            if following or before is not None or opts.rank:
                number = number_of_matches(connection, query, most)
            left_out = number_left_out(connection, query, most)
        snippets = [snippet_of(one.article, query) for one in found]
        cursor = cursor_text(following) if following else None
        if opts.json:
            is_exact = opts.count or number <= _COUNTED
            print_json(
                articles_object(
                    found,
                    number if is_exact else _COUNTED,
                    left_out if opts.count else min(left_out, _COUNTED),
                    number_is_exact=is_exact,
                    next_cursor=cursor,
                    snippets=snippets,
                )
            )
            return 0
        print_articles(found, snippets)
        left = f"; shown: {_shown(len(found), opts)}" if number > len(found) else ""
        print(f"{_counted(number, opts)} found{left}")
        if cursor:
            print(f"next: --before {cursor}")
        if left_out:
            print(
                f"left out: {_counted(left_out, opts)} that no layout read (quality:any finds them "
                "too)"
            )
        return 0


def _check_rank(query: Query, opts: argparse.Namespace) -> None:
    """Refuse what has no meaning with --rank.

    :raises UsageError: there is no term to rank by, or an order to go on in.
    """
    if opts.rank and not has_words(query):
        raise usage_error("--rank needs a term of two characters or more to rank by")
    if opts.rank and opts.before is not None:
        raise usage_error("--rank gives one page, so --before does not go with it; use --limit N")


def _shown(number: int, opts: argparse.Namespace) -> str:
    """Return which of the matches are shown."""
    which = f"the newest {number}"
    if opts.rank:
        which = f"the best {number}"
    elif opts.before is not None:
        which = f"{number} of them"
    return f"{which} (--limit N)"


def _counted(number: int, opts: argparse.Namespace) -> str:
    """Return a number as it is printed: ``1,000+`` if no more were counted."""
    return str(number) if opts.count or number <= _COUNTED else f"{_COUNTED:,}+"
