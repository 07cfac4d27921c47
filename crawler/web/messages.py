"""The words of the reading room in Korean and English, from ``messages.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The languages, by their codes of ISO 639-1, with their own names. The first is the default.
LANGUAGES = {"ko": "한국어", "en": "English"}


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return the words by key, ``page.name``, and language."""
    text = files(__package__).joinpath("messages.toml").read_text(encoding="utf-8")
    pages = tomllib.loads(text)
    return {
        f"{page}.{name}": words for page, names in pages.items() for name, words in names.items()
    }


class Words:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of a key with these values in the places named by them."""
        text = catalogue()[key][self.language]
        return text.format(**values) if values else text


def language_of(chosen: str, accepted: str) -> str:
    """Return the language to answer in: the chosen one, or the first accepted that there is.

    ``accepted`` is the value of the header Accept-Language.
    """
    if chosen in LANGUAGES:
        return chosen
    found = [
        (-_weight(part), part.partition(";")[0].strip()[:2].lower()) for part in accepted.split(",")
    ]
    known = [
        language for _, language in sorted(found, key=lambda one: one[0]) if language in LANGUAGES
    ]
    return known[0] if known else next(iter(LANGUAGES))


def _weight(part: str) -> float:
    """Return the quality value of a part of Accept-Language, 1 if it has none or a bad one."""
    _, _, value = part.partition("q=")
    try:
        return float(value) if value else 1.0
    except ValueError:
        return 1.0
