"""Check the value that describes an outlet: each fault is a sentence that begins with its field."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date
from functools import cache
from itertools import pairwise
from string import Formatter
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from crawler.model import channels, layout
from crawler.model.channels import Channel, ListPage, RisingIds
from crawler.model.data_path import parse_path
from crawler.model.layout import Layout, TextForm
from crawler.model.outlet import Outlet
from pipelines.widget_rules import WidgetRule, Widgets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipelines.page import Rules

#: Names in the annotations that are imported for types only.
_NAMES = {
    "Channel": Channel,
    "Layout": Layout,
    "TextForm": TextForm,
    "Confidence": layout.Confidence,
    "Widgets": Widgets,
} | vars(channels)
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLAIN = {str: "a text", int: "a number", bool: "True or False", date: "a date", NoneType: "None"}
#: Fields of a layout that are no names of it, and may be rated.
_RATED = frozenset(
    (
        *("body", "headline", "subheadlines", "published", "modified", "times", "bylines"),
        *("emails", "section", "tags", "figures"),
    )
)
#: These name elements of the page, or data of its scripts, but nothing of its head.
_IN_BODY = frozenset(("body", "subheadlines"))
_EMPTY_PAGE = LexborHTMLParser("<p></p>")


def faults(outlet: Outlet) -> list[str]:
    """Return what is wrong with an outlet, a sentence each: ``layouts[0].body[1]: …``.

    Values of a wrong type are told alone, because nothing else can be said of them. What is empty
    is no fault: a new file is filled in step by step.
    """
    wrong = list(_wrong_types(outlet, Outlet, ""))
    if wrong:
        return wrong
    return [
        *_faults_of_addresses(outlet),
        *_faults_of_layouts(outlet.layouts),
        *_faults_of_text(outlet.text),
        *_faults_of_channels(outlet.channels),
        *_faults_of_rules(outlet.rules),
    ]


def unfilled(outlet: Outlet) -> list[str]:
    """Return the fields without a value, of those that every outlet needs."""
    return [name for name in ("title", "articles", "canonical") if not getattr(outlet, name)]


def _wrong_types(value: Any, wanted: Any, path: str) -> Iterator[str]:
    """Yield the values within one whose types are not those that the fields declare."""
    if wanted is str and isinstance(value, str):  # most values are texts
        return
    kinds = get_args(wanted) if get_origin(wanted) in (Union, UnionType) else (wanted,)
    kind = next((each for each in kinds if _is_of(value, each)), None)
    if kind is None:
        yield f"{path}: {_described(value)} is not {_expected(kinds)}{_hint(value, kinds)}"
    elif hasattr(kind, "__dataclass_fields__"):
        for field, hint in _hints(kind):
            name = f"{path}.{field}" if path else field
            yield from _wrong_types(getattr(value, field), hint, name)
    elif get_origin(kind) is tuple:
        for at, (item, hint) in enumerate(_items(value, get_args(kind))):
            yield from _wrong_types(item, hint, f"{path}[{at}]")


def _is_of(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        size = _size(get_args(kind))
        return isinstance(value, tuple) and size in (None, len(value))
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _items(value: tuple[Any, ...], kinds: tuple[Any, ...]) -> Iterable[tuple[Any, Any]]:
    if _size(kinds) is None:
        return ((item, kinds[0]) for item in value)
    return zip(value, kinds, strict=True)


def _size(kinds: tuple[Any, ...]) -> int | None:
    """Return the length of a tuple of these types, None for any."""
    return None if kinds[-1] is Ellipsis else len(kinds)


@cache
def _hints(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Return the names and types of the fields that a file states."""
    hints = get_type_hints(kind, localns=_NAMES)
    return tuple((field.name, hints[field.name]) for field in fields(kind) if field.init)


