"""What is said of real pages by those who saved them: Fundus, goose3, newspaper4k and htmldate.

The pages are the publishers' and no part of this project: a folder with ``manifest.tsv``, ``html/``
and ``gold/``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.model.article import KST
from pipelines.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

_DAY = len("2024-01-02")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """What is said of a page; what is empty, or None, is not said. ``day`` is the day in Korea."""

    headline: str = ""
    deck: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    published: datetime | None = None
    day: date | None = None
    authors: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()


def addresses(folder: Path) -> dict[str, str]:
    """Return the address of each page by its name; none if there is no manifest."""
    manifest = folder / "manifest.tsv"
    if not manifest.exists():
        return {}
    names, *rows = (line.split("\t") for line in manifest.read_text("utf-8").splitlines())
    facts = [dict(zip(names, row, strict=True)) for row in rows]
    return {Path(each["file"]).stem: each["article_url"] for each in facts}


def read(folder: Path, name: str) -> Gold:
    """Return what is said of a page, in whichever form it is said."""
    gold = folder / "gold"
    path = gold / f"{name}.json"
    if path.exists():
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return _of_fundus(facts) if "sections" in facts.get("body", {}) else _of_goose(facts)
    if (gold / f"{name}.txt").exists():
        return _of_newspaper(gold, name)
    stated = json.loads((gold / f"{name}.date.json").read_text("utf-8"))["date"]
    return Gold(day=_day(stated))


def _of_fundus(facts: dict[str, Any]) -> Gold:
    sections = facts["body"]["sections"]
    lines = [line for each in sections for line in (*each["headline"], *each["paragraphs"])]
    stated = facts["publishing_date"]
    return Gold(
        headline=clean(facts["title"]),
        deck=tuple(facts["body"]["summary"]),
        body=tuple(lines),
        headings=tuple(line for each in sections for line in each["headline"]),
        published=_moment(stated),
        day=_day(stated),
        authors=tuple(facts["authors"]),
        captions=_texts(each["caption"] for each in facts.get("images", ())),
    )


def _of_goose(facts: dict[str, Any]) -> Gold:
    expected = facts["expected"]
    return Gold(headline=clean(expected.get("title", "")), body=_lines(expected["cleaned_text"]))


def _of_newspaper(folder: Path, name: str) -> Gold:
    meta = json.loads((folder / f"{name}.meta.json").read_text("utf-8"))
    stated = meta["publish_date"]
    return Gold(
        headline=clean(meta["title"]),
        body=_lines((folder / f"{name}.txt").read_text("utf-8")),
        published=_moment(stated),
        day=_day(stated),
    )


def _lines(text: str) -> tuple[str, ...]:
    return _texts(text.splitlines())


def _texts(given: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(text.strip() for text in given if text and text.strip())


def _moment(text: str) -> datetime | None:
    """Return a stated time, one without a zone in Korea's; None where only a day is stated."""
    if len(text) <= _DAY:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=KST)


def _day(text: str) -> date | None:
    moment = _moment(text)
    if moment is not None:
        return moment.astimezone(KST).date()
    return date.fromisoformat(text) if text else None
