"""A page's own statement about its article: the first schema.org article in its JSON-LD."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 6


def article_facts(scripts: list[str]) -> dict[str, list[str]]:
    """Texts by key (headline, datePublished, dateModified, author, articleSection, keywords, image).

    A script that is no JSON, or states no article, is passed over: the page's other sources remain.
    """
    for script in scripts:
        try:
            data = json.loads(script, strict=False)
        except (ValueError, RecursionError):
            continue
        for thing in _things(data, 0):
            if any(str(kind).endswith("Article") for kind in _listed(thing.get("@type"))):
                return {key: texts for key, value in thing.items() if (texts := _texts(value))}
    return {}


def _things(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _MAX_DEPTH:
        return
    for item in _listed(data):
        if isinstance(item, dict):
            yield item
            yield from _things(item.get("@graph"), depth + 1)
            yield from _things(item.get("mainEntity"), depth + 1)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(value: Any) -> list[str]:
    texts: list[str] = []
    for item in _listed(value):
        if isinstance(item, dict):
            item = item.get("name") or item.get("url")
        if isinstance(item, str) and item.strip():
            texts.append(item)
    return texts