def _described(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _expected(kinds: Sequence[Any]) -> str:
    return " or ".join(dict.fromkeys(map(_name, kinds)))


def _name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    if get_origin(kind) is tuple:
        size = _size(get_args(kind))
        return "a tuple" if size is None else f"a tuple of {size}"
    return _PLAIN.get(kind) or str(getattr(kind, "__name__", kind))


def _hint(value: Any, kinds: Sequence[Any]) -> str:
    if isinstance(value, str) and any(get_origin(kind) is tuple for kind in kinds):
        return ': a comma behind it makes it one: ("…",)'
    return ""


def _faults_of_addresses(outlet: Outlet) -> Iterator[str]:
    for name, hosts in (("hosts", outlet.hosts), ("image_hosts", outlet.image_hosts)):
        for at, host in enumerate(hosts):
            if not _HOST.fullmatch(host):
                yield f"{name}[{at}]: {host!r} is no host's name, in small letters"
    groups: set[str] = set()
    for at, pattern in enumerate(outlet.articles):
        yield from _faults_of_pattern(f"articles[{at}]", pattern, ("id",))
        groups |= _groups_of(pattern)
    if outlet.canonical:
        yield from _faults_of_canonical(outlet, groups)
    yield from _faults_of_pattern("page_title", outlet.page_title)


def _faults_of_canonical(outlet: Outlet, groups: set[str]) -> Iterator[str]:
    address = outlet.canonical
    try:
        named = {name for _, name, _, _ in Formatter().parse(address) if name is not None}
    except ValueError as error:
        yield f"canonical: {address!r} is no address with names in braces ({error})"
        return
    if not address.startswith(("http://", "https://")) or "id" not in named:
        yield f"canonical: {address!r} is no address with {{id}} in it"
    unknown = named - groups - {"id"}
    if unknown:
        yield f"canonical: no pattern of articles has the group {', '.join(sorted(unknown))}"
    if named != {"id"} and outlet.walks:
        yield "canonical: an id walk makes addresses of ids alone; only {id} may be in it"


def _groups_of(pattern: str) -> set[str]:
    try:
        return set(re.compile(pattern).groupindex)
    except re.error:
        return set()


def _faults_of_pattern(path: str, pattern: str, groups: Iterable[str] = ()) -> Iterator[str]:
    """Yield why a text is no regular expression with the groups."""
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError) as error:
        yield f"{path}: {_described(pattern)} is no regular expression ({error})"
        return
    for group in groups:
        if group not in compiled.groupindex:
            yield f"{path}: {_described(pattern)} lacks the group (?P<{group}>…)"


def _faults_of_selector(path: str, selector: str) -> Iterator[str]:
    try:
        _EMPTY_PAGE.css_first(selector)
    except SelectolaxError:
        yield f"{path}: {selector!r} is no CSS selector"


def _faults_of_layouts(layouts: Sequence[Layout]) -> Iterator[str]:
    yield from _repeated("layouts", [each.name for each in layouts])
    for at, each in enumerate(layouts):
        path = f"layouts[{at}]"
        if each.since and each.until and each.since > each.until:
            yield f"{path}.until: {each.until} is before since, {each.since}"
        yield from _faults_of_selectors(path, each)
        for number, (name, _) in enumerate(each.less_sure):
            if name not in _RATED:
                yield f"{path}.less_sure[{number}]: {name!r} is no field of a layout"


def _faults_of_selectors(path: str, each: Layout) -> Iterator[str]:
    if each.root:
        yield from _faults_of_selector(f"{path}.root", each.root)
    for field, hint in _hints(Layout):
        if hint == layout.Sources:
            for number, source in enumerate(getattr(each, field)):
                yield from _faults_of_source(f"{path}.{field}[{number}]", source, field)
    for number, figure in enumerate(each.figures):
        yield from _faults_of_selector(f"{path}.figures[{number}].box", figure.box)
        if figure.caption:
            yield from _faults_of_selector(f"{path}.figures[{number}].caption", figure.caption)


def _faults_of_source(path: str, source: str, field: str) -> Iterator[str]:
    kind, colon, key = source.partition(":")
    if colon and kind in ("jsonld", "meta"):
        if not key:
            yield f"{path}: {source!r} names nothing behind its colon"
        elif field == "body":
            yield f"{path}: {source!r} is in the page's head, which holds no body"
    elif colon and kind == "json":
        try:
            parse_path(key)
        except ValueError as error:
            yield f"{path}: {source!r}: {error}"
    elif "@" in source and field in _IN_BODY:
        yield f"{path}: {source!r} is an attribute; only elements are read here"
    else:
        yield from _faults_of_selector(path, source.partition("@")[0])


