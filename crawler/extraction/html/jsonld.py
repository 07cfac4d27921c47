"""Read a page's JSON-LD: the schema.org article that is this page's own, and no other."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MAX_DEPTH = 6
#: What is read where the text is not JSON: strings are kept, the marks of CDATA sections and
#: comments are not. A mark may itself be commented out (`//<![CDATA[`), so it is tried first.
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*+"?)'
    r"|(?:(?://|/\*)[ \t]{0,9})?(?:<!\[CDATA\[|\]\]>|<!--|-->)(?:[ \t]{0,9}\*/)?"
    r"|/\*.*?(?:\*/|\Z)|//[^\n]*",
    re.DOTALL,
)
#: A comma that separates nothing: behind an opening bracket or a comma, or before a closing one.
_STRAY_COMMA = re.compile(
    r'(?P<kept>"(?:[^"\\]|\\.)*+"?)|(?P<open>[\[{])(?:\s*,)++'
    r"|,(?:\s*,)*+(?=\s*[\]}])|(?P<comma>,)(?:\s*,)++",
    re.DOTALL,
)
_JS_ESCAPE = re.compile(r"\\(?=['`])")
_SPACE = re.compile(r"[\s;,]*")
#: Longer contents of a script are no article's facts, and mending them would take long.
_LONGEST = 2**20
_LETTERS = re.compile(r"[\W_]+")
#: A headline that is shortened in the JSON-LD agrees if at least this many letters are equal.
_SHORTENED = 10
#: Keys whose values are addresses of the thing.
_ADDRESS_KEYS = ("url", "@id", "mainEntityOfPage")
_FREE = "isAccessibleForFree"
_NOT_FREE = frozenset(("false", "http://schema.org/false", "https://schema.org/false", "no", "0"))


@dataclass(frozen=True, slots=True)
class OwnPage:
    """What is known of a page by which its own JSON-LD is told from that of other articles.

    ``article_id`` is ``""`` if unknown; ``id_of`` returns the id of the article of the outlet that
    an address names, or ``""``. ``base`` is the page's address. ``headlines`` are the texts that
    the page prints or states as its headline.
    """

    article_id: str = ""
    base: str = ""
    id_of: Callable[[str], str] = lambda _address: ""
    headlines: tuple[str, ...] = ()

    def agrees(self, thing: dict[str, Any]) -> int:
        """Return in how many ways a thing says that it is the page's own article; 0 is another's.

        A thing that names another article of the outlet, and not this one, is another's whatever
        its headline.
        """
        named = {self.id_of(absolute(self.base, each)) for each in _addresses(thing)} - {""}
        stated = self.article_id in named or self.article_id in _texts(thing.get("identifier"))
        is_own = bool(self.article_id) and stated
        if named and self.article_id and not is_own:
            return 0
        titles = [*_texts(thing.get("headline")), *_texts(thing.get("name"))]
        return is_own + any(_same_headline(t, own) for t in titles for own in self.headlines)


def absolute(base: str, address: str) -> str:
    """Return an address that a page at ``base`` states, resolved; ``""`` if it is none."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return ""


def own_facts(scripts: Iterable[str], page: OwnPage) -> dict[str, list[str]]:
    """Return the texts of the page's own article by key: datePublished, author, keywords and so on.

    ``scripts`` are the contents of the script elements. A thing is used only if its address, its id
    or its headline is the page's; where several are, the one that agrees in most. Scripts that are
    no JSON even without comments and stray commas are ignored.
    """
    best: dict[str, Any] = {}
    most = 0
    for script in scripts:
        for thing in _articles(script):
            agreement = page.agrees(thing)
            if agreement > most:
                best, most = thing, agreement
    facts = {key: _texts(value) for key, value in best.items()}
    authors = [each for each in _as_list(best.get("author")) if _is_person(each)]
    facts["author"] = [text for each in authors for text in _with_role(each)]
    if _is_paid(best):
        facts[_FREE] = ["false"]
    return {key: texts for key, texts in facts.items() if texts}


