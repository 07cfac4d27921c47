"""Read the data that a page's scripts hold: some layouts have their article nowhere else.

A source ``json:PATH`` names it: the first key of the path is looked for anywhere in the data, what
follows goes down from there. ``json:contentHtml`` is a value, ``json:data.title`` one within an
object, and ``json:content_elements[type=text].content`` one in each item of a list whose ``type``
is ``text``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from crawler.extraction.html.jsonld import OwnPage, absolute
from crawler.model.data_path import Step, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Where a value of JSON may begin in a script: `x = {`, `push({`, or the script is nothing else.
_BEGIN = re.compile(r"(?:[=(]\s{0,9}|^\s{0,99})(?=[{\[])")
#: What may be a key of a path.
_KEY = re.compile(r"[A-Za-z_][\w-]*")
#: Bounds of the search, for hostile pages.
_LONGEST = 2**21
_MOST_BEGINNINGS = 200
_MOST_THINGS = 20_000


def script_texts(scripts: Iterable[str], path: str, page: OwnPage) -> list[str]:
    """Return the texts at a path of the data that scripts hold of this page's article.

    ``scripts`` are the contents of the script elements. An object is the article's if it states the
    article's id; if none states it, the only one that has the path, unless it names another article
    of the outlet.
    """
    steps = parse_path(path)
    found: list[tuple[dict[str, Any], list[str]]] = []
    for thing in _things_with(steps[0].key, scripts):
        texts = [text for text in _texts_at(thing, steps) if text.strip()]
        if texts:
            found.append((thing, texts))
    own = [texts for thing, texts in found if page.article_id and _states_id(thing, page)]
    if own:
        return own[0]
    if len(found) == 1 and not _names_other(found[0][0], page):
        return found[0][1]
    return []


def text_paths(scripts: Iterable[str], least: int) -> dict[str, int]:
    """Return the paths of the texts that scripts hold, each with its length in characters.

    Only texts of at least that many characters are named; of a list whose items have a type, the
    path is of the items of that type, and the length that of all their texts.
    """
    lengths: Counter[str] = Counter()
    for script in scripts:
        if len(script) <= _LONGEST:
            for value in _values(script, '"'):
                for thing in _objects(value):
                    for path, length in _own_texts(thing):
                        lengths[path] += length
    return {path: length for path, length in lengths.items() if length >= least}


def _own_texts(thing: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the paths and lengths of an object's texts, and of those of the items of its lists."""
    for key, value in thing.items():
        if not _KEY.fullmatch(key):
            continue
        if isinstance(value, str):
            yield key, len(value)
        for item in value if isinstance(value, list) else ():
            kind = item.get("type") if isinstance(item, dict) else None
            if isinstance(kind, str) and _KEY.fullmatch(kind):
                yield from _item_texts(f"{key}[type={kind}]", item)


def _item_texts(path: str, item: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for name, text in item.items():
        if isinstance(text, str) and _KEY.fullmatch(name) and name != "type":
            yield f"{path}.{name}", len(text)


def _things_with(key: str, scripts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the objects with a key, of all data that the scripts hold."""
    quoted = f'"{key}"'
    for script in scripts:
        if quoted not in script or len(script) > _LONGEST:
            continue
        for value in _values(script, quoted):
            yield from (thing for thing in _objects(value) if key in thing)


def _values(script: str, quoted: str) -> Iterator[Any]:
    """Yield the JSON values of a script that hold a quoted key."""
    decoder = json.JSONDecoder(strict=False)
    at = 0
    for _ in range(_MOST_BEGINNINGS):
        begin = _BEGIN.search(script, at)
        if begin is None or script.find(quoted, begin.end()) < 0:
            return
        try:
            value, end = decoder.raw_decode(script, begin.end())
        except (ValueError, RecursionError):
            at = begin.end() + 1
            continue
        if script.find(quoted, begin.end(), end) >= 0:
            yield value
        at = end


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a value, outer ones first; a loop, because hostile data nests deep."""
    waiting = [value]
    for _ in range(_MOST_THINGS):
        if not waiting:
            return
        thing = waiting.pop()
        if isinstance(thing, dict):
            yield thing
            waiting += reversed([each for each in thing.values() if isinstance(each, dict | list)])
        elif isinstance(thing, list):
            waiting += reversed([each for each in thing if isinstance(each, dict | list)])


def _texts_at(thing: Any, steps: tuple[Step, ...]) -> list[str]:
    values = [thing]
    for step in steps:
        values = [each for value in values for each in _down(value, step)]
    return [str(value) for value in values if isinstance(value, str)]


def _down(value: Any, step: Step) -> list[Any]:
    """Return what one step leads to: the value, or the items of its list that the step wants."""
    if not isinstance(value, dict) or step.key not in value:
        return []
    below = value[step.key]
    items = below if isinstance(below, list) else [below]
    if not step.name:
        return items
    return [each for each in items if isinstance(each, dict) and each.get(step.name) == step.value]


def _states_id(thing: dict[str, Any], page: OwnPage) -> bool:
    return any(
        str(value) == page.article_id or _id_named(value, page) == page.article_id
        for value in thing.values()
        if isinstance(value, str | int)
    )


def _names_other(thing: dict[str, Any], page: OwnPage) -> bool:
    named = {_id_named(value, page) for value in thing.values()} - {""}
    return bool(named) and page.article_id not in named


def _id_named(value: Any, page: OwnPage) -> str:
    """Return the id of the outlet's article that a value is the address of, ``""`` for none."""
    if not isinstance(value, str) or not value.startswith(("http://", "https://", "/")):
        return ""
    return page.id_of(absolute(page.base, value))
