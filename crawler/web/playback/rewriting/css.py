"""Style sheets in which no address leads to a live host: to the archive, or to nothing.

A sheet is read as CSS Syntax reads it, as far as addresses need it: comments, strings, escapes,
``url()``, ``@import``. What a browser takes for an address must be one here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.web.playback.rewriting.links import Links

#: The longest sheet that is read, characters.
LONGEST_SHEET = 1_000_000
#: What an address becomes that leads nowhere. An empty one would be the sheet's own.
NOTHING = 'url("data:,")'
# Groups are not repeated possessively: Python before 3.11.5 then passes over what they match.
_ESCAPE = r"\\(?:[0-9A-Fa-f]{1,6}\n?[ \t]?|[^0-9A-Fa-f])"
_STRING = r'"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|\\?\Z)' + r"|'(?:[^'\\\n]|\\.)*(?:'|(?=\n)|\\?\Z)"
_TOKEN = re.compile(
    rf"""(?P<plain>(?:[^"'\\/@(){{}};\w\x80-\U0010ffff-]++|[\w\x80-\U0010ffff-]++(?![(\\\w-]))+)
    |(?P<comment>/\*.*?(?:\*/|\Z))|(?P<string>{_STRING})
    |(?P<name>@?(?:[\w-]|[^\x00-\x7f]|{_ESCAPE})+)(?P<call>\(?)
    |(?P<sign>.)""",
    re.S | re.X,
)
#: What follows ``url(``: a string, or an address without quotes; else all up to the next bracket.
_URL = re.compile(
    rf"""[ \t\n]*+(?:(?P<string>{_STRING})[^)]*+\)?
    |(?P<plain>(?:[^"'()\\ \t\n]|{_ESCAPE})*)[ \t\n]*+(?:\)|\Z)|(?:[^)\\]|\\.|\\\Z)*\)?)""",
    re.S | re.X,
)
_UNESCAPED = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})[ \t\n]?|(\n)|(.)|\Z)", re.S)
#: Functions in which a string is an address, and those within them in which it is not.
_ADDRESSING = frozenset(
    {"src", "image", "image-set", "-webkit-image-set", "cross-fade", "-webkit-cross-fade"}
)
_NAMING = frozenset({"type", "format", "tech"})
#: What may follow the address of an ``@import``: media, layer, conditions.
_CONDITION = re.compile(r"[\w\s(),:.<>=/-]*+(?:;|\Z)", re.A)
#: What follows ``@import``, up to its address.
_IMPORTED = re.compile(
    rf"""(?:[ \t\n]|/\*.*?\*/)*
    (?:(?P<string>{_STRING})|(?P<name>(?:[\w-]|[^\x00-\x7f]|{_ESCAPE})+)\()?""",
    re.S | re.X,
)
#: What would begin a tag where the sheet stands in a page.
_TAG = re.compile(r"<(?=[/!?A-Za-z])")
_MAX_CODE = 0x10FFFF


def rewrite_css(css: str, links: Links) -> str:
    """Return a style sheet, or the value of a ``style``, with the addresses of playback."""
    text = css.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\0", "\ufffd")
    return _TAG.sub("< ", "".join(_Sheet(text, links).pieces()))


class _Sheet:
    """A sheet while it is read: the place in it, and the functions that are open there."""

    def __init__(self, text: str, links: Links) -> None:
        self._text, self._links = text, links
        self._at = 0
        self._open: list[str] = []

    def pieces(self) -> list[str]:
        out: list[str] = []
        while (found := _TOKEN.match(self._text, self._at)) is not None:
            self._at = found.end()
            out.append(self._piece(found))
        return out

    def _piece(self, found: re.Match[str]) -> str:
        if found["plain"] is not None:
            return found[0]
        if found["comment"] is not None:
            return "/**/"
        if found["string"] is not None:
            return self._string(_content(found["string"]))
        if found["name"] is not None:
            return self._name(found)
        if found["sign"] == "(":
            self._open.append("")
        elif found["sign"] == ")" and self._open:
            self._open.pop()
        elif found["sign"] in ("{", "}", ";"):
            # A bracket that was never closed ends with its block at the latest.
            self._open.clear()
        return found[0]

    def _name(self, found: re.Match[str]) -> str:
        name = _unescaped(found["name"]).lower()
        if name == "@import":
            return self._import()
        if name in ("@charset", "@namespace"):
            self._rest_of_statement()
            return ""
        if found["call"] and name == "url":
            return _call(self._links.picture(self._url()))
        if found["call"]:
            self._open.append(name)
        return found[0]

    def _string(self, text: str) -> str:
        if self._open and self._open[-1] in _NAMING:
            return _quoted(text)
        if any(name in _ADDRESSING for name in self._open):
            return _quoted(self._links.picture(text) or "data:,")
        # By a variable it could become an address elsewhere.
        return _quoted("" if "//" in text or "\\\\" in text else text)

    def _url(self) -> str:
        """Pass what follows ``url(``, and return the address."""
        found = _URL.match(self._text, self._at)
        assert found is not None, "it matches nothing, too"
        self._at = found.end()
        if found["string"] is not None:
            return _content(found["string"])
        return _unescaped(found["plain"] or "")

    def _import(self) -> str:
        """Pass the statement, and return it with the address of an archived sheet, or nothing."""
        found = _IMPORTED.match(self._text, self._at)
        assert found is not None, "it matches nothing, too"
        self._at = found.end()
        address = ""
        if found["string"] is not None:
            address = _content(found["string"])
        elif found["name"] and _unescaped(found["name"]).lower() == "url":
            address = self._url()
        rest = _CONDITION.match(self._text, self._at)
        path = self._links.sheet(address)
        if rest is None or not path or "url" in rest[0].lower():
            self._rest_of_statement("{};")
            return ""
        self._at = rest.end()
        return f"@import {_quoted(path)}{rest[0].removesuffix(';')};"

    def _rest_of_statement(self, ends: str = ";") -> None:
        while (found := _TOKEN.match(self._text, self._at)) is not None:
            self._at = found.end()
            if found["sign"] and found["sign"] in ends:
                return


def _call(path: str) -> str:
    return f"url({_quoted(path)})" if path else NOTHING


def _quoted(text: str) -> str:
    """Return a text as a string of CSS that can also stand in HTML."""
    escaped = re.sub(r'[\x00-\x1f"\'<>\\&\x7f]', lambda found: f"\\{ord(found[0]):x} ", text)
    return f'"{escaped}"'


def _content(token: str) -> str:
    """Return the text of a string's token, whether its last quote is there or not."""
    inner = token[1:]
    is_closed = inner.endswith(token[0]) and not _is_escaped(inner)
    return _unescaped(inner[:-1] if is_closed else inner)


def _is_escaped(text: str) -> bool:
    """Return whether the last character follows an odd number of backslashes."""
    before = text[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    return _UNESCAPED.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[3] or ""
    code = int(found[1], 16)
    is_none = code == 0 or code > _MAX_CODE or 0xD800 <= code <= 0xDFFF
    return "\ufffd" if is_none else chr(code)
