"""Read printed times into aware KST times with their precision: right or refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from archive.model.article import KST, Precision
from archive.model.times import check_range
from pipelines.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERED = "(?:일시|일자|시간|시각|일|됨)?"
_MODIFIED = (
    r"최종 ?(?:수정|편집|업데이트|갱신|입력|등록)?|기사 ?수정|수정|업데이트|Updated|Modified"
)
_PUBLISHED = (
    r"(?:기사|최초) ?(?:입력|등록|작성|송고)|입력|등록|송고|승인|작성|발행|게재|Published|Posted"
)
_LABEL = rf"(?:(?P<modified>{_MODIFIED})|(?P<published>{_PUBLISHED})){_NUMBERED}"

_HALF = r"(?:오전|오후|[AP]\.?M\b\.?)"
_WEEKDAY = (
    r"[(\[<]? ?(?:[월화수목금토일](?:요일)?|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}) ?[)\]>]?"
)
_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: What may stand between a date and its clock: `(화)`, `화요일`, `. `, `T`, ` | `, ` (`.
_JOIN = rf" ?[.,]? ?(?:{_WEEKDAY})? ?(?:[.,|·/-]|T|at\b)? ?[(\[]? ?"
_COLON = r"(?P<H>\d{1,2}) ?: ?(?P<M>\d\d)(?: ?: ?(?P<S>\d\d)(?:[.,]\d{1,9})?)?(?!\d)"
_UNITS = r"(?P<uH>\d{1,2}) ?시 ?(?P<uM>\d{1,2}) ?분(?: ?(?P<uS>\d{1,2}) ?초)?"
_DIGITS = r"(?P<dH>\d\d)(?P<dM>\d\d)(?P<dS>\d\d)?(?!\d)"
#: Minutes east of UTC. CST and the like are left out: they name more than one zone.
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "kst": 540, "jst": 540, "한국시간": 540, "한국시각": 540,
    "est": -300, "edt": -240, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
}  # fmt: skip
_ZONE = (
    rf"(?: ?[(\[]?(?P<word>{'|'.join(sorted(_ZONES, key=len, reverse=True))}|한국 시[간각])"
    r"(?![^\W_])(?: ?(?P<behind>[+-]\d{1,2}(?::?\d\d)?)(?![\d:]))?[)\]]?"
    r"|(?P<offset> [+-]\d\d:?\d\d|[+-]\d\d(?::?\d\d)?)(?![\d:])(?: ?\([A-Z]{1,5}\))?)?"
)
_CLOCK = rf"(?P<before>{_HALF})? ?(?:{_COLON}|{_UNITS})(?: ?(?P<after>{_HALF}))?\)?{_ZONE}"
_SEPARATED = r" ?[-./년年] ?(?P<m>\d{1,2}) ?[-./월月] ?(?P<d>\d{1,2})(?!\d)(?: ?[일日](?![요)\]]))?"

#: The forms of a stamp, each with what it looks like. A date's clock may be missing in each but the
#: last.
FORMS = {
    "2023-09-05 14:41, 2023년 9월 5일 오후 2시 41분, 2023.09.05. (화) 02:41 PM": (
        rf"(?P<y>\d{{4}}){_SEPARATED}(?:{_JOIN}{_CLOCK})?"
    ),
    "23.09.05 14:41, '23.9.5": rf"(?<![\d][-./])(?P<y>\d\d){_SEPARATED}(?:{_JOIN}{_CLOCK})?",
    "20230905144133, 20230905T1441Z, 20230905 14:41": (
        r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)"
        rf"(?:[T ]?{_DIGITS}{_ZONE}|(?!\d)(?:{_JOIN}{_CLOCK})?)".replace(
            "(?P<word>", "(?P<word2>", 1
        )
        .replace("(?P<behind>", "(?P<behind2>", 1)
        .replace("(?P<offset>", "(?P<offset2>", 1)
    ),
    "Tue, 05 Sep 2023 14:41:33 +0900": (
        rf"(?P<d>\d{{1,2}})[ -]{_MONTH}[ -](?P<y>\d{{4}}|\d\d)(?!\d)(?:{_JOIN}{_CLOCK})?"
    ),
    "Sep 5, 2023 2:41 PM": (
        rf"{_MONTH} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})(?!\d)(?:{_JOIN}{_CLOCK})?"
    ),
    "Tue Sep 5 14:41:33 KST 2023": (
        rf"{_MONTH} {{1,2}}(?P<d>\d{{1,2}}) {_COLON}{_ZONE} (?P<y>\d{{4}})(?!\d)"
    ),
}
_FORMS = tuple(re.compile(rf"(?<![^\W_]){form}", re.A | re.I) for form in FORMS.values())
_RELATIVE = re.compile(
    r"(?<!\d)(?=\d)(?:(?P<weeks>\d{1,3}) ?주)? ?(?:(?P<days>\d{1,4}) ?일)? ?"
    r"(?:(?P<hours>\d{1,4}) ?시간)? ?(?:(?P<minutes>\d{1,4}) ?분)? ?"
    r"(?:(?P<seconds>\d{1,4}) ?초)? ?전(?![가-힣])"
)
#: A label, and what may stand between it and its stamp.
_LABELLED = re.compile(rf"(?=[가-힣UMP]){_LABEL} ?(?P<colon>[:;|])? ?[(\[]? ?", re.A | re.I)
#: What ends the text that may belong to a stamp, besides a label.
_OTHERS = (*_FORMS, _RELATIVE)
#: A weekday or a clock that stands before its date.
_FRONT = re.compile(
    rf"(?:{_WEEKDAY},? ?)?(?:{_HALF} ?)?(?:\d{{1,2}}:\d\d(?::\d\d)?[ ,]*)?(?:{_HALF} ?)?",
    re.A | re.I,
)
_CLOCK_IN_FRONT = re.compile(
    rf"(?:{_HALF}|\d ?: ?\d\d|\d ?[시분초]|\d ?(?:년|개월|달|주|days?))[ ,|(\[]*$", re.A | re.I
)
#: A stamp without its year or its day, which can't be read: `수정 09:30`, `입력 3월 2일 09:10`.
_PARTIAL = re.compile(
    rf"(?:\d{{1,2}}[-./월] ?\d{{1,2}}일?\.? ?)?(?:{_HALF} ?)?\d{{1,2}}(?: ?:\d\d|시)(?::\d\d)?",
    re.A | re.I,
)
#: What shows that a stamp goes on: a clock, a half of the day, a zone.
_TIMELIKE = re.compile(
    r"^ ?[.:] ?\d|\d ?: ?\d|\d ?시(?!간)|오전|오후|새벽|자정|정오|(?:낮|밤|저녁|아침) ?\d"
    r"|(?<![^\W\d_])(?:[ap]\.?m|utc|gmt|[a-z]{1,2}[sd]t)(?![^\W_])|현지 ?시[간각]"
    r"|[+-]\d\d:?\d\d|^\d",
    re.A | re.I,
)
#: A number behind a day that no word follows: a clock in a form that is not known.
_NUMBER_BEHIND_DAY = re.compile(r"^\W{0,3}[T ]?\d{1,6}(?![^\W\d]|,\d)")
#: How far behind a stamp a clock may stand and still belong to it.
_NEAR = 24
#: Punctuation of other scripts, and the white space that is not a blank.
_SIGNS = {
    ord(a): b
    for a, b in zip("\u2236\ufe55\u2010\u2011\u2012\u2013\u2014\u2212", "::------", strict=True)
}
_SIGNS |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_SIGNS |= dict.fromkeys(map(ord, "\t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"), " ")
_SIGNS |= dict.fromkeys(range(0x2000, 0x200C), " ")


_A_DIGIT = re.compile(r"\d", re.A)
_ODD_SIGN = re.compile(f"[{''.join(map(re.escape, map(chr, _SIGNS)))}]")
#: The forms of nearly all stamps, read without the table: it takes a quarter of the time.
_USUAL = re.compile(
    r"(\d{4})[-.년](\d\d)[-.월](\d\d)일?[ T](\d\d):(\d\d)(?::(\d\d)(?:\+09:00)?)?", re.A
)
_USUAL_DAY = r"\d{4}(?:[-.]\d\d[-.]\d\d|년\d\d월\d\d일)"
#: Such a stamp where it is clear that it ends: at the end of the text, before a label, or before
#: another such stamp.
_USUAL_SPAN = re.compile(
    rf"{_USUAL_DAY} \d\d:\d\d(?::\d\d)?"
    rf"(?=$| ?(?:최종|기사|수정|입력|등록|승인|업데이트)| {_USUAL_DAY} )",
    re.A,
)


class TimeError(ValueError):
    """The text contains no time that can be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A time that was read, aware in KST.

    ``slack`` is how far the true time may be from the moment, beyond what the precision says:
    ``2시간 전`` (2 hours ago) is right to an hour.
    """

    moment: datetime
    precision: Precision
    slack: timedelta = timedelta()

    @property
    def is_relative(self) -> bool:
        """Whether it was counted from the time of the capture."""
        return bool(self.slack)


@dataclass(frozen=True, slots=True)
class Stamps:
    """The printed times of a text, ``""`` for none, and whether a label stands before no time."""

    published: str = ""
    modified: str = ""
    published_empty: bool = False

    @property
    def are_both_printed(self) -> bool:
        """Whether a time of publication and one of modification are printed."""
        return bool(self.published and self.modified)


def parse_time(text: str, base: datetime) -> tuple[datetime, Precision]:
    """Return the moment and the precision of :func:`read_time`."""
    reading = read_time(text, base)
    return reading.moment, reading.precision


def read_time(text: str, base: datetime) -> Reading:
    """Return the first time of a text.

    ``base`` is the time of the capture, to which ``5분 전`` (5 minutes ago) refers. A time with a
    zone is converted to KST, one without is KST. Labels before the time are ignored.

    :raises TimeError: the text contains no time, not a valid one, one before 1990 or more than a
        day after ``base``, or a part of it that looks like a time can't be read.
    """
    usual = _USUAL.fullmatch(text)
    try:
        reading = _usual(usual) if usual else _from_table(text, base)
        check_range(reading.moment, base)
    except (ValueError, OverflowError) as error:
        raise TimeError(f"{text[:60]!r} is not a valid time ({error})") from error
    return reading


def _usual(stamp: re.Match[str]) -> Reading:
    year, month, day, hour, minute, second = stamp.groups()
    moment = datetime(
        int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=KST
    )
    return Reading(moment, Precision.SECOND if second else Precision.MINUTE)


def _from_table(text: str, base: datetime) -> Reading:
    text = " ".join(_plain(text).split())
    stamp = _first_stamp(text)
    return _relative(text, base) if stamp is None else _stamped(stamp, text, base)


@lru_cache(maxsize=8)  # asked where the page is read, and where its article is made
def printed_stamps(times: str, headline: str) -> Stamps:
    """Return the stamps of the lines that hold times; ``headline`` may hold a date, and is none."""
    return labelled_stamps(clean(times.replace(headline, " ") if headline else times))


def labelled_stamps(text: str, *, labels_only: bool = False) -> Stamps:
    """Return the printed times with a label of publication and of modification.

    A label stands before its stamp, or in the whole text behind it. A stamp without a label states
    the time of publication: the first day with a clock, because a day alone may be a part of other
    text; with ``labels_only`` none does. What belongs to a stamp but can't be read is part of it,
    so that :func:`read_time` refuses it.
    """
    plain = _plain(text)
    labels = list(_LABELLED.finditer(plain))
    published = modified = ""
    empty = False
    for label, (start, end) in zip(labels, _spans(plain, labels), strict=True):
        raw = text[start:end].strip()
        if label["modified"]:
            modified = modified or raw
        else:
            published = published or raw
            empty = empty or bool(label["colon"] and not raw)
    if not (published or empty or labels_only):
        before = labels[0].start() if modified and labels else len(plain)
        start, end = _first_span(plain[:before], day_alone=not modified)
        published = text[start:end].strip()
    return Stamps(published, modified, empty and not published)


def _spans(plain: str, labels: Sequence[re.Match[str]]) -> list[tuple[int, int]]:
    """Return where the stamp of each label is; an empty span for one without."""
    if labels and not plain[labels[-1].end() :].strip(" )]"):
        first = _first_stamp(plain[: labels[0].start()])
        if first:  # `2018-03-02 09:10 입력 2018-03-02 11:25 수정`
            starts = [0, *(label.end() for label in labels[:-1])]
            pairs = zip(starts, labels, strict=True)
            return [_within(plain, start, label.start()) for start, label in pairs]
    return [_span_at(plain, label.end()) for label in labels]


def _within(plain: str, start: int, end: int) -> tuple[int, int]:
    """Return where the first stamp of a part is, with all of the part that follows it."""
    stamp = _first_stamp(plain[start:end])
    return (start + stamp.start(), end) if stamp else (start, start)


def ends_with_stamp(line: str) -> bool:
    """Whether a stamp, or a label without one, ends the line."""
    plain = _plain(line).rstrip(" )]|")
    for form in _FORMS if _A_DIGIT.search(plain) else ():
        if any(found.end() == len(plain) for found in form.finditer(plain)):
            return True
    labels = _LABELLED.finditer(plain)
    return any(label["colon"] and label.end() == len(plain) for label in labels)


def _plain(text: str) -> str:
    """Return the text with ASCII signs and blanks, each character in its place."""
    return text.translate(_SIGNS) if _ODD_SIGN.search(text) else text


def _first_stamp(text: str) -> re.Match[str] | None:
    """Return the stamp that starts first, of these the longest; None if there is none."""
    whole = _FORMS[0].fullmatch(text)
    if whole:  # the usual case
        return whole
    found = [match for form in _FORMS if (match := form.search(text))]
    return min(found, key=lambda match: (match.start(), -match.end()), default=None)


def _first_with_clock(text: str) -> re.Match[str] | None:
    found = [match for form in _FORMS for match in form.finditer(text) if _has_clock(match)]
    return min(found, key=lambda match: (match.start(), -match.end()), default=None)


def _first_span(plain: str, *, day_alone: bool) -> tuple[int, int]:
    """Return where the first stamp of a text is, with what belongs to it; (0, 0) for none."""
    stamp = _first_with_clock(plain)
    if stamp is None and day_alone:
        stamp = _first_stamp(plain) or _RELATIVE.search(plain)
    return (0, 0) if stamp is None else (stamp.start(), _end_of(stamp, plain))


def _span_at(plain: str, at: int) -> tuple[int, int]:
    """Return where the stamp is that stands at a position; an empty span if none does."""
    usual = _USUAL_SPAN.match(plain, at)
    if usual:
        return usual.span()
    front = _FRONT.match(plain, at)
    starts = (at, front.end()) if front and front.end() > at else (at,)
    for start in starts:
        for form in (*_FORMS, _RELATIVE):
            stamp = form.match(plain, start)
            if stamp and (stamp.re is not _RELATIVE or any(stamp.groups())):
                return at, _end_of(stamp, plain)
    partial = _PARTIAL.match(plain, at)
    return at, partial.end() if partial else at


def _end_of(stamp: re.Match[str], plain: str) -> int:
    """Return where a stamp ends: behind what belongs to it and can't be read, if there is any."""
    return stamp.end() + (0 if stamp.re is _RELATIVE else len(_unread(stamp, plain)))


