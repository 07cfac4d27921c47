"""Compare two readings of an article: a new revision, or the same one in another form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archive.model.article import (
    PAYWALL_RULE,
    PAYWALLED,
    TEXT_LAYOUT,
    Article,
    Author,
    Image,
    Precision,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    #: Field values to add to the known version; None if the field changed.
    _Facts = dict[str, Any] | None

#: The fields whose change makes a revision. Removed text, flags, the layout and the address are
#: not content.
CONTENT_FIELDS = (
    "headline",
    "subheadlines",
    "authors",
    "dateline",
    "section",
    "tags",
    "published_at",
    "modified_at",
    "body",
    "images",
)
#: Filled in from the other reading where the known one has no value; never a change.
_SUPPLEMENTS = ("language", "flags", "url")
_PRECISIONS = (Precision.DAY, Precision.MINUTE, Precision.SECOND)


@dataclass(frozen=True, slots=True)
class _TimeFields:
    raw: str
    precision: str


_TIMES = {
    "published_at": _TimeFields("published_raw", "published_precision"),
    "modified_at": _TimeFields("modified_raw", "modified_precision"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of `compare`.

    ``changed`` names the content fields that differ. ``merged`` is the known version; if nothing
    changed, with values added that it lacked.
    """

    changed: tuple[str, ...]
    merged: Article


def compare(known: Article, layouts: Sequence[str], seen: Article) -> Comparison:
    """Compare a reading with a known version that was read by ``layouts``.

    A field that is empty in one of them is not a change, unless both were read by the same single
    layout: a text rendering shows no tags, which does not mean that they were deleted. Times are
    compared at the coarser of their precisions. The teaser of a paid article is the same version as
    its whole text, so that pages served now and then to a reader without account make no revisions.
    """
    if is_teaser_of(seen, known):
        return _compare(known, (), _completed(seen, known))
    if is_teaser_of(known, seen):
        comparison = _compare(_completed(known, seen), (), seen)
        return Comparison(comparison.changed, known) if comparison.changed else comparison
    return _compare(known, layouts, seen)


def is_teaser_of(teaser: Article, whole: Article) -> bool:
    """Whether a reading is the beginning of another one, cut by the notice of a paywall."""
    if PAYWALLED not in teaser.flags or len(teaser.body) > len(whole.body):
        return False
    if not any(span.rule == PAYWALL_RULE for span in teaser.removed):
        return False
    *before, last = teaser.body or ("",)
    if not last or len(teaser.text) >= len(whole.text):
        return False
    cut = last.rstrip(" .…")
    return tuple(before) == whole.body[: len(before)] and whole.body[len(before)].startswith(cut)


def _completed(teaser: Article, whole: Article) -> Article:
    """Return the teaser with what the whole text has and the teaser cannot show."""
    own: dict[str, Any] = {"body": whole.body, "flags": whole.flags, "removed": whole.removed}
    for name in ("images", "authors", "tags", "subheadlines"):
        if set(getattr(teaser, name)) <= set(getattr(whole, name)):
            own[name] = getattr(whole, name)
    return replace(teaser, **own)


def _compare(known: Article, layouts: Sequence[str], seen: Article) -> Comparison:
    # Of two tools that render text one may print less, so they are compared like two layouts.
    same_layout = list(layouts) == [seen.layout] and seen.layout != TEXT_LAYOUT
    changed: list[str] = []
    facts: dict[str, Any] = {}
    for name in CONTENT_FIELDS:
        found = _compare_field(name, known, seen, same_layout=same_layout)
        if found is None:
            changed.append(name)
        else:
            facts |= found
    if changed:
        return Comparison(tuple(changed), known)
    for name in _SUPPLEMENTS:
        if not getattr(known, name) and getattr(seen, name):
            facts[name] = getattr(seen, name)
    if not facts:
        return Comparison((), known)
    return Comparison((), replace(known, **facts))


