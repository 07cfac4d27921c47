"""Indexes to search in, and the search of before documents had positions, to compare with.

It asks an FTS5 table of its own, which holds every revision by its id, for all hits, joins them
with their rows, and sorts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, text

from archive.articles.batch import enter_captures
from archive.articles.ingest_model import CaptureEntry
from archive.articles.queries import published
from archive.index.rows.article_rows import search_columns, to_article
from archive.index.schema import articles, refused, removals, revisions
from archive.index.search.text import tokens
from archive.model.article import GENERIC_LAYOUT, KST, Article, Author, Precision, Quality
from archive.model.outcome import Outcome, Reason, Verdict
from archive.takedown.index_rows import remove_blocked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, ScalarSelect

    from archive.index.search.query import Choice, Query

SYLLABLES = "가나다라마바사김정은푸틴북한대통령"
OUTLETS = ("etoday", "newspim", "site:news.example.kr")
SECTIONS = ("정치", "정치 > 국회", "경제", "")
_BEGIN = datetime(2024, 5, 7, tzinfo=KST)
_BATCH = 200
_CAPTURE: dict[str, Any] = {
    "record_type": "response",
    "status": 200,
    "media_type": "text/html",
    "time_known": True,
    "warc_file": "trial.warc.gz",
    "warc_offset": 0,
    "warc_length": 1,
    "payload_digest": "sha256:0",
    "charset_declared": "",
    "charset_used": "utf-8",
    "charset_damage": 0,
    "source": "trial",
}


class Trial:
    """Makes articles of few words, many at one time and some without, and enters them."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self._articles = 0
        self._captures = 0

    def enter(self, connection: Connection, count: int, *, again: float = 0.2) -> None:
        """Enter captures in batches; ``again`` is the share that shows an article of before."""
        for begin in range(0, count, _BATCH):
            size = min(_BATCH, count - begin)
            enter_captures(connection, [self._entry(again) for _ in range(size)])

    def entries(self, count: int) -> list[CaptureEntry]:
        """Return the captures of so many articles, to be entered in any order."""
        return [self._entry(0) for _ in range(count)]

    def enter_texts(
        self, connection: Connection, texts: dict[str, tuple[str, str, datetime]]
    ) -> None:
        """Enter articles by id, of headline, body and time of publication."""
        made = [
            Article(
                outlet=OUTLETS[0],
                article_id=name,
                headline=headline,
                body=(body,),
                published_at=moment,
                published_precision=Precision.SECOND,
                layout="desktop",
            )
            for name, (headline, body, moment) in texts.items()
        ]
        enter_captures(connection, [self._capture(article) for article in made])

    def remove(self, connection: Connection, count: int) -> None:
        """Remove some of the articles, as a reindex does whose index has them again."""
        known = select(articles.c.outlet, articles.c.article_id).order_by(articles.c.id)
        known = known.where(articles.c.article_id.not_in(select(refused.c.name)))
        for row in self.dice.sample(list(connection.execute(known)), count):
            named = {"outlet": row.outlet, "article_id": row.article_id}
            values = named | {"at": _BEGIN, "reason": "asked", "by": "trial"}
            number = connection.execute(insert(removals).values(values)).inserted_primary_key
            assert number is not None
            refusal = {"outlet": row.outlet, "name": row.article_id, "removal": number[0]}
            connection.execute(insert(refused).values(refusal))
        assert remove_blocked(connection) >= count

    def query(self) -> str:
        """Return a query of one to three terms, and perhaps fields."""
        parts = [self._term() for _ in range(self.dice.choice([0, 1, 1, 1, 2, 3]))]
        if self.dice.random() < 0.2:
            parts.append(f"-{self._syllables(1, 2)}")
        fields = {
            f"outlet:{self.dice.choice(OUTLETS)}": 0.3,
            f"quality:{self.dice.choice(['any', 'generic', 'layout'])}": 0.3,
            f"since:{self._day()}": 0.2,
            f"until:{self._day()}": 0.2,
            f"author:{self._syllables(1, 2)}": 0.1,
            f"section:{self.dice.choice(['정치', '국회', '치국', '경'])}": 0.1,
            f"edited:{self.dice.choice(['yes', 'no'])}": 0.2,
        }
        parts += [field for field, chance in fields.items() if self.dice.random() < chance]
        if all(part.startswith("-") for part in parts):
            parts.append(f"until:{self._day()}")
        return " ".join(parts)

    def _term(self) -> str:
        term = self._syllables(1, 3)
        if self.dice.random() < 0.1:
            return f"{term} OR {self._syllables(1, 2)}"
        return f'"{term}"' if self.dice.random() < 0.1 else term

    def _syllables(self, least: int, most: int) -> str:
        return "".join(self.dice.choices(SYLLABLES, k=self.dice.randint(least, most)))

    def _day(self) -> date:
        return (_BEGIN + timedelta(days=self.dice.randint(-1, 4))).date()

    def _words(self, count: int) -> str:
        return " ".join(self._syllables(1, 5) for _ in range(count))

    def _published(self) -> datetime | None:
        """One in three at a midnight, others at a minute or second, few never or long ago."""
        kind = self.dice.random()
        day = _BEGIN + timedelta(days=self.dice.randrange(3))
        if kind < 0.3:
            return day
        if kind < 0.35:
            return None
        if kind < 0.36:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=self.dice.randrange(9))
        if kind < 0.45:
            return day + timedelta(microseconds=self.dice.choice([1, 999_999, 60_000_000]))
        if kind < 0.6:
            return day + timedelta(seconds=self.dice.randrange(1200))
        return day + timedelta(minutes=self.dice.randrange(1440))

    def _article(self, number: int) -> Article:
        moment = self._published()
        return Article(
            outlet=OUTLETS[number % len(OUTLETS)],
            article_id=str(number),
            url=f"https://news.example.kr/{number}",
            headline=self._words(3),
            body=(self._words(self.dice.randint(1, 20)),),
            authors=tuple(Author(self._words(1)) for _ in range(self.dice.choice([0, 1, 1, 2]))),
            section=self.dice.choice(SECTIONS),
            published_at=moment,
            published_precision=Precision.SECOND if moment else None,
            layout=GENERIC_LAYOUT if self.dice.random() < 0.05 else "desktop",
        )

    def _entry(self, again: float) -> CaptureEntry:
        if self._articles and self.dice.random() < again:
            number = self.dice.randrange(self._articles)
        else:
            number = self._articles
            self._articles += 1
        return self._capture(self._article(number))

    def _capture(self, article: Article) -> CaptureEntry:
        self._captures += 1
        capture = _CAPTURE | {
            "outlet": article.outlet,
            "url": article.url,
            # In any order: what is entered later may have been captured before.
            "captured_at": _BEGIN + timedelta(days=9, seconds=self.dice.randrange(10**6)),
            "record_id": f"urn:trial:{self._captures}",
        }
        is_generic = article.quality is Quality.GENERIC
        verdict = Verdict(Outcome.UNPARSED, Reason.NO_LAYOUT) if is_generic else None
        return CaptureEntry(capture, article, verdict)


