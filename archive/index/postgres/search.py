"""Full-text search in PostgreSQL: its table, what is written to it, and its hits.

``search`` holds a row for each current revision, by its position (`archive.index.search.position`).
Its ``lexemes`` are the tokens that `archive.index.search.text` makes, each character, and the
facets, each once and without places: a tsvector counts no place beyond 16,383, so it cannot tell
where in a long text two tokens stand. They say which rows may match. Where a phrase has several
tokens, the folded text decides, of which a phrase is a part: ``headline`` and ``body`` hold it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from hashlib import md5
from itertools import islice
from math import log
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, column, text

from archive.index.search.counts import days_of, periods_of
from archive.index.search.facets import (
    AUTHOR,
    EDITED,
    EVERY,
    GENERIC,
    SECTION,
    marked,
    outlet_token,
)
from archive.index.search.marks import run_text
from archive.index.search.newest_hits import Row, in_order
from archive.index.search.position import FIRST, SLOTS, first_of, last_of, minute_of, untimed
from archive.index.search.text import folded, tokens_and_letters
from archive.model.article import KST, Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.sql.expression import Subquery

    from archive.index.search.counts import Periods
    from archive.index.search.documents import Document
    from archive.index.search.hit import Hit
    from archive.index.search.query import Choice, Phrase, Query

_CREATE_INDEX = "CREATE INDEX ix_search_lexemes ON search USING gin (lexemes)"
SEARCH_STATEMENTS = (
    'CREATE TABLE search (position BIGINT PRIMARY KEY, headline TEXT COLLATE "C" NOT NULL, '
    'body TEXT COLLATE "C" NOT NULL, facets TEXT COLLATE "C" NOT NULL, lexemes TSVECTOR NOT NULL)',
    _CREATE_INDEX,
    # To score a hit its body is unpacked; compressed, the table is smaller by 8 %.
    "ALTER TABLE search ALTER COLUMN body SET STORAGE EXTERNAL",
    # Most words are among the first thousands by their number: the planner knows which are rare.
    "ALTER TABLE search ALTER COLUMN lexemes SET STATISTICS 1000",
    # The planner keeps samples of other columns: those of texts would outlast removal.
    *(
        f"ALTER TABLE search ALTER COLUMN {name} SET STATISTICS 0"
        for name in ("headline", "body", "facets")
    ),
    *(
        f"ALTER TABLE revisions ALTER COLUMN {name} SET STATISTICS 0"
        for name in ("headline", "body", "section", "dateline", "published_raw", "modified_raw")
    ),
)
_ADD = text(
    "INSERT INTO search (position, headline, body, facets, lexemes) VALUES"
    " (:position, :headline, :body, :facets, array_to_tsvector(string_to_array(:lexemes, ' ')))"
)
_DELETE = text("DELETE FROM search WHERE position = ANY (CAST(:positions AS BIGINT[]))")
#: Bytes of lexemes that a tsvector holds, with some room.
_MOST = 1_000_000
#: Positions of a day.
_OF_DAY = SLOTS * 24 * 60
#: A term in the headlines counts as so many in the body; and how soon more of them count no more.
_HEADLINE, _SATURATION = 4, 1.2
_TIME = "to_char(revisions.published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
_JOINED = "search AS hit JOIN revisions ON revisions.search_position = hit.position"


def add_documents(connection: Connection, documents: Iterable[Document]) -> None:
    """Add documents to the full-text index."""
    rows = [_row(one) for one in sorted(documents)]
    if rows:
        connection.execute(_ADD, rows)


@contextmanager
def adding_many(connection: Connection) -> Iterator[None]:
    """See `archive.index.fulltext.adding_many`."""
    connection.exec_driver_sql("DROP INDEX ix_search_lexemes")
    yield
    connection.exec_driver_sql(_CREATE_INDEX)


def delete_documents(connection: Connection, documents: Iterable[Document]) -> None:
    """Delete documents from the full-text index."""
    positions = [one.position for one in documents]
    if positions:
        connection.execute(_DELETE, {"positions": positions})


def _row(document: Document) -> dict[str, Any]:
    """Return the row of a document.

    :raises ValueError: it has more words than a row holds.
    """
    headline, letters = tokens_and_letters(document.headline)
    body, others = tokens_and_letters(document.body)
    words = {*headline.split(), *body.split(), *letters, *others, *document.facets.split()}
    # One text: the driver would look at each element of an array. No word has a blank.
    lexemes = " ".join(sorted(words))
    if len(lexemes.encode()) + len(words) > _MOST:
        raise ValueError("the text has more different words than can be searched for")
    return {
        "position": document.position,
        "headline": folded(document.headline),
        "body": folded(document.body),
        "facets": f" {document.facets} ",
        "lexemes": lexemes,
    }


@dataclass(slots=True)
class _Asked:
    """Conditions on the rows of ``search``, named ``hit``, and of their revisions."""

    where: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    of_revision: bool = False

    def value(self, value: Any) -> str:
        """Return the name of a new parameter."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    @property
    def rows(self) -> str:
        """The rows, behind FROM."""
        source = _JOINED if self.of_revision else "search AS hit"
        return f"{source} WHERE {' AND '.join(self.where)}"


