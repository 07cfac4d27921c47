"""Text of strangers made safe for a terminal and a log: no control, direction or tag characters."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import unicodedata
from io import TextIOWrapper
from textwrap import indent
from typing import TYPE_CHECKING, Any, TextIO

from crawler.cli.output.standard_streams import open_closed_streams, outlasting

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINES = frozenset("\n\t")
#: Characters without a shape that words and emoji are written with.
_JOINERS = frozenset("\u200c\u200d")
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """Return text as one line that prints as it reads.

    Control characters, which a terminal obeys, and those of Unicode that have no shape (direction,
    tags, lone surrogates) are replaced, line ends and tabs are blanks.
    """
    return printable_lines(text.replace("\n", " ").replace("\t", " "))


def printable_lines(text: str) -> str:
    """Return text as `printable` does, with its line ends and tabs."""
    if text.isprintable():
        return text
    return "".join(sign if _is_safe(sign) else _REPLACED for sign in text)


def _is_safe(sign: str) -> bool:
    if sign.isprintable() or sign in _LINES or sign in _JOINERS:
        return True
    return unicodedata.category(sign) == "Zs"  # the wide and the no-break space


def json_text(value: Any) -> str:
    """Return a value as indented JSON, in which what is not safe to print is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if text.replace("\n", "").isprintable():
        return text
    return re.sub(r"[^\n\x20-\x7e]", _json_escaped, text)


def json_line(value: Any) -> str:
    """Return a value as JSON on one line, its keys sorted, with escapes as in `json_text`."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if text.isprintable() else re.sub(r"[^\x20-\x7e]", _json_escaped, text)


def print_json(value: Any) -> None:
    """Print a value as `json_text` gives it, in UTF-8, whatever the encoding of the terminal."""
    write_utf_8()
    print(json_text(value))


def print_json_list(head: dict[str, Any], name: str, items: Iterable[Any]) -> int:
    """Print an object as `print_json` does, with these items as the list of that name at its end.

    They are printed one by one. Return the number of items.
    """
    write_utf_8()
    number = 0
    for number, item in enumerate(items, 1):
        before = "," if number > 1 else _opened(head, name)
        print(f"{before}\n{indent(json_text(item), '    ')}", end="")
    print("\n  ]\n}" if number else json_text({**head, name: []}))
    return number


def _opened(head: dict[str, Any], name: str) -> str:
    """Return an object as text as far as the bracket that opens a list at its end."""
    return json_text({**head, name: [0]}).rpartition("[")[0] + "["


def write_utf_8() -> None:
    """Let the standard output be UTF-8, whatever the encoding of the terminal."""
    stream = raw_stream(sys.stdout)
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="replace")


def _json_escaped(found: re.Match[str]) -> str:
    return found[0] if _is_safe(found[0]) else json.dumps(found[0])[1:-1]


class SafeStream:
    """A text stream that prints `printable_lines`; ``raw`` is the stream it writes to.

    Only what makes escape sequences of its own, as rich does, writes to ``raw``.
    """

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        """Write text, made safe; what cannot be written to stderr is lost, and ends nothing."""
        try:
            return self.raw.write(printable_lines(text))
        except OSError:
            if self.raw is not sys.__stderr__:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.raw.fileno())
            return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines, made safe."""
        self.raw.writelines(map(printable_lines, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


class _SafeRecord(logging.LogRecord):
    """A log record whose message and traceback are safe to print."""

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        return printable_lines(super().getMessage())

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "exc_text" and value:
            value = printable_lines(value)
        super().__setattr__(name, value)


def make_output_safe() -> None:
    """Make everything safe that is printed or logged from now on."""
    open_closed_streams()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):
            # A question mark for what the terminal's character set lacks, not a traceback.
            stream.reconfigure(errors="replace")
        if not isinstance(stream, SafeStream):
            setattr(sys, name, SafeStream(stream))
    logging.setLogRecordFactory(_SafeRecord)


def outlast_reader() -> None:
    """Let the standard output, made safe, end nothing where its reader has left."""
    safe: Any = sys.stdout  # as in `raw_stream`
    if isinstance(safe, SafeStream) and isinstance(safe.raw, TextIOWrapper):
        safe.raw = outlasting(safe.raw)


def raw_stream(stream: TextIO) -> TextIO:
    """Return the stream below `make_output_safe`, for what makes escape sequences of its own."""
    below: Any = stream  # typed as Any: print() needs no more of a stream than SafeStream has
    return below.raw if isinstance(below, SafeStream) else stream
