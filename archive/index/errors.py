"""Errors of an index, and those of SQLite as sentences that say what to do."""

from __future__ import annotations

from archive.model.program import PROGRAM


class IndexUnusableError(Exception):
    """The index can't be used; the message is a sentence with what to do."""


class NoIndexError(IndexUnusableError):
    """There is no index yet."""


class ConflictError(IndexUnusableError):
    """The database undid a transaction, because of another one; it can be begun again."""


class QueryTooSlowError(Exception):
    """A statement took longer than it may."""


class EarlierSchemaError(IndexUnusableError):
    """The index was made by an earlier version; it has to be rebuilt."""


#: What SQLite's message contains -> what follows it in the sentence; the first match counts.
_ADVICE = (
    ("disk is full", "free disk space, then run the same command again"),
    # SQLite reports some full disks as an I/O error.
    ("disk I/O", "check whether the disk is full or failing, then run the same command again"),
    (
        "readonly",
        "check that you may write this file and its folder, or name another one with INDEX_URL",
    ),
    (
        "unable to open",
        "check that you may write this file and its folder, or name another one with INDEX_URL",
    ),
    (
        "no such table",
        f"it was deleted or emptied while it was in use; run {PROGRAM} reindex, or restore it",
    ),
    (
        "not a database",
        "it is not an index of Sacho, or damaged; move it away, or name another one with INDEX_URL",
    ),
    ("malformed", f"it is damaged; rebuild it with {PROGRAM} reindex, or restore it"),
)


def describe_database_error(error: BaseException | None) -> str:
    """Return an error of SQLite as a sentence with what to do."""
    cause = str(error)
    if "locked" in cause:
        return "another process has been writing for over a minute; try again when it is done."
    for part, advice in _ADVICE:
        if part in cause:
            return f"{cause}: {advice}."
    return f"{cause}."
