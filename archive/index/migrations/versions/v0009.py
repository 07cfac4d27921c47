"""The whole schema, as of the first release: 0001 to 0008 were those of unreleased versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archive.index.schema import Instant

revision = "0009"
down_revision = None
branch_labels = None
depends_on = None

#: Word for word as in this revision, whatever `archive.index.schema` says later.
_SEARCH = (
    "CREATE VIRTUAL TABLE search USING fts5(headline, body, facets, content='', columnsize=0, "
    "tokenize='ascii')",
    "CREATE VIRTUAL TABLE search_characters USING fts5(text, content='', columnsize=0, "
    "detail='none', tokenize='ascii')",
    "INSERT INTO search(search, rank) VALUES ('hashsize', 16777216)",
    "INSERT INTO search(search, rank) VALUES ('automerge', 16)",
    "INSERT INTO search_characters(search_characters, rank) VALUES ('hashsize', 16777216)",
    "INSERT INTO search_characters(search_characters, rank) VALUES ('automerge', 16)",
)


def upgrade() -> None:
    """Create all tables and the full-text index."""
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("notified_at", Instant(), nullable=True),
        sa.Column("resolved_notified_at", Instant(), nullable=True),
        sa.Column("fields", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index("ix_alarms_kind_subject", "alarms", ["kind", "subject"])
    op.create_table(
        "articles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("article_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sa.UniqueConstraint("outlet", "article_id", name=op.f("uq_articles_outlet_article_id")),
    )
    op.create_index(op.f("ix_articles_url"), "articles", ["url"])
    op.create_table(
        "frontier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("article_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("published_at", Instant(), nullable=True),
        sa.Column("discovered_at", Instant(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("first_visit_at", Instant(), nullable=True),
        sa.Column("visited_at", Instant(), nullable=True),
        sa.Column("served_at", Instant(), nullable=True),
        sa.Column("gone_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("last_modified", sa.String(), nullable=False),
        sa.Column("lease", sa.String(), nullable=False),
        sa.Column("discovered_run", sa.String(), nullable=False),
        sa.Column("last_run", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frontier")),
        sa.UniqueConstraint("outlet", "article_id", name=op.f("uq_frontier_outlet_article_id")),
    )
    op.create_index("ix_frontier_discovered_run", "frontier", ["outlet", "discovered_run"])
    op.create_index("ix_frontier_due", "frontier", ["outlet", "state", "due_at"])
    op.create_index("ix_frontier_fresh", "frontier", ["outlet", "state", "visits", "due_at"])
    op.create_index("ix_frontier_last_run", "frontier", ["outlet", "last_run"])
    op.create_index(
        "ix_frontier_published_at",
        "frontier",
        ["outlet", "published_at", "first_visit_at"],
    )
    op.create_index("ix_frontier_served_at", "frontier", ["outlet", "served_at"])
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("renewed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "removals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("article_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removals")),
        sa.UniqueConstraint("outlet", "article_id", name=op.f("uq_removals_outlet_article_id")),
    )
    op.create_table(
        "robots",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("fetched_at", Instant(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_robots")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("outlet", sa.String(), server_default="", nullable=False),
        sa.Column("arguments", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("job", sa.String(), server_default="", nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("host", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.String(), server_default="", nullable=False),
        sa.Column("holder", sa.String(), server_default="", nullable=False),
        sa.Column("ending", sa.String(), server_default="", nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("log", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(
        "ix_runs_going",
        "runs",
        ["started_at"],
        sqlite_where=sa.text("ending = ''"),
        postgresql_where=sa.text("ending = ''"),
    )
    op.create_index("ix_runs_outlet_started_at", "runs", ["outlet", "started_at"])
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_index("ux_runs_job_due_at_attempt", "runs", ["job", "due_at", "attempt"], unique=True)
    op.create_table(
        "aliases",
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("article", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["articles.id"], name=op.f("fk_aliases_article")),
        sa.PrimaryKeyConstraint("outlet", "alias", name=op.f("pk_aliases")),
    )
    op.create_index(op.f("ix_aliases_article"), "aliases", ["article"])
    op.create_table(
        "refused",
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("removal", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["removal"], ["removals.id"], name=op.f("fk_refused_removal")),
        sa.PrimaryKeyConstraint("outlet", "name", name=op.f("pk_refused")),
    )
    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=False),
        sa.Column("captured_at", Instant(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("subheadlines", sa.JSON(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("dateline", sa.String(), nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("published_at", Instant(), nullable=True),
        sa.Column("published_raw", sa.String(), nullable=False),
        sa.Column("published_precision", sa.String(), nullable=True),
        sa.Column("modified_at", Instant(), nullable=True),
        sa.Column("modified_raw", sa.String(), nullable=False),
        sa.Column("modified_precision", sa.String(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("images", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("layouts", sa.JSON(), nullable=False),
        sa.Column("quality", sa.String(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.Column("change", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("search_position", sa.Integer(), nullable=True),
        sa.Column("search_spill", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["article"], ["articles.id"], name=op.f("fk_revisions_article")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("article", "number", name=op.f("uq_revisions_article_number")),
    )
    op.create_index(op.f("ix_revisions_capture_id"), "revisions", ["capture_id"])
    op.create_index(op.f("ix_revisions_content_key"), "revisions", ["content_key"])
    op.create_index("ix_revisions_published_at", "revisions", ["published_at"])
    op.create_index(
        "ix_revisions_generic",
        "revisions",
        ["article"],
        sqlite_where=sa.text("quality = 'generic'"),
    )
    op.create_index(
        "ix_revisions_search_position",
        "revisions",
        ["search_position", "published_at"],
        sqlite_where=sa.text("search_position IS NOT NULL"),
    )
    op.create_index(
        "ix_revisions_search_spill",
        "revisions",
        ["search_spill"],
        sqlite_where=sa.text("search_spill > 0"),
    )
    op.create_table(
        "captures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("record_type", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("captured_at", Instant(), nullable=False),
        sa.Column("time_known", sa.Boolean(), nullable=False),
        sa.Column("warc_file", sa.String(), nullable=False),
        sa.Column("warc_offset", sa.Integer(), nullable=False),
        sa.Column("warc_length", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("payload_digest", sa.String(), nullable=False),
        sa.Column("charset_declared", sa.String(), nullable=False),
        sa.Column("charset_used", sa.String(), nullable=False),
        sa.Column("charset_damage", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_captures_revision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captures")),
        sa.UniqueConstraint("record_id", name=op.f("uq_captures_record_id")),
    )
    op.create_index(
        "ix_captures_gone",
        "captures",
        ["url", "time_known"],
        sqlite_where=sa.text("status IN (404, 410) OR reason IN ('deleted', 'soft_404')"),
    )
    op.create_index(op.f("ix_captures_payload_digest"), "captures", ["payload_digest"])
    op.create_index(op.f("ix_captures_revision_id"), "captures", ["revision_id"])
    op.create_index(op.f("ix_captures_url"), "captures", ["url"])
    op.create_index(
        "ix_captures_warc_file",
        "captures",
        ["warc_file", "outlet", "captured_at", "time_known", "revision_id"],
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("capture_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["capture_id"], ["captures.id"], name=op.f("fk_outcomes_capture_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_outcomes_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
    )
    op.create_index(op.f("ix_outcomes_run_id"), "outcomes", ["run_id"])
    for statement in _SEARCH:
        op.execute(statement)
