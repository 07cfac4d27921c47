"""Revisions say what changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; `archive.index.database` fills it in the same transaction."""
    op.add_column("revisions", sa.Column("change", sa.JSON(), nullable=True))