def _faults_of_text(form: TextForm | None) -> Iterator[str]:
    if form is None:
        return
    for at, pattern in enumerate(form.recognise):
        yield from _faults_of_pattern(f"text.recognise[{at}]", pattern)
    for name in ("stamp", "stamp_label", "byline", "tail"):
        yield from _faults_of_pattern(f"text.{name}", getattr(form, name))
    for at, pattern in enumerate(form.aside):
        yield from _faults_of_pattern(f"text.aside[{at}]", pattern)


def _faults_of_channels(given: Sequence[Channel]) -> Iterator[str]:
    names = [channel.name for channel in given]
    yield from _repeated("channels", names)
    for at, channel in enumerate(given):
        path = f"channels[{at}]"
        if channel.instead_of and channel.instead_of not in names:
            yield f"{path}.instead_of: there is no channel {channel.instead_of!r}"
        if bool(channel.sources) == (channel.walk is not None):
            yield f"{path}: a channel has either sources or a walk"
        for number, source in enumerate(channel.sources):
            yield from _faults_of_channel_source(f"{path}.sources[{number}]", source)
        if isinstance(channel.walk, RisingIds):
            yield from _faults_of_anchors(f"{path}.walk", channel.walk)


def _faults_of_channel_source(path: str, source: channels.Source) -> Iterator[str]:
    try:
        host = urlsplit(source.url).hostname or ""
    except ValueError:
        host = ""
    if not source.url.startswith(("http://", "https://")) or not host:
        yield f"{path}.url: {source.url!r} is no address"
    if isinstance(source, ListPage):
        for name in ("link", "item", "title", "date", "holder"):
            selector = getattr(source, name)
            if selector or name == "link":
                yield from _faults_of_selector(f"{path}.{name}", selector)


def _faults_of_anchors(path: str, walk: RisingIds) -> Iterator[str]:
    if not walk.anchors:
        yield f"{path}.anchors: rising ids need at least one known article"
    for at, (before, after) in enumerate(pairwise(walk.anchors)):
        if before.number >= after.number or before.day >= after.day:
            yield f"{path}.anchors[{at + 1}]: number and day must be after those before it"


def _faults_of_rules(rules: Rules) -> Iterator[str]:
    yield from _repeated("rules.widgets", [rule.name for rule in rules.widgets.rules])
    for rule in rules.widgets.rules:
        yield from _faults_of_rule(f"rules.widgets[{rule.name}]", rule)
    for at, pattern in enumerate(rules.caption):
        yield from _faults_of_pattern(f"rules.caption[{at}]", pattern, ("caption",))
    if rules.id_day:
        yield from _faults_of_pattern("rules.id_day", rules.id_day, ("day",))
    for at, (_, pattern) in enumerate(rules.flags):
        yield from _faults_of_pattern(f"rules.flags[{at}]", pattern)
    if rules.paywall:
        yield from _faults_of_selector("rules.paywall", rules.paywall)


def _faults_of_rule(path: str, rule: WidgetRule) -> Iterator[str]:
    if not _WORD.fullmatch(rule.name):
        yield f"{path}.name: a name has letters, digits and _ only, a letter first"
    if not (rule.css or rule.body_css or rule.line or rule.section):
        yield f"{path}: a rule has css, body_css, line or section"
    for name in ("css", "body_css"):
        if getattr(rule, name):
            yield from _faults_of_selector(f"{path}.{name}", getattr(rule, name))
    for name in ("line", "section", "until"):
        if getattr(rule, name):
            yield from _faults_of_pattern(f"{path}.{name}", getattr(rule, name))


def _repeated(path: str, names: Sequence[str]) -> Iterator[str]:
    for name in dict.fromkeys(each for each in names if names.count(each) > 1):
        yield f"{path}: {name!r} is there twice"