def _unread(stamp: re.Match[str], plain: str) -> str:
    """Return the text behind a stamp that looks like a part of its time, ``""`` if none does.

    It ends at the next label or date.
    """
    rest = plain[stamp.end() : stamp.end() + _NEAR]
    if not rest:
        return ""
    label = _LABELLED.search(rest)
    if label:
        rest = rest[: label.start()]
    if rest.isspace() or not _goes_on(stamp, rest):  # the usual case
        return ""
    whole = _FORMS[0].search(rest)
    if whole and not rest[: whole.start()].strip():  # another stamp follows
        return ""
    following = [found.start() for other in _OTHERS if (found := other.search(rest))]
    rest = rest[: min(following, default=len(rest))]
    return rest if _goes_on(stamp, rest) else ""


def _goes_on(stamp: re.Match[str], rest: str) -> bool:
    if _TIMELIKE.search(rest):
        return True
    return not _has_clock(stamp) and bool(_NUMBER_BEHIND_DAY.search(rest))


def _has_clock(stamp: re.Match[str]) -> bool:
    return bool(_group(stamp, "H", "uH", "dH"))


def _group(match: re.Match[str], *names: str) -> str:
    """Return the text of the first of the named groups that took part in the match, or ``""``."""
    known = match.re.groupindex
    return next((text for name in names if name in known and (text := match[name])), "")


