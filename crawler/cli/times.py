"""A time as a person names it: a day, a minute, a second; in KST where no zone is said."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from archive.model.article import KST

_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:[T ](?P<minute>\d{2}:\d{2})(?P<second>:\d{2})?(?P<part>\.\d{1,6})?)?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)


def parse_moment(text: str) -> datetime:
    """The last instant of the day, minute or second that the text names (ISO 8601), aware.

    :raises ValueError: it is no such time; the message says how to write one.
    """
    match = _MOMENT.fullmatch(text.strip())
    if (
        match is None
        or (match["part"] and not match["second"])
        or (match["zone"] and not match["minute"])
    ):
        raise ValueError(
            f"{text!r} is no time: write 2026-11-22, 2026-11-22T09:30 or 2026-11-22T09:30:00+09:00"
        )
    try:
        moment = datetime.fromisoformat(
            text.strip().replace(" +", "+").replace(" -", "-").replace(" Z", "Z")
        )
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: {error}") from error
    if not match["minute"]:
        length = timedelta(days=1)
    elif not match["second"]:
        length = timedelta(minutes=1)
    else:
        length = timedelta(seconds=0 if match["part"] else 1)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=KST)
    return moment + (length - timedelta(microseconds=1)) if length else moment
