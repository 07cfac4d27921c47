"""Expected articles, goldens: what an outlet's fixture is read as, kept beside it in NAME.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archive.export.articles import article_values

if TYPE_CHECKING:
    from pathlib import Path

    from archive.model.article import Article

#: The key of the sidecar under which the article stands.
ARTICLE = "article"
#: What is not read of a page, but says how it was read: fixtures are read by layouts.
_NOT_READ = frozenset({"quality"})


def values_of(article: Article) -> dict[str, Any]:
    """Return the article's fields as the export's record has them, without those of a capture."""
    values = article_values(article) | {"layouts": [article.layout]}
    return {name: values[name] for name in sorted(values) if name not in _NOT_READ}


def golden_of(article: Article) -> dict[str, Any]:
    """Return the article's fields as a golden holds them: without empty values, at any depth."""
    found: dict[str, Any] = _full(values_of(article))
    return found


def _full(value: Any) -> Any:
    if isinstance(value, dict):
        full = {name: _full(item) for name, item in value.items()}
        return {name: item for name, item in full.items() if item not in (None, "", [], {})}
    return [_full(item) for item in value] if isinstance(value, list | tuple) else value


def sidecar(path: Path) -> dict[str, Any]:
    """Return what stands beside a fixture, ``{}`` if nothing does.

    :raises ValueError: it is no JSON object.
    """
    beside = path.with_suffix(".json")
    if not beside.exists():
        return {}
    facts = json.loads(beside.read_bytes())
    if not isinstance(facts, dict):
        raise ValueError(f"{beside} holds no JSON object")
    return facts


def sidecar_bytes(facts: dict[str, Any]) -> bytes:
    """Return a sidecar's one form: keys sorted, two spaces, Hangul as itself, a line end last."""
    return (json.dumps(facts, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def write_golden(path: Path, article: Article) -> bool:
    """Write an article beside its fixture, and keep what else stands there; return if it changed.

    :raises ValueError: what stands there is no JSON object.
    """
    data = sidecar_bytes(sidecar(path) | {ARTICLE: golden_of(article)})
    beside = path.with_suffix(".json")
    if beside.exists() and beside.read_bytes() == data:
        return False
    beside.write_bytes(data)
    return True