def _stamped(stamp: re.Match[str], text: str, base: datetime) -> Reading:
    """Return the reading of a stamp.

    :raises ValueError: it is no valid time, or a part of it can't be read.
    """
    if _CLOCK_IN_FRONT.search(text, 0, stamp.start()):
        raise ValueError("a clock stands before the date")
    unread = _unread(stamp, text).strip()
    if unread:
        raise ValueError(f"{unread!r} behind it was not read")
    day = datetime(_year(stamp, base), _month(stamp), int(stamp["d"]), tzinfo=KST)
    if not _has_clock(stamp):
        return Reading(day, Precision.DAY)
    seconds = _group(stamp, "S", "uS", "dS")
    clock = day.replace(
        hour=_hour(stamp), minute=int(_group(stamp, "M", "uM", "dM")), second=int(seconds or 0)
    )
    moment = clock.replace(tzinfo=_zone(stamp)).astimezone(KST)
    return Reading(moment, Precision.SECOND if seconds else Precision.MINUTE)


def _year(stamp: re.Match[str], base: datetime) -> int:
    """Return the year; one of two digits is the last such year that the capture can show.

    :raises ValueError: the first of three numbers with slashes may be a month.
    """
    year = int(stamp["y"])
    if len(stamp["y"]) > 2:
        return year
    if year <= 12 and re.match(r"\d\d ?/", stamp[0]):
        raise ValueError("it may be in the order month/day/year")
    century = base.year // 100 * 100
    return year + (century if century + year <= base.year + 1 else century - 100)


