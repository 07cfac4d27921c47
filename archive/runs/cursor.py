"""Cursors: a place in the history of runs as a text, from which a later list goes on."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from archive.index.search.query import QueryError

_CURSOR = re.compile(r"(\d{8}T\d{6}(?:\.\d{6})?)Z-([\w-]{1,64})", re.A)


class RunPlace(NamedTuple):
    """A place in the order of runs, the latest first: when a run began, and its id."""

    started_at: datetime
    run_id: str


def place_text(place: RunPlace) -> str:
    """Return the cursor of a place, ``20261122T093000Z-0f3a``: its time in UTC and the run's id."""
    moment = place.started_at.astimezone(UTC).replace(tzinfo=None)
    return f"{re.sub('[-:]', '', moment.isoformat())}Z-{place.run_id}"


def parse_place(text: str) -> RunPlace:
    """Return the place that a cursor stands for.

    :raises QueryError: it is none.
    """
    found = _CURSOR.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        raise QueryError(f"{text!r} is no cursor of a list of runs") from None
    return RunPlace(moment, found[2])
