"""The index's tables. What is derived from the archive is in `DERIVED`; the rest is the index's own memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
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
    text,
)


class Instant(TypeDecorator[datetime]):
    """An aware time, kept as UTC: SQLite gives ``DateTime(timezone=True)`` back naive, this does not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002  (SQLAlchemy's signature)
        """Convert to UTC; a naive time is a mistake of ours and is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be kept")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002  (as above)
        """Return an aware UTC time."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: One archived exchange, where it lies, and what became of it when it was read last.
captures = Table(
    "captures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("outlet", String, nullable=False),
    Column("url", String, nullable=False, index=True),
    Column("record_type", String, nullable=False),
    Column("status", Integer),
    Column("media_type", String, nullable=False),
    Column("captured_at", Instant, nullable=False),
    Column("time_known", Boolean, nullable=False),
    Column("warc_file", String, nullable=False),
    Column("warc_offset", Integer, nullable=False),
    Column("warc_length", Integer, nullable=False),
    Column("record_id", String, nullable=False, unique=True),
    Column("payload_digest", String, nullable=False, index=True),
    Column("charset_declared", String, nullable=False),
    Column("charset_used", String, nullable=False),
    Column("charset_damage", Integer, nullable=False),
    Column("source", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("revision_id", Integer, ForeignKey("revisions.id"), index=True),
)

#: One article: (outlet, the outlet's own id), or an id made from its content until the real one
#: shows.
articles = Table(
    "articles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("outlet", String, nullable=False),
    Column("article_id", String, nullable=False),
    Column("url", String, nullable=False),
    UniqueConstraint("outlet", "article_id"),
)

#: Other ids and addresses of an article: mobile, legacy, and ids made from content before the join.
aliases = Table(
    "aliases",
    metadata,
    Column("outlet", String, primary_key=True),
    Column("alias", String, primary_key=True),
    Column("article", Integer, ForeignKey("articles.id"), nullable=False, index=True),
)

#: A distinct content version of an article, read from ``capture_id``; ``layouts`` are all it was
#: read by. ``change`` is what archive.articles.changes says of it and the version before it in
#: time; null where there is none.
revisions = Table(
    "revisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("article", Integer, ForeignKey("articles.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("capture_id", Integer, nullable=False, index=True),
    Column("captured_at", Instant, nullable=False),
    Column("content_key", String, nullable=False, index=True),
    Column("headline", Text, nullable=False),
    Column("subheadlines", JSON, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("dateline", String, nullable=False),
    Column("section", String, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("published_at", Instant),
    Column("published_raw", String, nullable=False),
    Column("published_precision", String),
    Column("modified_at", Instant),
    Column("modified_raw", String, nullable=False),
    Column("modified_precision", String),
    Column("body", Text, nullable=False),
    Column("images", JSON, nullable=False),
    Column("language", String, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("layouts", JSON, nullable=False),
    Column("removed", JSON, nullable=False),
    Column("change", JSON(none_as_null=True)),
    UniqueConstraint("article", "number"),
    Index("ix_revisions_published_at", "published_at"),
)

#: One run of a verb that writes, or of a job, with its counts by outlet and outcome. ``arguments``
#: are the words behind the verb. A job's run names the job, the moment ``due_at`` that it answers,
#: and which ``attempt`` at that it is; a run by hand has ``""``, null and 0. ``holder`` is the
#: process that answers for it; ``ending`` is a word of `archive.runs.job_runs.Ending`, ``""`` until
#: it has ended; ``exit_code`` is null where nobody saw one; ``log`` is a path.
runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("verb", String, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("counts", JSON, nullable=False),
    Column("outlet", String, nullable=False, server_default=""),
    Column("arguments", JSON, nullable=False, server_default="[]"),
    Column("job", String, nullable=False, server_default=""),
    Column("due_at", Instant),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("host", String, nullable=False, server_default=""),
    Column("version", String, nullable=False, server_default=""),
    Column("holder", String, nullable=False, server_default=""),
    Column("ending", String, nullable=False, server_default=""),
    Column("exit_code", Integer),
    Column("log", String, nullable=False, server_default=""),
    # it is taken up once, by whomever
    Index("ux_runs_job_due_at_attempt", "job", "due_at", "attempt", unique=True),
    Index("ix_runs_started_at", "started_at"),
    # Those that go on, which every look of a scheduler asks for.
    Index(
        "ix_runs_going",
        "started_at",
        sqlite_where=text("ending = ''"),
        postgresql_where=text("ending = ''"),
    ),
    Index("ix_runs_outlet_started_at", "outlet", "started_at"),
)

#: Who may do alone what ``name`` names: the run that does it, its process, and when that was last
#: heard of.
leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("run_id", String, nullable=False),
    Column("holder", String, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("renewed_at", Instant, nullable=False),
)

#: What somebody has to look at, from when it began until it was over: of what ``kind``, of which
#: outlet, job or place. ``notified_at`` and ``resolved_notified_at`` are when ALERT_URL took it, else null.
#: ``fields`` are those that drifted.
alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("notified_at", Instant),
    Column("resolved_notified_at", Instant),
    Column("fields", String, nullable=False, server_default=""),
    Index("ix_alarms_kind_subject", "kind", "subject"),
)

#: What became of each input of a run; those that were plainly unchanged are only counted, in
#: ``runs``.
outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", String, ForeignKey("runs.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("source", String, nullable=False),
    Column("outlet", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("capture_id", Integer, ForeignKey("captures.id")),
)

#: A crawl's memory: each article an outlet was seen to have, when to fetch it next, and what the
#: last visit gave. ``due_at`` is null where it is never again. ``lease`` is the run that has it in
#: hand, and ``holder`` its process. ``discovered_run`` and ``last_run`` are the runs that discovered and
#: last visited it; ``first_visit_at`` is when it was first served, where publication is unknown the
#: start that the revisit policy counts from. Empty strings: none.
frontier = Table(
    "frontier",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("outlet", String, nullable=False),
    Column("article_id", String, nullable=False),
    Column("url", String, nullable=False),
    Column("published_at", Instant),
    Column("discovered_at", Instant, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("due_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("visits", Integer, nullable=False),
    Column("first_visit_at", Instant),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("etag", String, nullable=False),
    Column("last_modified", String, nullable=False),
    Column("lease", String, nullable=False),
    Column("leased_until", Instant),
    Column("holder", String, nullable=False),
    Column("discovered_run", String, nullable=False),
    Column("last_run", String, nullable=False),
    UniqueConstraint("outlet", "article_id"),
    # Never stored before stored, each in the order it falls due: without the first, a week of
    # waiting second visits would be read through for every batch of new articles.
    Index("ix_frontier_fresh", "outlet", "state", "visits", "due_at"),
    Index("ix_frontier_due", "outlet", "state", "due_at"),
    # an outlet's rhythm
    Index("ix_frontier_published_at", "outlet", "published_at", "first_visit_at"),
    Index("ix_frontier_discovered_run", "outlet", "discovered_run"),  # a run's books
    Index("ix_frontier_last_run", "outlet", "last_run"),
)

#: The last robots.txt of an origin (``https://host[:port]``) as it was served.
robots = Table(
    "robots",
    metadata,
    Column("origin", String, primary_key=True),
    Column("fetched_at", Instant, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

#: An article that was taken down: when (UTC), why, and by whom. What was kept of it is gone.
removals = Table(
    "removals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("outlet", String, nullable=False),
    Column("article_id", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", String, nullable=False),
    Column("by", String, nullable=False),
    UniqueConstraint("outlet", "article_id"),
)

#: What a removed article must not come back under: its ids, ids made from its content, and digests
#: of its payloads.
refused = Table(
    "refused",
    metadata,
    Column("outlet", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("removal", Integer, ForeignKey("removals.id"), nullable=False),
)

#: What is made of the archive; all other tables are the index's own memory, and outlive a new one.
DERIVED = frozenset({captures, articles, aliases, revisions, removals, refused})