class FormerSearch:
    """The former search, in tables of the connection's own that hold what the index has now."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE temp.former"
            " USING fts5(headline, body, content='', columnsize=0, tokenize='ascii')"
        )
        add = text("INSERT INTO temp.former(rowid, headline, body) VALUES (:id, :headline, :body)")
        query = select(revisions, articles.c.outlet, articles.c.article_id, articles.c.url)
        for row in connection.execute(query.join(articles)).mappings():
            headline, body = map(tokens, search_columns(to_article(dict(row))))
            connection.execute(add, {"id": row["id"], "headline": headline, "body": body})
        several = select(revisions.c.article).where(revisions.c.number > 1)
        self._edited = set(connection.scalars(several))

    def __enter__(self) -> FormerSearch:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.exec_driver_sql("DROP TABLE temp.former")

    def ids(self, query: Query) -> list[int]:
        """Return the ids of all hits, in order."""
        found = select(
            revisions.c.id, revisions.c.article, revisions.c.authors, revisions.c.section
        )
        found = found.join(articles).where(revisions.c.current)
        found = published(found, query.outlet, query.since, query.until)
        if query.quality is not None:
            found = found.where(revisions.c.quality == query.quality.value)
        if query.terms:
            found = found.where(revisions.c.id.in_(_hits(query.terms)))
        if query.excluded:
            found = found.where(revisions.c.id.not_in(_hits([query.excluded])))
        found = found.order_by(revisions.c.published_at.desc(), revisions.c.id)
        return [
            row.id
            for row in self._connection.execute(found)
            if query.edited in (None, row.article in self._edited)
            and _has(query.author, (author["name"] for author in row.authors))
            and _has(query.section, [row.section])
        ]


def _hits(terms: Sequence[Choice]) -> ScalarSelect[Any]:
    hits = text("SELECT rowid FROM temp.former WHERE former MATCH :expression")
    hits = hits.bindparams(bindparam("expression", " AND ".join(map(_any_of, terms)), unique=True))
    return hits.columns(revisions.c.id).scalar_subquery()


def _has(choice: Choice, texts: Iterable[str]) -> bool:
    """Whether one of the texts, which are of Hangul alone, holds one of the phrases."""
    plain = [one.replace(" ", "") for one in texts]
    wanted = ["".join(token[0] for token in one.tokens) + one.tokens[-1][1:] for one in choice]
    return not choice or any(one in text for one in wanted for text in plain)


def _any_of(choice: Choice) -> str:
    phrases = [f'"{" ".join(one.tokens)}"{"*" if one.is_prefix else ""}' for one in choice]
    return f"({' OR '.join(phrases)})"
