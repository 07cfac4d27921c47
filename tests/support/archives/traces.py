"""Searches for traces of a removed article: as bytes in files, as tokens in the search index, in rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive.http.content_coding import decode_content
from archive.http.message import MessageError, parse_head, payload
from archive.index.database import Index
from archive.index.search.text import tokens
from archive.model.exchange import MAX_DOCUMENT
from archive.verify.archive import Verification
from archive.verify.selection import SegmentSelection
from archive.verify.warc_file.findings import Severity
from archive.warc.reader import iterate
from archive.warc.record_parser import Record
from crawler.offline.article_reader import read_article
from tests.support.databases.index_rows import tables_with
from tests.support.databases.postgres import databases_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.processes.cli import Workspace


@dataclass(slots=True)
class Traces:
    """Where a text was found: files with its bytes, records that hold it decoded, and tokens.

    ``tables`` are those of databases that stand for files, with rows that hold it.
    """

    files: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether it is anywhere."""
        return bool(self.files or self.records or self.tokens or self.tables)


def traces(folder: Path, text: str, words: Sequence[str] = ()) -> Traces:
    """Look for a text in everything under a folder, and for words of it in the search index."""
    needles = [text.encode(), text.encode("cp949", "replace"), text.encode("utf-16-le")]
    needles += [text.encode("unicode_escape"), tokens(text).encode()]
    found = Traces()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        data = path.read_bytes()
        if any(needle in data for needle in needles):
            found.files.append(path.name)
        if ".warc" in path.name:
            for record in iterate(path):
                if isinstance(record, Record) and any(
                    needle in _inside(record) for needle in needles
                ):
                    found.records.append(
                        f"{record.kind} {record.fields.get('warc-target-uri', '')}"
                    )
    for index in folder.glob("index.sqlite3"):
        with closing(sqlite3.connect(index)) as database:
            query = "SELECT 1 FROM search WHERE search MATCH ?"
            for word in words:
                # a single token is part of many words
                if database.execute(query, [f'"{tokens(word)}"']).fetchone():
                    found.tokens.append(word)
            blocks = b"".join(row[0] for row in database.execute("SELECT block FROM search_data"))
            found.tokens += [word for word in words if word.encode() in blocks]
    for url in databases_in(folder):
        for part in {text, tokens(text), *words}:
            found.tables += tables_with(url, part)
    return found


def wrong(workspace: Workspace) -> list[str]:
    """Return the errors that verify finds, with articles read again."""
    with Verification(reader=read_article) as verification:
        found = verification.archive(workspace.archive, workspace.index_url, SegmentSelection())
        return [str(one) for one in found if one.severity is Severity.ERROR]


def articles(workspace: Workspace) -> dict[tuple[str, str], str]:
    """Return the text of each article, by outlet and id."""
    from archive.articles.queries import each_row

    with (
        Index(workspace.index_url, read_only=True) as index,
        index.reading() as connection,
    ):
        return {(row["outlet"], row["article_id"]): row["body"] for row, _ in each_row(connection)}


def _inside(record: Record) -> bytes:
    exchange = record.exchange
    if exchange is None:
        return record.block
    if not exchange.head:
        return exchange.body
    try:
        head = parse_head(exchange.head)
        return exchange.head + decode_content(head, payload(head, exchange.body), MAX_DOCUMENT)
    except MessageError:
        return exchange.head + exchange.body
