"""The tables of the index. Those in `DERIVED` are made from the WARC files, the others are not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    literal_column,
    or_,
    text,
)

from archive.model.times import within_calendar
from archive.model.visit_policy import GONE_REASONS, GONE_STATUSES

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause


class Instant(TypeDecorator[datetime]):
    """An aware time, stored as UTC; SQLite returns ``DateTime(timezone=True)`` as naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Any,  # noqa: ARG002  (SQLAlchemy's signature)
    ) -> datetime | None:
        """Return the time in UTC.

        :raises ValueError: the time is naive.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        return value.astimezone(UTC)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Any,  # noqa: ARG002  (as above)
    ) -> datetime | None:
        """Return an aware UTC time, which has a year in every zone."""
        if value is None:
            return None
        return within_calendar(value if value.tzinfo is not None else value.replace(tzinfo=UTC))


#: Texts are in the order of their code points, in every database. JSON is JSON in PostgreSQL, too,
#: not JSONB: that gives keys an order of its own, and what is exported and compared is the text.
_WORD = String().with_variant(String(collation="C"), "postgresql")
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
_NUMBER = Integer().with_variant(BigInteger(), "postgresql")


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: One archived exchange: where its record is, and the outcome of reading it last.
captures = Table(
    "captures",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("outlet", _WORD, nullable=False),
    Column("url", _WORD, nullable=False, index=True),
    Column("record_type", _WORD, nullable=False),
    Column("status", _NUMBER),
    Column("media_type", _WORD, nullable=False),
    Column("captured_at", Instant, nullable=False),
    Column("time_known", Boolean, nullable=False),
    Column("warc_file", _WORD, nullable=False),
    Column("warc_offset", _NUMBER, nullable=False),
    Column("warc_length", _NUMBER, nullable=False),
    Column("record_id", _WORD, nullable=False, unique=True),
    Column("payload_digest", _WORD, nullable=False, index=True),
    Column("charset_declared", _WORD, nullable=False),
    Column("charset_used", _WORD, nullable=False),
    Column("charset_damage", _NUMBER, nullable=False),
    Column("source", _WORD, nullable=False),
    Column("outcome", _WORD, nullable=False),
    Column("reason", _WORD, nullable=False),
    Column("revision_id", _NUMBER, ForeignKey("revisions.id"), index=True),
    # A segment's captures, and those of an outlet in it that show an article, by time.
    Index(
        "ix_captures_warc_file", "warc_file", "outlet", "captured_at", "time_known", "revision_id"
    ),
)


def is_gone(table: FromClause) -> ColumnElement[bool]:
    """Return the condition that a capture of an article's address shows it gone.

    Its values are written out, as in the index that holds only these captures: SQLite uses it for
    no other expression.
    """
    statuses = map(str, sorted(GONE_STATUSES))
    reasons = (f"'{reason}'" for reason in sorted(GONE_REASONS))
    return or_(
        table.c.status.in_([literal_column(value, Integer) for value in statuses]),
        table.c.reason.in_([literal_column(value, String) for value in reasons]),
    )


# One article in a hundred: nobody reads through all captures for them. By the second column SQLite
# prefers it to the index of all addresses.
Index("ix_captures_gone", captures.c.url, captures.c.time_known, sqlite_where=is_gone(captures))

#: One article: outlet and the outlet's own id, or an id made from its content until that is known.
articles = Table(
    "articles",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("outlet", _WORD, nullable=False),
    Column("article_id", _WORD, nullable=False),
    Column("url", _WORD, nullable=False, index=True),
    UniqueConstraint("outlet", "article_id"),
)

#: Other ids and addresses of an article: mobile, legacy, and ids made from content.
aliases = Table(
    "aliases",
    metadata,
    Column("outlet", _WORD, primary_key=True),
    Column("alias", _WORD, primary_key=True),
    Column("article", _NUMBER, ForeignKey("articles.id"), nullable=False, index=True),
)

#: A distinct content version of an article, read from ``capture_id``; ``layouts`` are all layouts
#: it was read with, ``quality`` is `archive.model.article.Quality`. ``change`` is its difference
#: from the version before it in time, see `archive.differences.changes`; null if there is none.
#: ``search_position`` is the rowid of a current revision in full-text search, and ``search_spill``
#: how far that is from the place of its minute, see `archive.index.search.position`.
revisions = Table(
    "revisions",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("article", _NUMBER, ForeignKey("articles.id"), nullable=False),
    Column("number", _NUMBER, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("capture_id", _NUMBER, nullable=False, index=True),
    Column("captured_at", Instant, nullable=False),
    Column("content_key", _WORD, nullable=False, index=True),
    Column("headline", _TEXT, nullable=False),
    Column("subheadlines", JSON, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("dateline", _WORD, nullable=False),
    Column("section", _WORD, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("published_at", Instant),
    Column("published_raw", _WORD, nullable=False),
    Column("published_precision", _WORD),
    Column("modified_at", Instant),
    Column("modified_raw", _WORD, nullable=False),
    Column("modified_precision", _WORD),
    Column("body", _TEXT, nullable=False),
    Column("images", JSON, nullable=False),
    Column("language", _WORD, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("layouts", JSON, nullable=False),
    Column("quality", _WORD, nullable=False),
    Column("removed", JSON, nullable=False),
    Column("change", JSON(none_as_null=True)),
    Column("search_position", _NUMBER),
    Column("search_spill", _NUMBER),
    UniqueConstraint("article", "number"),
    Index("ix_revisions_published_at", "published_at"),
    # The few that no layout read, to count them.
    Index("ix_revisions_generic", "article", sqlite_where=text("quality = 'generic'")),
    # A search puts its hits in order without reading their rows.
    Index(
        "ix_revisions_search_position",
        "search_position",
        "published_at",
        sqlite_where=text("search_position IS NOT NULL"),
    ),
    # The few documents that are not in the place of their minute, for the largest distance.
    Index("ix_revisions_search_spill", "search_spill", sqlite_where=text("search_spill > 0")),
)

#: One run of a command that writes, or of a job; see `archive.runs.record.RunRecord`. A run by hand
#: has ``job`` ``""``, ``due_at`` null and ``attempt`` 0. ``ending`` is ``""`` until it has ended;
#: ``exit_code`` is null if no process reported one; ``log`` is a path.
runs = Table(
    "runs",
    metadata,
    Column("id", _WORD, primary_key=True),
    Column("verb", _WORD, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("counts", JSON, nullable=False),
    Column("outlet", _WORD, nullable=False, server_default=""),
    Column("arguments", JSON, nullable=False, server_default="[]"),
    Column("job", _WORD, nullable=False, server_default=""),
    Column("due_at", Instant),
    Column("attempt", _NUMBER, nullable=False, server_default="0"),
    Column("host", _WORD, nullable=False, server_default=""),
    Column("version", _WORD, nullable=False, server_default=""),
    Column("holder", _WORD, nullable=False, server_default=""),
    Column("ending", _WORD, nullable=False, server_default=""),
    Column("exit_code", _NUMBER),
    Column("log", _WORD, nullable=False, server_default=""),
    # Each attempt is claimed by one process.
    Index("ux_runs_job_due_at_attempt", "job", "due_at", "attempt", unique=True),
    Index("ix_runs_started_at", "started_at"),
    # The runs under way, which a scheduler asks for at every round.
    Index(
        "ix_runs_going",
        "started_at",
        sqlite_where=text("ending = ''"),
    ),
    Index("ix_runs_outlet_started_at", "outlet", "started_at"),
)

#: The run that alone may do what ``name`` names, its process, and when it last renewed the lease.
leases = Table(
    "leases",
    metadata,
    Column("name", _WORD, primary_key=True),
    Column("run_id", _WORD, nullable=False),
    Column("holder", _WORD, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("renewed_at", Instant, nullable=False),
)

#: An alarm, from ``began_at`` until ``ended_at``: its ``kind``, and the outlet, job or folder that
#: it concerns. ``notified_at`` and ``resolved_notified_at`` are when ALERT_URL accepted it and its
#: end, else null. ``fields`` are those that drifted.
alarms = Table(
    "alarms",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("kind", _WORD, nullable=False),
    Column("subject", _WORD, nullable=False),
    Column("sentence", _TEXT, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("notified_at", Instant),
    Column("resolved_notified_at", Instant),
    Column("fields", _WORD, nullable=False, server_default=""),
    Index("ix_alarms_kind_subject", "kind", "subject"),
)

#: The outcome of each input of a run. Inputs that were unchanged are only counted, in ``runs``.
outcomes = Table(
    "outcomes",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("run_id", _WORD, ForeignKey("runs.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("source", _WORD, nullable=False),
    Column("outlet", _WORD, nullable=False),
    Column("outcome", _WORD, nullable=False),
    Column("reason", _WORD, nullable=False),
    Column("detail", _WORD, nullable=False),
    Column("capture_id", _NUMBER, ForeignKey("captures.id")),
)

#: Every article that an outlet was seen to have, when to visit it next, and the outcome of the last
#: visit. ``due_at`` is null if it is not visited again. ``lease`` is the run that is
#: visiting it, which has it alone as long as it holds a lease in `leases`.
#: ``discovered_run`` and ``last_run`` are the runs that discovered and last visited it.
#: ``first_visit_at`` is the first visit that succeeded; revisits are counted from it if the time of
#: publication is unknown. Empty strings: none.
frontier = Table(
    "frontier",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("outlet", _WORD, nullable=False),
    Column("article_id", _WORD, nullable=False),
    Column("url", _WORD, nullable=False),
    Column("published_at", Instant),
    Column("discovered_at", Instant, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("state", _WORD, nullable=False),
    Column("due_at", Instant),
    Column("failures", _NUMBER, nullable=False),
    Column("visits", _NUMBER, nullable=False),
    Column("first_visit_at", Instant),
    Column("visited_at", Instant),
    Column("served_at", Instant),
    Column("gone_at", Instant),
    Column("outcome", _WORD, nullable=False),
    Column("reason", _WORD, nullable=False),
    Column("etag", _WORD, nullable=False),
    Column("last_modified", _WORD, nullable=False),
    Column("lease", _WORD, nullable=False),
    Column("discovered_run", _WORD, nullable=False),
    Column("last_run", _WORD, nullable=False),
    UniqueConstraint("outlet", "article_id"),
    # Articles never stored come before the others, each in the order of due times: without the
    # first index, every batch of new articles would read through all waiting revisits.
    Index("ix_frontier_fresh", "outlet", "state", "visits", "due_at"),
    Index("ix_frontier_due", "outlet", "state", "due_at"),
    # when an outlet publishes
    Index("ix_frontier_published_at", "outlet", "published_at", "first_visit_at"),
    # whether other articles were served since one was first seen gone
    Index("ix_frontier_served_at", "outlet", "served_at"),
    Index("ix_frontier_discovered_run", "outlet", "discovered_run"),  # a run's accounts
    Index("ix_frontier_last_run", "outlet", "last_run"),
)

#: The last robots.txt of an origin (``https://host[:port]``) as it was served.
robots = Table(
    "robots",
    metadata,
    Column("origin", _WORD, primary_key=True),
    Column("fetched_at", Instant, nullable=False),
    Column("status", _NUMBER, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

#: An article that was taken down: when (UTC), why, and by whom. Its content is gone.
removals = Table(
    "removals",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("outlet", _WORD, nullable=False),
    Column("article_id", _WORD, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", _WORD, nullable=False),
    Column("by", _WORD, nullable=False),
    UniqueConstraint("outlet", "article_id"),
)

#: What a removed article must not be stored under again: its ids, ids made from its content, and
#: the digests of its payloads.
refused = Table(
    "refused",
    metadata,
    Column("outlet", _WORD, primary_key=True),
    Column("name", _WORD, primary_key=True),
    Column("removal", _NUMBER, ForeignKey("removals.id"), nullable=False),
)

#: The full-text index over the current revisions, which is no table of SQLAlchemy's. A document's
#: rowid is its ``search_position``. `archive.index.search.text` makes and folds the tokens, so the
#: plainest tokenizer will do; no column sizes are kept. ``search_characters`` holds the single
#: characters of each document, and facets, without their places: a prefix index would take six
#: times as much. The settings take half the CPU per article of the defaults, as measured: a
#: transaction is one segment, and sixteen are merged at a time.
SEARCH_TABLES = (
    "CREATE VIRTUAL TABLE search USING fts5(headline, body, facets, content='', columnsize=0, "
    "tokenize='ascii')",
    "CREATE VIRTUAL TABLE search_characters USING fts5(text, content='', columnsize=0, "
    "detail='none', tokenize='ascii')",
)
SEARCH_STATEMENTS = (
    *SEARCH_TABLES,
    "INSERT INTO search(search, rank) VALUES ('hashsize', 16777216)",
    "INSERT INTO search(search, rank) VALUES ('automerge', 16)",
    "INSERT INTO search_characters(search_characters, rank) VALUES ('hashsize', 16777216)",
    "INSERT INTO search_characters(search_characters, rank) VALUES ('automerge', 16)",
)

#: Tables made from the WARC files. A reindex copies all others from the old index.
DERIVED = frozenset({captures, articles, aliases, revisions, removals, refused})
