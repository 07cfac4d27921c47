"""Upgrading of an index of an earlier schema, step by step, in whichever database it is.

The steps are the modules in ``migrations/versions``; each runs on both databases. PostgreSQL began
with schema 0009, so that of the steps up to this one it has run none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FOLDER = Path(__file__).parent / "migrations"


def can_upgrade(schema: str) -> bool:
    """Return whether there are steps from a schema on."""
    return (_FOLDER / "versions" / f"v{schema}.py").exists()


def is_older(shown: str) -> str:
    """Return the sentence about an index of such a schema that is only read."""
    return (
        f"{shown} has an older schema: run a verb that writes ({PROGRAM} replay) once to upgrade "
        "it."
    )


def upgrade(connection: Connection) -> None:
    """Upgrade the schema within the caller's write transaction; do nothing if it is today's."""
    # Imported here only: importing Alembic takes a third of a second.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