def lexemes_of(query: Query) -> str:
    """Return the lexemes of the rows that may match, as the text of a tsquery."""
    facets = ((AUTHOR, query.author), (SECTION, query.section))
    lexemes = [_any(map(_lexemes, choice)) for choice in query.terms]
    lexemes += [_any(_marked_lexemes(kind, one) for one in of) for kind, of in facets if of]
    lexemes += _facet_lexemes(query)
    alone = [one for one in query.excluded if len(one.tokens) == 1]
    lexemes += [f"!{_quoted(one.tokens[0])}" for one in alone]
    if all(one.startswith("!") for one in lexemes):
        lexemes.insert(0, _quoted(EVERY))
    return " & ".join(lexemes)


def _asked(query: Query) -> _Asked:
    asked = _Asked()
    asked.where.append(f"hit.lexemes @@ CAST({asked.value(lexemes_of(query))} AS tsquery)")
    for choice in query.terms:
        if any(len(one.tokens) > 1 for one in choice):
            asked.where.append(_in_text(asked, choice))
    for kind, choice in ((AUTHOR, query.author), (SECTION, query.section)):
        if any(len(one.tokens) > 1 for one in choice):
            asked.where.append(_in_facets(asked, kind, choice))
    longer = [one for one in query.excluded if len(one.tokens) > 1]
    if longer:
        asked.where.append(f"NOT {_in_text(asked, longer)}")
    _add_days(asked, query)
    return asked


def _in_text(asked: _Asked, choice: Sequence[Phrase]) -> str:
    """Return the condition that one of the phrases stands in the folded text."""
    parts = []
    for phrase in choice:
        name = asked.value(run_text(phrase))
        parts += [f"strpos(hit.{place}, {name}) > 0" for place in ("headline", "body")]
    return f"({' OR '.join(parts)})"


def _in_facets(asked: _Asked, kind: str, choice: Choice) -> str:
    parts = []
    for phrase in choice:
        wanted = " ".join(marked(kind, one) for one in phrase.tokens)
        name = asked.value(f" {wanted}" if phrase.is_prefix else f" {wanted} ")
        parts.append(f"strpos(hit.facets, {name}) > 0")
    return f"({' OR '.join(parts)})"


def _any(parts: Iterable[str]) -> str:
    return f"({' | '.join(parts)})"


def _lexemes(phrase: Phrase) -> str:
    # The last token of a prefix is one character, and each character is a lexeme.
    return f"({' & '.join(map(_quoted, phrase.tokens))})"


def _marked_lexemes(kind: str, phrase: Phrase) -> str:
    found = [_quoted(marked(kind, one)) for one in phrase.tokens]
    if phrase.is_prefix:
        found[-1] += ":*"
    return f"({' & '.join(found)})"


def _facet_lexemes(query: Query) -> list[str]:
    found = [_quoted(outlet_token(query.outlet))] if query.outlet else []
    if query.quality is not None:
        sign = "" if query.quality is Quality.GENERIC else "!"
        found.append(sign + _quoted(GENERIC))
    if query.edited is not None:
        found.append(("" if query.edited else "!") + _quoted(EDITED))
    return found


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _add_days(asked: _Asked, query: Query) -> None:
    if query.since:
        begin = datetime.combine(query.since, time(), KST)
        asked.where.append(f"revisions.published_at >= {asked.value(begin)}")
        asked.where.append(f"hit.position >= {asked.value(first_of(minute_of(begin)))}")
    if query.until:
        end = datetime.combine(query.until + timedelta(1), time(), KST)
        asked.where.append(f"revisions.published_at < {asked.value(end)}")
    asked.of_revision = bool(query.since or query.until)


