"""Runs say who ran them and how they ended; leases, alarms, and the scheduler's store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archive.index.schema import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and tables; of a crawl's run, what was one word with the verb becomes its outlet."""
    for column in (
        sa.Column("outlet", sa.String(), nullable=False, server_default=""),
        sa.Column("arguments", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("job", sa.String(), nullable=False, server_default=""),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("host", sa.String(), nullable=False, server_default=""),
        sa.Column("version", sa.String(), nullable=False, server_default=""),
        sa.Column("holder", sa.String(), nullable=False, server_default=""),
        sa.Column("ending", sa.String(), nullable=False, server_default=""),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("log", sa.String(), nullable=False, server_default=""),
    ):
        op.add_column("runs", column)
    op.create_index("ux_runs_job_due_at_attempt", "runs", ["job", "due_at", "attempt"], unique=True)
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    going = sa.text("ending = ''")
    op.create_index(
        "ix_runs_going", "runs", ["started_at"], sqlite_where=going, postgresql_where=going
    )
    op.create_index("ix_runs_outlet_started_at", "runs", ["outlet", "started_at"])
    op.create_index(
        "ix_frontier_published_at", "frontier", ["outlet", "published_at", "first_look_at"]
    )
    op.execute("UPDATE runs SET outlet = substr(verb, 7), verb = 'crawl' WHERE verb LIKE 'crawl %'")
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("renewed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("said_at", Instant(), nullable=True),
        sa.Column("over_said_at", Instant(), nullable=True),
        sa.Column("about", sa.String(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
    )
    op.create_index("ix_alarms_kind_subject", "alarms", ["kind", "subject"])
    op.create_table(
        "schedule",
        sa.Column("id", sa.Unicode(191), nullable=False),
        sa.Column("next_run_time", sa.Float(25), nullable=True),
        sa.Column("job_state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
    )
    op.create_index("ix_schedule_next_run_time", "schedule", ["next_run_time"])
