"""Parse the times that Korean outlets print, into aware KST times with their precision."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from archive.model.article import KST, Precision

PUBLISHED_LABELS = "기사입력|입력|등록|송고|승인|작성|발행"
MODIFIED_LABELS = "최종수정|최종 수정|기사수정|수정|업데이트"

_DATE = r"(?P<y>\d{4})\s?[-./년]\s?(?P<m>\d{1,2})\s?[-./월]\s?(?P<d>\d{1,2})\s?[일.]?"
_TIME = r"(?P<half>오전|오후|AM|PM)?\s?\(?(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}))?\)?"
_STAMP = re.compile(rf"(?<!\d){_DATE}(?:(?:\s|\s?[|,·]\s?|(?<=[일.]))?\s?{_TIME}(?!\d))?", re.A)
_STAMP_UNNAMED = re.sub("[?]P<[a-zA-Z]+>", "?:", _STAMP.pattern)
_RELATIVE = re.compile(r"(?<!\d)(?P<n>\d{1,4})\s?(?P<unit>초|분|시간|일)\s?전")
_LABELLED = re.compile(
    rf"(?P<label>{MODIFIED_LABELS}|{PUBLISHED_LABELS})\s*:?\s*(?P<stamp>{_STAMP_UNNAMED})",
    re.A,
)
_UNITS = {"초": "seconds", "분": "minutes", "시간": "hours", "일": "days"}


class TimeError(ValueError):
    """The text contains no time that can be parsed."""


def parse_time(text: str, base: datetime) -> tuple[datetime, Precision]:
    """Return a printed or machine-readable time in KST, and its precision.

    ``base`` is the time of the capture, to which ``5분 전`` (5 minutes ago) refers. A time with an
    offset is converted to KST, one without is KST. Labels before the time are ignored.

    :raises TimeError: the text contains no time, or not a valid one.
    """
    text = text.strip()
    try:
        if "T" in text[8:12]:
            return _machine_time(text)
        stamp = _STAMP.search(text)
        if stamp:
            return _printed_time(stamp)
        relative = _RELATIVE.search(text)
        if relative:
            return _relative_time(relative, base)
    except (ValueError, OverflowError) as error:
        raise TimeError(f"{text[:60]!r} is not a valid time ({error})") from error
    raise TimeError(f"no time found in {text[:60]!r}")


def labelled_stamps(text: str) -> tuple[str, str]:
    """Return the printed times after a published and a modified label, ``""`` for none.

    A text without labels states the time of publication first.
    """
    published = modified = ""
    for found in _LABELLED.finditer(text):
        if re.fullmatch(MODIFIED_LABELS, found["label"]):
            modified = modified or found["stamp"].strip()
        else:
            published = published or found["stamp"].strip()
    if not published and not modified:
        stamp = _STAMP.search(text) or _RELATIVE.search(text)
        if stamp:
            published = stamp[0].strip()
    return published, modified


def _machine_time(text: str) -> tuple[datetime, Precision]:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=KST)
    moment = moment.astimezone(KST).replace(microsecond=0)
    clock = text[10:].split("+")[0].rstrip("Z")
    if clock.count(":") >= 2:
        return moment, Precision.SECOND
    return moment, Precision.MINUTE


def _printed_time(stamp: re.Match[str]) -> tuple[datetime, Precision]:
    day = datetime(int(stamp["y"]), int(stamp["m"]), int(stamp["d"]), tzinfo=KST)
    if stamp["H"] is None:
        return day, Precision.DAY
    hour = int(stamp["H"])
    if stamp["half"] in ("오후", "PM") and hour < 12:
        hour += 12
    elif stamp["half"] in ("오전", "AM") and hour == 12:
        hour = 0
    moment = day.replace(hour=hour, minute=int(stamp["M"]), second=int(stamp["S"] or 0))
    if stamp["S"]:
        return moment, Precision.SECOND
    return moment, Precision.MINUTE


def _relative_time(relative: re.Match[str], base: datetime) -> tuple[datetime, Precision]:
    unit = relative["unit"]
    moment = base.astimezone(KST) - timedelta(**{_UNITS[unit]: int(relative["n"])})
    if unit == "일":
        return moment.replace(hour=0, minute=0, second=0, microsecond=0), Precision.DAY
    return moment.replace(second=0, microsecond=0), Precision.MINUTE