def newest_ids(
    connection: Connection, query: Query, limit: int, before: Hit | None = None
) -> list[int]:
    """See `archive.index.fulltext.newest_ids`."""
    asked = _asked(query)
    asked.of_revision = True
    if query.until:
        end = datetime.combine(query.until + timedelta(1), time(), KST)
        last = last_of(connection, minute_of(end))
        asked.where.append(f"hit.position <= {asked.value(last)}")
    if before is not None:
        _add_place(asked, connection, before)
    rows = _by_position(connection, asked, limit)
    return [row.id for row in islice(in_order(rows), limit)]


def _add_place(asked: _Asked, connection: Connection, before: Hit) -> None:
    """Add the condition that a hit comes after another one in the order."""
    if before.published_at is None:
        asked.where.append(f"hit.position < {asked.value(untimed(before.id))}")
        return
    at, number = asked.value(before.published_at), asked.value(before.id)
    asked.where.append(
        f"(revisions.published_at < {at} OR revisions.published_at IS NULL"
        f" OR (revisions.published_at = {at} AND revisions.id > {number}))"
    )
    last = last_of(connection, minute_of(before.published_at))
    asked.where.append(f"hit.position <= {asked.value(last)}")


def _by_position(connection: Connection, asked: _Asked, limit: int) -> Iterator[Row]:
    """Yield the hits by position, from the last one on, read in growing parts."""
    most, behind = limit + SLOTS, ""
    while True:
        statement = text(
            f"SELECT hit.position, revisions.id, {_TIME} FROM {asked.rows}{behind}"  # noqa: S608  (our own words)
            f" ORDER BY hit.position DESC LIMIT {most:d}"
        )
        rows = [Row(*row) for row in connection.execute(statement, asked.values)]
        yield from rows
        if len(rows) < most:
            return
        behind = f" AND hit.position < {rows[-1].position:d}"
        most *= 2


def number_of_hits(connection: Connection, query: Query, most: int | None = None) -> int:
    """See `archive.index.fulltext.number_of_hits`."""
    asked = _asked(query)
    limit = "" if most is None else f" LIMIT {most:d}"
    statement = text(f"SELECT count(*) FROM (SELECT 1 FROM {asked.rows}{limit}) AS found")  # noqa: S608  (our own words)
    with _by_index(connection):
        return int(connection.scalar(statement, asked.values) or 0)


def hits_by_outlet(
    connection: Connection, query: Query, outlets: Iterable[str], most: int
) -> dict[str, int]:
    """See `archive.index.fulltext.hits_by_outlet`."""
    asked = _asked(query)
    asked.of_revision = True
    source = asked.rows.replace(_JOINED, f"{_JOINED} JOIN articles ON articles.id = article", 1)
    statement = text(
        f"SELECT articles.outlet, count(*) FROM {source} GROUP BY articles.outlet"  # noqa: S608  (our own words)
    )
    with _by_index(connection):
        counted = {row[0]: row[1] for row in connection.execute(statement, asked.values)}
    return {one: min(most, counted[one]) for one in outlets if one in counted}


def hits_by_period(connection: Connection, query: Query) -> Periods:
    """See `archive.index.fulltext.hits_by_period`."""
    asked = _asked(query)
    asked.where.append(f"hit.position >= {FIRST}")
    begin, end = days_of(query)
    asked.where.append(f"hit.position BETWEEN {begin:d} AND {end - 1:d}")
    statement = text(
        f"SELECT (hit.position - {FIRST}) / {_OF_DAY} AS day, count(*) FROM {asked.rows}"  # noqa: S608  (our own words)
        " GROUP BY day ORDER BY day"
    )
    with _by_index(connection):
        days = {row[0]: row[1] for row in connection.execute(statement, asked.values)}
    return periods_of(days)


