"""What is a new version of an article, and what is the same one seen again, perhaps through a poorer form."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from archive.model.article import Article, Image, Precision

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: The fields whose change makes a revision. What was removed, how it was read and under which
#: address is not content.
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
_TIMES = ("published_at", "modified_at")


@dataclass(frozen=True, slots=True)
class Comparison:
    """``changed`` names the content fields that differ; ``merged`` is the known version with facts it lacked."""

    changed: tuple[str, ...]
    merged: Article


def compare(known: Article, layouts: Sequence[str], seen: Article) -> Comparison:
    """Compare a reading with a known version, which was read by ``layouts``.

    A field that one of them does not hold is no change, unless both were read by the same single
    layout: a text rendering shows no tags, which does not mean that they were deleted. Times are
    compared at the coarser of their precisions. Where nothing changed, ``merged`` holds what either
    knows.
    """
    same_layout = list(layouts) == [seen.layout]
    changed: list[str] = []
    facts: dict[str, Any] = {}
    for name in CONTENT_FIELDS:
        old, new = getattr(known, name), getattr(seen, name)
        if old == new:
            continue
        if not old or not new:
            if same_layout:
                changed.append(name)
            elif new:
                facts[name] = new
        elif name in _TIMES:
            precision = _coarser(
                getattr(known, _of(name, "precision")), getattr(seen, _of(name, "precision"))
            )
            if _cut(old, precision) != _cut(new, precision):
                changed.append(name)
        elif name == "images" and not same_layout:
            images = _merge_images(old, new)
            if images is None:
                changed.append(name)
            else:
                facts[name] = images
        elif name == "authors" and not same_layout and _same_people(old, new):
            facts[name] = tuple(
                replace(a, role=a.role or b.role, email=a.email or b.email)
                for a, b in zip(old, new, strict=True)
            )
        else:
            changed.append(name)
    if changed:
        return Comparison(tuple(changed), known)
    for name in _TIMES:
        if name in facts:
            facts |= {
                _of(name, part): getattr(seen, _of(name, part)) for part in ("raw", "precision")
            }
    for name in ("language", "flags"):
        if not getattr(known, name) and getattr(seen, name):
            facts[name] = getattr(seen, name)
    if not known.url and seen.url:
        facts["url"] = seen.url
    return Comparison((), replace(known, **facts) if facts else known)


def content_of(article: Article) -> dict[str, Any]:
    """The article's stored fields, all but what names it (outlet, id, addresses) or its form (layout)."""
    named = {"outlet", "article_id", "url", "aliases", "layout"}
    return {
        field.name: getattr(article, field.name)
        for field in fields(article)
        if field.name not in named
    }


def _of(name: str, part: str) -> str:
    return name.replace("_at", f"_{part}")


def _coarser(a: Precision | None, b: Precision | None) -> Precision:
    order = (Precision.DAY, Precision.MINUTE, Precision.SECOND)
    return order[min(order.index(a or Precision.SECOND), order.index(b or Precision.SECOND))]


def _cut(moment: datetime, precision: Precision) -> datetime:
    if precision is Precision.DAY:
        return moment.replace(hour=0, minute=0, second=0)
    return moment.replace(second=0) if precision is Precision.MINUTE else moment


def _same_people(old: Sequence[Any], new: Sequence[Any]) -> bool:
    return len(old) == len(new) and all(
        a.name == b.name
        and (not a.role or not b.role or a.role == b.role)
        and (not a.email or not b.email or a.email == b.email)
        for a, b in zip(old, new, strict=True)
    )


def _merge_images(old: Sequence[Image], new: Sequence[Image]) -> tuple[Image, ...] | None:
    """Both lists as one where they show the same pictures, each with what either knows; None where they don't."""
    if len(old) != len(new):
        return None
    merged: list[Image] = []
    for a, b in zip(old, new, strict=True):
        for name in ("url", "caption", "credit"):
            if getattr(a, name) and getattr(b, name) and getattr(a, name) != getattr(b, name):
                return None
        merged.append(Image(a.url or b.url, a.caption or b.caption, a.credit or b.credit))
    return tuple(merged)
