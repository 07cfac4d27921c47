"""Which images of an article other articles show as well, by looking into the stored JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Integer, bindparam, text

from archive.index.dialect import is_postgres

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OF_OTHERS = text("""
    SELECT DISTINCT json_extract(image.value, '$.url')
    FROM revisions, json_each(revisions.images) AS image
    WHERE revisions.article <> :article AND json_extract(image.value, '$.url') IN (
        SELECT json_extract(own.value, '$.url') FROM revisions AS r, json_each(r.images) AS own
        WHERE r.article = :article)""").bindparams(bindparam("article", type_=Integer))


_OF_OTHERS_IN_POSTGRES = text("""
    SELECT DISTINCT image ->> 'url'
    FROM revisions, json_array_elements(revisions.images) AS image
    WHERE revisions.article <> :article AND image ->> 'url' IN (
        SELECT own ->> 'url' FROM revisions AS r, json_array_elements(r.images) AS own
        WHERE r.article = :article)""").bindparams(bindparam("article", type_=Integer))


def images_of_others(connection: Connection, article: int) -> set[str]:
    """Return the addresses of images of the article in this row that other articles show."""
    query = _OF_OTHERS_IN_POSTGRES if is_postgres(connection) else _OF_OTHERS
    return set(connection.scalars(query, {"article": article}))
