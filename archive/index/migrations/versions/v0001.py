"""The first schema: captures, articles, aliases, revisions, runs, outcomes, and the search index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archive.index.schema import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "articles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("article_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_articles"),
        sa.UniqueConstraint("outlet", "article_id", name="uq_articles_outlet_article_id"),
    )
    op.create_table(
        "aliases",
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column(
            "article",
            sa.Integer(),
            sa.ForeignKey("articles.id", name="fk_aliases_article"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("outlet", "alias", name="pk_aliases"),
    )
    op.create_index("ix_aliases_article", "aliases", ["article"])
    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "article",
            sa.Integer(),
            sa.ForeignKey("articles.id", name="fk_revisions_article"),
            nullable=False,
        ),
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
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revisions"),
        sa.UniqueConstraint("article", "number", name="uq_revisions_article_number"),
    )
    op.create_index("ix_revisions_capture_id", "revisions", ["capture_id"])
    op.create_index("ix_revisions_content_key", "revisions", ["content_key"])
    op.create_index("ix_revisions_published_at", "revisions", ["published_at"])
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
        sa.Column(
            "revision_id",
            sa.Integer(),
            sa.ForeignKey("revisions.id", name="fk_captures_revision_id"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_captures"),
        sa.UniqueConstraint("record_id", name="uq_captures_record_id"),
    )
    op.create_index("ix_captures_payload_digest", "captures", ["payload_digest"])
    op.create_index("ix_captures_revision_id", "captures", ["revision_id"])
    op.create_index("ix_captures_url", "captures", ["url"])
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "run_id",
            sa.String(),
            sa.ForeignKey("runs.id", name="fk_outcomes_run_id"),
            nullable=False,
        ),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column(
            "capture_id",
            sa.Integer(),
            sa.ForeignKey("captures.id", name="fk_outcomes_capture_id"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outcomes"),
    )
    op.create_index("ix_outcomes_run_id", "outcomes", ["run_id"])
    # The tokens are made and folded by archive.index.fulltext, so the plainest tokenizer does; no
    # ranking, so no column sizes.
    op.execute(
        "CREATE VIRTUAL TABLE search USING fts5(headline, body, content='', columnsize=0, tokenize='ascii')"
    )
    # Half the CPU per article, measured, against the defaults: a transaction is one segment, merged
    # sixteen at a time.
    op.execute("INSERT INTO search(search, rank) VALUES ('hashsize', 16777216)")
    op.execute("INSERT INTO search(search, rank) VALUES ('automerge', 16)")
