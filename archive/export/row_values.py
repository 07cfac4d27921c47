"""The keys of an exported article, by the form in which a row of the index has their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.captures.deletions import Status
from archive.export.articles import REVISION, article_fields, deleted_at
from archive.model.article import is_of_content

if TYPE_CHECKING:
    from archive.captures.deletions import Deletion

KEYS = sorted({*article_fields(), *REVISION})
#: The values that the index holds as JSON, as times, and as text that may be null.
LISTS = ("authors", "flags", "images", "layouts", "removed", "subheadlines", "tags")
TIMES = ("captured_at", "modified_at", "published_at")
PRECISIONS = ("modified_precision", "published_precision")
#: The values that are made of others, or have another name in the index.
MADE = ("deleted_at", "http_status", "identity", "revision", "status")
_PARTED = ("change", "deletion", "warc")
#: All others are text.
TEXTS = tuple(name for name in KEYS if name not in (*LISTS, *TIMES, *PRECISIONS, *MADE, *_PARTED))


def made_values(row: dict[str, Any], deletion: Deletion | None) -> dict[str, Any]:
    """Return the values that the index holds under no name of theirs."""
    return {
        "deleted_at": deleted_at(deletion),
        "http_status": row["status"],
        "identity": "content" if is_of_content(row["article_id"]) else "outlet",
        "revision": row["number"],
        "status": str(Status.PUBLISHED if deletion is None else deletion.status),
    }
