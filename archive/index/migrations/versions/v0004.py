"""Articles that were taken down, and what they must not come back under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archive.index.schema import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; what there is stays as it is."""
    op.create_table(
        "removals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("article_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_removals"),
        sa.UniqueConstraint("outlet", "article_id", name="uq_removals_outlet_article_id"),
    )
    op.create_table(
        "refused",
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "removal",
            sa.Integer(),
            sa.ForeignKey("removals.id", name="fk_refused_removal"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("outlet", "name", name="pk_refused"),
    )