def best_ids(connection: Connection, query: Query, limit: int) -> list[int]:
    """See `archive.index.fulltext.best_ids`; scored by BM25 without the lengths of documents."""
    asked = _asked(query)
    phrases = dict.fromkeys(phrase for choice in query.terms for phrase in choice)
    counts, scores = [], []
    with _by_index(connection):
        rarities = _rarities(connection, list(phrases))
        for number, (phrase, rarity) in enumerate(zip(phrases, rarities, strict=True)):
            weight = asked.value(rarity)
            counts.append(f"{_times(asked.value(run_text(phrase)))} AS times{number}")
            scores.append(
                f"CAST({weight} AS float8) * times{number} * {_SATURATION + 1}"
                f" / (times{number} + {_SATURATION})"
            )
        # OFFSET 0: each text is read once, not again for each use of how often a phrase is in it.
        counted = f"SELECT {', '.join(['hit.position', *counts])} FROM {asked.rows} OFFSET 0"  # noqa: S608  (our own words)
        best = (
            f"SELECT position, {' + '.join(scores) or '0.0'} AS score FROM ({counted}) AS counted"  # noqa: S608  (as above)
            f" ORDER BY score DESC, position DESC LIMIT {limit:d}"
        )
        statement = text(
            f"SELECT revisions.id FROM ({best}) AS best"  # noqa: S608  (as above)
            " JOIN revisions ON revisions.search_position = best.position"
            " ORDER BY score DESC, position DESC"
        )
        return list(connection.scalars(statement, asked.values))


def _times(name: str) -> str:
    """Return how often a text occurs in a document, those in the headline counted more."""
    parts = (
        f"{by} * (octet_length(hit.{place}) - octet_length(replace(hit.{place}, {name}, '')))"
        for place, by in (("headline", _HEADLINE), ("body", 1))
    )
    return f"CAST({' + '.join(parts)} AS float8) / octet_length({name})"


@contextmanager
def _by_index(connection: Connection) -> Iterator[None]:
    """Let the server look for lexemes in the index, not in all rows.

    It does not know that the lexemes of a row have to be unpacked first, which takes longest.
    """
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    yield
    connection.exec_driver_sql("SET LOCAL enable_seqscan = on")


def _rarities(connection: Connection, phrases: Sequence[Phrase]) -> list[float]:
    """Return the weight of each phrase by how many documents have its tokens.

    A single phrase has nothing to be weighed against, so nothing is counted for it.
    """
    if len(phrases) < 2:
        return [1.0] * len(phrases)
    every = connection.execute(text("SELECT count(*) FROM search")).scalar_one()
    having = text("SELECT count(*) FROM search WHERE lexemes @@ CAST(:wanted AS tsquery)")
    counts = [
        connection.execute(having, {"wanted": _lexemes(phrase)}).scalar_one() for phrase in phrases
    ]
    return [max(1e-6, log((every - count + 0.5) / (count + 0.5))) for count in counts]


def articles_found(query: Query) -> Subquery:
    """See `archive.index.fulltext.articles_found`."""
    asked = _asked(query)
    asked.of_revision = True
    hits = text(f"SELECT revisions.article FROM {asked.rows}")  # noqa: S608  (our own words)
    article = column("article", BigInteger)
    return hits.bindparams(**asked.values).columns(article).subquery("found")


class HeldDocuments:
    """Digests of the rows of all documents; each document is asked for once."""

    def __init__(self, connection: Connection) -> None:
        statement = text(
            "SELECT position, md5(headline), md5(body), md5(facets),"
            " md5((SELECT string_agg(one, ' ' ORDER BY one COLLATE \"C\")"
            " FROM unnest(tsvector_to_array(lexemes)) AS one)) FROM search"
        )
        self._digests = {row[0]: tuple(row[1:]) for row in connection.execute(statement)}

    def missing(self, document: Document) -> Iterator[str]:
        """Yield what of a document the index does not hold."""
        made = _row(document)
        held = self._digests.pop(document.position, ("",) * 4)
        for name, digest in zip(("headline", "body", "facets", "lexemes"), held, strict=True):
            if md5(made[name].encode(), usedforsecurity=False).hexdigest() != digest:
                words = "the characters of its words" if name == "lexemes" else ""
                yield words or f"the words of its {name}"

    def left(self) -> list[int]:
        """Return the positions of the documents that were not asked for."""
        return sorted(self._digests)
