"""Read the first schema.org article in a page's JSON-LD."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 6


def article_facts(scripts: list[str]) -> dict[str, list[str]]:
    """Return the article's texts by key: headline, datePublished, author, keywords and so on.

    ``scripts`` are the contents of the script elements. Those that are not valid JSON or hold no
    article are ignored.
    """
    for script in scripts:
        try:
            data = json.loads(script, strict=False)
        except (ValueError, RecursionError):
            continue
        for thing in _things(data, 0):
            if any(str(kind).endswith("Article") for kind in _as_list(thing.get("@type"))):
                facts = {key: _texts(value) for key, value in thing.items()}
                return {key: texts for key, texts in facts.items() if texts}
    return {}


def _things(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the objects of a document, those nested in @graph and mainEntity too."""
    if depth > _MAX_DEPTH:
        return
    for item in _as_list(data):
        if isinstance(item, dict):
            yield item
            yield from _things(item.get("@graph"), depth + 1)
            yield from _things(item.get("mainEntity"), depth + 1)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> list[str]:
    """Return the texts of a value; an object's text is its name or its url."""
    texts: list[str] = []
    for item in _as_list(value):
        if isinstance(item, dict):
            item = item.get("name") or item.get("url")
        if isinstance(item, str) and item.strip():
            texts.append(item)
    return texts