def _compare_field(name: str, known: Article, seen: Article, *, same_layout: bool) -> _Facts:
    old, new = getattr(known, name), getattr(seen, name)
    if old == new:
        return {}
    if name in _TIMES and old and new:
        return _compare_times(name, known, seen)
    if same_layout:
        return None
    if not new:
        return {}
    if not old:
        return _facts_of(name, seen)
    merged = _MERGES.get(name, _no_merge)(old, new)
    if merged is None:
        return None
    return {name: merged}


def _compare_times(name: str, known: Article, seen: Article) -> _Facts:
    precision = _coarser(
        getattr(known, _TIMES[name].precision), getattr(seen, _TIMES[name].precision)
    )
    old, new = getattr(known, name), getattr(seen, name)
    if _truncate(old, precision) == _truncate(new, precision):
        return {}
    return None


def _facts_of(name: str, seen: Article) -> dict[str, Any]:
    """Return a field that the known version lacks; a time with its printed form and precision."""
    names = [name]
    if name in _TIMES:
        names += [_TIMES[name].raw, _TIMES[name].precision]
    return {each: getattr(seen, each) for each in names}


def _coarser(a: Precision | None, b: Precision | None) -> Precision:
    return min(a or Precision.SECOND, b or Precision.SECOND, key=_PRECISIONS.index)


def _truncate(moment: datetime, precision: Precision) -> datetime:
    if precision is Precision.DAY:
        return moment.replace(hour=0, minute=0, second=0)
    if precision is Precision.MINUTE:
        return moment.replace(second=0)
    return moment


def _merge_authors(old: Sequence[Author], new: Sequence[Author]) -> tuple[Author, ...] | None:
    """Return the authors with roles and addresses of either list; None if they are others."""
    if len(old) != len(new):
        return None
    merged: list[Author] = []
    for a, b in zip(old, new, strict=True):
        if a.name != b.name or _conflict(a.role, b.role) or _conflict(a.email, b.email):
            return None
        merged.append(replace(a, role=a.role or b.role, email=a.email or b.email))
    return tuple(merged)


def _merge_images(old: Sequence[Image], new: Sequence[Image]) -> tuple[Image, ...] | None:
    """Return the images with the values of either list; None if they are others."""
    if len(old) != len(new):
        return None
    merged: list[Image] = []
    for a, b in zip(old, new, strict=True):
        conflicts = (
            _conflict(a.url, b.url),
            _conflict(_unspaced([a.caption]), _unspaced([b.caption])),
            _conflict(_unspaced([a.credit]), _unspaced([b.credit])),
        )
        if any(conflicts):
            return None
        merged.append(Image(a.url or b.url, a.caption or b.caption, a.credit or b.credit))
    return tuple(merged)


def _merge_lines(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...] | None:
    """Return the reading that shows more of the structure, None if the text differs.

    Tools that render pages as text put the cells of a table in lines of their own, or behind each
    other, and several lines into one.
    """
    if _unspaced(old) != _unspaced(new):
        return None
    richer: Sequence[str] = max((old, new), key=_structure)
    return tuple(richer)


def _structure(lines: Sequence[str]) -> tuple[int, int]:
    """Return how many cells and lines are told apart."""
    return sum(line.count("|") for line in lines), len(lines)


def _merge_line(old: str, new: str) -> str | None:
    """Return the known line; None if they differ in more than blanks.

    A tool that wraps lines within words leaves it open whether a blank stood there.
    """
    return old if _unspaced([old]) == _unspaced([new]) else None


def _unspaced(lines: Sequence[str]) -> str:
    """Return the text without blanks, line ends and the separators of cells."""
    return "".join("".join(lines).replace("|", "").split())


def _no_merge(_old: object, _new: object) -> None:
    """Values of other fields never become one."""


def _conflict(a: str, b: str) -> bool:
    return bool(a and b) and a != b


#: How the values of a field from two layouts become one; each returns None if they differ.
_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "headline": _merge_line,
    "authors": _merge_authors,
    "images": _merge_images,
    "subheadlines": _merge_lines,
    "body": _merge_lines,
}
