"""Groups of a robots.txt by product token, as RFC 9309 matches them."""

from __future__ import annotations

import re

#: A line that names a crawler, in the spellings that Protego takes for one.
_USER_AGENT = re.compile(r"user[ -]?agent(?:\s*:|\s)\s*(?P<value>.*)", re.IGNORECASE)
#: Lines of the whole site, which belong to no group and end none.
_SITE_WIDE = re.compile(r"(?:sitemaps?|site-map|host)(?:\s*:|\s)", re.IGNORECASE)
#: What Protego takes for a directive: with a colon, or a known word without one.
_DIRECTIVE = re.compile(
    r".*:|(?:allow|dis?s?al+[oa]w|diasllow|crawl[ -]delay|request[ -]rate|visit[ -]time)\s",
    re.IGNORECASE | re.DOTALL,
)
#: The characters of a product token (section 2.2.1).
_TOKEN = re.compile(r"[A-Za-z_-]+")
_EVERYBODY = re.compile(r"\*(?=\s|\Z)")
_BOM = "\ufeff"
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r"))
#: How ``surrogateescape`` shows a byte that could not be decoded.
_BAD_BYTE = re.compile("[\udc80-\udcff]")
#: The largest share of control characters: a stray one is no harm, compressed bytes have a tenth.
_MOST_CONTROL = 0.01
#: Most rules of a group that are read. Each costs time at every request, and outlets have hundreds.
MAX_RULES = 10_000


class UnreadableError(ValueError):
    """The bytes are no text in a charset that includes ASCII."""


def own_groups(body: bytes, product: str) -> tuple[bytes, bool]:
    """Return the groups of a robots.txt for the product and for ``*``, and whether they are whole.

    Protego compares the whole line with a crawler's name: to it, ``User-agent: Sacho/0.1`` is not
    Sacho, and ``User-agent: Sa`` is. Here a group is the product's if its token is, in any case.
    The other groups are left out: Protego keeps a copy of a group's rules for each of its names, so
    that a file of 138 KB could take 2 GB. Repeated rules are left out, and those after the first
    `MAX_RULES` of a group; then it is not whole.

    :raises UnreadableError: it has the control characters of UTF-16, compressed or other binary
        files.
    """
    if len(body) - len(body.translate(None, _CONTROL)) > len(body) * _MOST_CONTROL:
        raise UnreadableError("it is not text in UTF-8")
    reader = _Reader(product.lower())
    # split as Protego does
    text = _BAD_BYTE.sub(_percent_encoded, body.decode("utf-8", "surrogateescape"))
    for line in text.removeprefix(_BOM).splitlines():
        reader.read(line.partition("#")[0].strip())
    lines = list(reader.site)
    for name, rules in reader.rules.items():
        lines += [f"User-agent: {name}", *rules]
    return "\n".join(lines).encode(), reader.whole


def _percent_encoded(bad: re.Match[str]) -> str:
    """Return a byte that is no UTF-8 as the addresses of the site have it.

    Left out, as Protego would, ``Allow: /`` and a path in EUC-KR would allow everything.
    """
    return f"%{ord(bad[0]) - 0xDC00:02X}"


class _Reader:
    """What was read so far: the rules of each name, in order, and the lines of the whole site."""

    def __init__(self, product: str) -> None:
        self.rules: dict[str, dict[str, None]] = {}
        self.site: dict[str, None] = {}
        self.whole = True
        self._product = product
        #: The names, of those that concern us, of the current group; complete at its first rule.
        self._names: set[str] = set()
        self._in_names = False

    def read(self, line: str) -> None:
        """Read a line without its comment."""
        agent = _USER_AGENT.match(line)
        if agent is not None:
            self._add_name(agent["value"])
        elif _SITE_WIDE.match(line):
            self.site[line] = None
        elif _DIRECTIVE.match(line):
            self._in_names = False
            for name in self._names:
                self._add_rule(self.rules[name], line)

    def _add_name(self, value: str) -> None:
        if not self._in_names:
            self._names = set()
            self._in_names = True
        token = _TOKEN.match(value)
        if token is not None and token[0].lower() == self._product:
            self._names.add(self._product)
        elif _EVERYBODY.match(value):
            self._names.add("*")
        for name in self._names:
            self.rules.setdefault(name, {})

    def _add_rule(self, rules: dict[str, None], line: str) -> None:
        if len(rules) < MAX_RULES:
            rules[line] = None
        elif line not in rules:
            self.whole = False
