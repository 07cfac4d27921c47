"""Compare articles indexed per CPU second with bare SQLite doing the minimum.

Ours decides which article and revision each capture is of, writes captures, articles, revisions and
search tokens, a transaction a batch. The anchor writes one row an article and the same text to
FTS5's own tokenizer, which cannot find 푸틴 within a longer word. Both are given the articles as
read, in one process, by turns.

    python -m bench.rows [--count 5000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archive.articles.ingest import ArticleWriter
from archive.articles.ingest_model import CaptureEntry
from archive.captures.rows import location_columns
from archive.index.database import Index
from archive.model.exchange import Exchange, Location
from bench import pages
from crawler.extraction.reading import read_exchange
from crawler.extraction.recognise import outlet_for
from pipelines.deposit import BATCH, columns_of

if TYPE_CHECKING:
    from archive.model.article import Article
    from pipelines.page import Page

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
#: Pages that are read; further articles are these under other ids and headlines.
READ = 500


def readings(count: int) -> list[Page]:
    """Return so many pages, read."""
    found: list[Page] = []
    for number in range(min(READ, count)):
        url, html = pages.page(number)
        exchange = Exchange(url, MOMENT, html.encode(), media_type="text/html")
        outlet = outlet_for(exchange)
        assert outlet is not None
        found.append(read_exchange(exchange, outlet))
    return [_renamed(found[number % READ], number) for number in range(count)]


def _renamed(page: Page, number: int) -> Page:
    assert page.article is not None
    article = replace(
        page.article, article_id=str(10**9 + number), headline=f"{page.article.headline} {number}"
    )
    moment = MOMENT + timedelta(seconds=number)
    return replace(
        page, article=article, exchange=replace(page.exchange, captured_at=moment, body=b"")
    )


def ours(folder: Path, given: list[Page]) -> None:
    """Enter the articles as a deposit does."""
    with Index(f"sqlite:///{folder / 'index.sqlite3'}") as index:
        for begin in range(0, len(given), BATCH):
            batch = list(enumerate(given[begin : begin + BATCH], begin))
            entries = [
                CaptureEntry(columns_of(page) | _place(number), page.article, page.verdict)
                for number, page in batch
            ]
            with index.writing() as connection:
                writer = ArticleWriter(connection)
                writer.load(entries)
                for entry in entries:
                    writer.enter(entry)
                writer.write()


def _place(number: int) -> dict[str, object]:
    return location_columns(
        Location(
            "bench.warc.gz", number * 20_000, 20_000, f"urn:bench:{number}", f"sha256:{number}"
        )
    )


def anchor(folder: Path, articles: list[Article]) -> None:
    """Insert the same texts with sqlite3 alone, one row an article, in the same batches."""
    connection = sqlite3.connect(folder / "anchor.sqlite3")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE article (id INTEGER PRIMARY KEY, url TEXT, headline TEXT, body TEXT)"
    )
    connection.execute(
        "CREATE VIRTUAL TABLE search USING fts5(headline, body, content='', tokenize='unicode61')"
    )
    for begin in range(0, len(articles), BATCH):
        rows = [
            (n, a.url, a.headline, a.text)
            for n, a in enumerate(articles[begin : begin + BATCH], begin)
        ]
        connection.executemany("INSERT INTO article VALUES (?, ?, ?, ?)", rows)
        connection.executemany(
            "INSERT INTO search(rowid, headline, body) VALUES (?, ?, ?)",
            [(n, h, b) for n, _, h, b in rows],
        )
        connection.commit()
    connection.close()


def main() -> None:
    """Print rows per CPU second of both, and the ratio paired within each round."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    given = readings(options.count)
    articles = [page.article for page in given if page.article is not None]
    taken: list[tuple[float, float]] = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            ours(Path(folder), given)
            between = time.process_time()
            anchor(Path(folder), articles)
            taken.append((between - began, time.process_time() - between))
    mine, theirs = (statistics.median(side) for side in zip(*taken, strict=True))
    print(f"articles of {statistics.mean(len(a.text) for a in articles):,.0f} characters")
    print(f"ours: {options.count / mine:,.0f} rows with search per CPU s (at least 1,000)")
    print(f"bare sqlite3, one row and unicode61: {options.count / theirs:,.0f} per CPU s")
    print(f"anchor / ours: {statistics.median(b / a for a, b in taken):.2f}")


if __name__ == "__main__":
    main()
