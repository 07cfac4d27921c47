"""The article fields whose presence is measured, and the SQL condition for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.index.dialect import stored_json
from archive.index.schema import revisions
from archive.model.article import Precision

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

#: In the order in which they are shown.
FIELDS = ("headline", "published", "authors", "section", "tags", "images", "subheadlines")
_LISTS = frozenset({"authors", "tags", "images", "subheadlines"})


def is_filled(name: str) -> ColumnElement[Any]:
    """Return the condition that a row of ``revisions`` has a field.

    ``published`` counts if the publication time is known to the minute or better.
    """
    if name == "published":
        return revisions.c.published_precision.in_((Precision.MINUTE, Precision.SECOND))
    if name in _LISTS:
        return stored_json(revisions.c[name]) != "[]"
    return revisions.c[name] != ""