def _month(stamp: re.Match[str]) -> int:
    name = _group(stamp, "month")
    return _MONTHS.index(name.lower()) + 1 if name else int(stamp["m"])


def _hour(stamp: re.Match[str]) -> int:
    """Return the hour of 24.

    :raises ValueError: the printed halves of the day contradict each other or the hour.
    """
    hour = int(_group(stamp, "H", "uH", "dH"))
    printed = (_group(stamp, "before"), _group(stamp, "after"))
    halves = {_is_afternoon(half) for half in printed if half}
    if not halves:
        return hour
    if len(halves) == 2:
        raise ValueError("it states both halves of the day")
    if halves == {True}:
        return hour + 12 if hour < 12 else hour
    if hour > 12:
        raise ValueError("no morning has that hour")
    return hour % 12


def _is_afternoon(half: str) -> bool:
    return half == "오후" or half[0] in "Pp"


def _zone(stamp: re.Match[str]) -> timezone:
    """Return the zone of a stamp, KST if it prints none.

    :raises ValueError: no place has that offset.
    """
    word = _group(stamp, "word", "word2").lower().replace(" ", "")
    behind = _group(stamp, "behind", "behind2")
    offset = _group(stamp, "offset", "offset2").strip()
    if behind and word not in ("utc", "gmt"):
        raise ValueError("an offset stands behind the name of a zone")
    if offset.startswith("-") and not _group(stamp, "S", "dS") and "T" not in stamp[0].upper():
        raise ValueError("it may be an offset or the end of a span of hours")
    if behind or offset:
        return _offset(behind or offset)
    return timezone(timedelta(minutes=_ZONES[word])) if word else KST


def _offset(text: str) -> timezone:
    digits = text[1:].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) < 3 else (int(digits[:-2]), int(digits[-2:]))
    east = (hours * 60 + minutes) * (-1 if text[0] == "-" else 1)
    if not -12 * 60 <= east <= 14 * 60 or minutes not in (0, 30, 45):
        raise ValueError(f"no place has the offset {text}")
    return timezone(timedelta(minutes=east)) if east else UTC


def _relative(text: str, base: datetime) -> Reading:
    """Return the reading of ``5분 전``, ``1시간 30분 전``.

    :raises ValueError: the text holds none, or a part of it can't be read.
    """
    found = _RELATIVE.search(text)
    counts = {unit: int(n) for unit, n in found.groupdict().items() if n} if found else {}
    if found is None or not counts:
        raise ValueError("no time found")
    if _CLOCK_IN_FRONT.search(text, 0, found.start()):
        raise ValueError("the text before it was not read")
    moment = base.astimezone(KST) - timedelta(**counts)
    slack = timedelta(**{list(counts)[-1]: 1})
    if slack >= timedelta(days=1):
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return Reading(midnight, Precision.DAY, slack)
    return Reading(moment.replace(second=0, microsecond=0), Precision.MINUTE, slack)