def is_paid(facts: dict[str, list[str]]) -> bool:
    """Whether the facts say that the article, or a part of it, is not free to read."""
    return facts.get(_FREE) == ["false"]


def is_not_free(value: str) -> bool:
    """Whether a printed value of isAccessibleForFree says no."""
    return value.strip().lower() in _NOT_FREE


def _is_person(author: Any) -> bool:
    """Whether an author is none of those that are organizations: outlets name themselves."""
    kinds = _as_list(author.get("@type")) if isinstance(author, dict) else []
    return not any(str(kind).endswith("Organization") for kind in kinds)


def _with_role(author: Any) -> list[str]:
    """Return an author's name, with the role behind it if one is stated."""
    names = _texts(author)
    roles = _texts(author.get("jobTitle")) if isinstance(author, dict) else []
    return [f"{names[0]} {roles[0]}"] if len(names) == 1 and len(roles) == 1 else names


def _is_paid(thing: dict[str, Any]) -> bool:
    parts = [part for part in _as_list(thing.get("hasPart")) if isinstance(part, dict)]
    values = [value for each in (thing, *parts) for value in _as_list(each.get(_FREE))]
    return any(isinstance(value, bool | int | str) and is_not_free(str(value)) for value in values)


def _articles(script: str) -> Iterator[dict[str, Any]]:
    """Yield the articles of a script element."""
    for data in _documents(script):
        for thing in _things(data, 0):
            if any(str(kind).endswith("Article") for kind in _as_list(thing.get("@type"))):
                yield thing


def _documents(script: str) -> list[Any]:
    """Return the JSON values of a script element, mended if it is not JSON as it stands."""
    try:
        return [json.loads(script, strict=False)]
    except (ValueError, RecursionError):
        pass
    if len(script) > _LONGEST:
        return []
    for text in (script, html.unescape(script)):
        values = _values(_mended(text))
        if values:
            return values
    return []


def _mended(script: str) -> str:
    """Return the text without comments, CDATA marks, stray commas and escapes of JavaScript."""
    bare = _TOKEN.sub(lambda match: match["string"] or " ", script)
    bare = _STRAY_COMMA.sub(lambda m: m["kept"] or m["open"] or m["comma"] or "", bare)
    return _JS_ESCAPE.sub("", bare)


def _values(text: str) -> list[Any]:
    """Return the JSON values that stand one behind the other, up to the first that is none."""
    decoder = json.JSONDecoder(strict=False)
    values: list[Any] = []
    at = _skip(text.removeprefix("\ufeff"), 0)
    text = text.removeprefix("\ufeff")
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
        at = _skip(text, at)
    return values


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _things(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the objects of a document, those nested in @graph and mainEntity too."""
    if depth > _MAX_DEPTH:
        return
    for item in _as_list(data):
        if isinstance(item, dict):
            yield item
            yield from _things(item.get("@graph"), depth + 1)
            yield from _things(item.get("mainEntity"), depth + 1)
        elif isinstance(item, list):
            yield from _things(item, depth + 1)


def _addresses(thing: dict[str, Any]) -> Iterator[str]:
    for key in _ADDRESS_KEYS:
        for value in _as_list(thing.get(key)):
            parts = (value.get("@id"), value.get("url")) if isinstance(value, dict) else (value,)
            yield from (part for part in parts if isinstance(part, str))


def _same_headline(stated: str, own: str) -> bool:
    """Whether two headlines have the same letters and digits; one of them may be shortened."""
    a, b = _letters(stated), _letters(own)
    if not a or not b:
        return False
    shorter, longer = sorted((a, b), key=len)
    return a == b or (len(shorter) >= _SHORTENED and longer.startswith(shorter))


def _letters(headline: str) -> str:
    return _LETTERS.sub("", html.unescape(headline)).casefold()


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> list[str]:
    """Return the texts of a value; an object's text is its name or its url."""
    texts: list[str] = []
    for item in _as_list(value):
        if isinstance(item, dict):
            item = item.get("name") or item.get("value") or item.get("url")
        if isinstance(item, int) and not isinstance(item, bool):
            item = str(item)
        if isinstance(item, str) and item.strip():
            texts.append(item)
    return texts
