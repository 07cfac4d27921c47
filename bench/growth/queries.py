"""What is asked of an open index, each in a process that does nothing else: opening, searching.

    python -m bench.growth.queries INDEX_URL open|newest|judged|best [--repeats 5]

Prints the seconds of each repetition and the peak memory as JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from archive.articles.queries import best_matches, number_of_matches, search
from archive.articles.snippets import snippet_of
from archive.index.database import Index
from archive.index.search.match import has_words
from archive.index.search.query import parse_query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.articles.queries import StoredArticle
    from archive.index.database import Snapshot
    from archive.index.search.query import Query

#: What people ask: words that one article in five has, and in 20,000; parts of words, single
#: syllables, words that no article has, words with blanks, two terms, one left out, days, outlets.
QUERIES = (
    "서울",
    "대통령",
    "경제",
    "국회",
    "반도체",
    "삼성전자",
    "AI",
    "북한",
    "코로나19",
    "푸틴",
    "나로우주센터",
    "쇄빙연구선",
    "없는낱말이다",
    "있다",
    "밝혔다",
    "수",
    "금리 인상",
    "한국은행 금리",
    "대통령 국회",
    "푸틴 OR 우크라이나",
    "서울 -부동산",
    "대통령 outlet:yna",
    "반도체 outlet:hani",
)
#: As many as the command shows, and counts.
PAGE, MOST = 20, 1001


def opening(url: str, repeats: int) -> list[float]:
    """Return the seconds of opening the index, reading one row and closing it."""
    found: list[float] = []
    for _ in range(repeats):
        began = perf_counter()
        with Index(url, read_only=True) as index, index.reading() as connection:
            connection.exec_driver_sql("SELECT 1 FROM articles LIMIT 1").all()
        found.append(perf_counter() - began)
    return found


def newest(url: str, repeats: int) -> list[float]:
    """Return the seconds of the first page of each query, the newest first, for a table."""
    return _searched(
        url, repeats, QUERIES, lambda at, query: search(at, query, PAGE, judged=False)[0]
    )


def newest_judged(url: str, repeats: int) -> list[float]:
    """Return those of the same pages for JSON, which says of each article whether it is gone."""
    return _searched(url, repeats, QUERIES, lambda at, query: search(at, query, PAGE)[0])


def best(url: str, repeats: int) -> list[float]:
    """Return those of the best matches of each query, for a table."""
    ranked = [asked for asked in QUERIES if has_words(parse_query(asked))]
    return _searched(
        url, repeats, ranked, lambda at, query: best_matches(at, query, PAGE, judged=False)
    )


def _searched(
    url: str,
    repeats: int,
    queries: Sequence[str],
    ask: Callable[[Snapshot, Query], list[StoredArticle]],
) -> list[float]:
    """Return the seconds of each query: hits, their number, snippets."""
    found: list[float] = []
    with Index(url, read_only=True) as index, index.reading() as connection:
        for _ in range(repeats):
            for asked in queries:
                began = perf_counter()
                query = parse_query(asked)
                articles = ask(connection, query)
                number_of_matches(connection, query, MOST)
                for article in articles:
                    snippet_of(article.article, query)
                found.append(perf_counter() - began)
    return found


KINDS: dict[str, Callable[[str, int], list[float]]] = {
    "open": opening,
    "newest": newest,
    "judged": newest_judged,
    "best": best,
}


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description="Time questions to an open index.")
    parser.add_argument("url")
    parser.add_argument("kind", choices=tuple(KINDS))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    seconds = KINDS[options.kind](options.url, options.repeats)
    print(json.dumps({"seconds": seconds, "memory": _peak_memory()}))


def _peak_memory() -> int:
    """Return the most KiB that this process has had."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


if __name__ == "__main__":
    main()
