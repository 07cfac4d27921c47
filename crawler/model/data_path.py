"""The path of a source ``json:PATH``: where in the data of a page's scripts a text is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_STEP = re.compile(r"(?P<key>[\w-]+)(?:\[(?P<name>[\w-]+)=(?P<value>[^\].]*)\])?")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a key, and what the items of its list must hold, ``""`` for anything."""

    key: str
    name: str = ""
    value: str = ""


@lru_cache(maxsize=64)
def parse_path(path: str) -> tuple[Step, ...]:
    """Return the steps of a path: ``contentHtml``, ``content_elements[type=text].content``.

    :raises ValueError: it is none.
    """
    steps = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no step of a path: KEY or KEY[NAME=VALUE]")
        steps.append(Step(match["key"], match["name"] or "", match["value"] or ""))
    return tuple(steps)
