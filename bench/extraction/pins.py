"""The pinned scores: those that our readings must not fall below."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of these fewer are better.
LINES = ("foreign_lines", "widget_lines")
PINS = Path(__file__).with_name("pins.toml")
_PLACES = 4

#: By corpus, each figure by its name.
Figures = dict[str, dict[str, float]]


class PinError(Exception):
    """Scores may not be pinned; the sentence says why."""


def pinned(path: Path = PINS) -> tuple[str, Figures]:
    """Return why the scores are as they are, and the scores; nothing if none are pinned."""
    if not path.exists():
        return "", {}
    facts = tomllib.loads(path.read_text("utf-8"))
    return facts.pop("reason"), facts


def worse(figures: Mapping[str, Mapping[str, float]], pins: Figures) -> list[str]:
    """Return each figure that is worse than its pin, or missing, as a sentence."""
    found = []
    for corpus, least in pins.items():
        for name, pin in least.items():
            value = figures.get(corpus, {}).get(name)
            if value is None or _is_worse(name, value, pin):
                found.append(f"{corpus}: {name} is {value}, and {pin} is pinned")
    return found


def _is_worse(name: str, value: float, pin: float) -> bool:
    return value > pin if name in LINES else value < pin


def pin(figures: Figures, reason: str, path: Path = PINS) -> None:
    """Pin the figures, rounded to the worse side.

    :raises PinError: a figure is worse than before, and the reason is the one that stands there.
    """
    before, pins = pinned(path)
    lower = worse(figures, pins)
    if lower and reason == before:
        raise PinError(f"say why it is lower: {'; '.join(lower)}")
    lines = [
        "# Written by `python -m bench.extraction --pin REASON`; a test fails below these scores.",
        f'reason = "{_escaped(reason)}"',
    ]
    for corpus, values in figures.items():
        lines += ["", f"[{corpus}]"]
        lines += [f"{name} = {_rounded(name, value)}" for name, value in values.items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _escaped(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line.replace("\\", "\\\\").replace('"', '\\"')


def _rounded(name: str, value: float) -> float:
    factor = 10**_PLACES
    rounding = math.ceil if name in LINES else math.floor
    return value if isinstance(value, int) else rounding(value * factor) / factor
