"""The crawl: its frontier, and the robots.txt it goes by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archive.index.schema import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; what there is stays as it is."""
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
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("first_look_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("last_modified", sa.String(), nullable=False),
        sa.Column("lease", sa.String(), nullable=False),
        sa.Column("leased_until", Instant(), nullable=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("found_by", sa.String(), nullable=False),
        sa.Column("seen_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_frontier"),
        sa.UniqueConstraint("outlet", "article_id", name="uq_frontier_outlet_article_id"),
    )
    op.create_index("ix_frontier_fresh", "frontier", ["outlet", "state", "looks", "due_at"])
    op.create_index("ix_frontier_due", "frontier", ["outlet", "state", "due_at"])
    op.create_index("ix_frontier_found_by", "frontier", ["outlet", "found_by"])
    op.create_index("ix_frontier_seen_by", "frontier", ["outlet", "seen_by"])
    op.create_table(
        "robots",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("fetched_at", Instant(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_robots"),
    )
