"""Texts with NUL, which PostgreSQL does not hold: it is stored as HTML shows it, as U+FFFD."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from archive.index.dialect import as_json

if TYPE_CHECKING:
    from psycopg import Connection

_NUL = "\0"
_SHOWN = "�"
#: An escaped backslash, or NUL as JSON has it.
_ESCAPED = re.compile(r"(\\\\)|\\u0000")


def json_without_nul(value: Any) -> str:
    """Return a value as the text of JSON that is stored."""
    text = as_json(value)
    if "\\u0000" not in text:
        return text
    return _ESCAPED.sub(lambda found: found[1] or _SHOWN, text)


def store_nul(connection: Connection, _: object) -> None:
    """Let a new connection take texts with NUL."""
    # Imported here: where there is a connection, the driver is installed.
    from psycopg.types.string import StrDumperUnknown

    class TextDumper(StrDumperUnknown):
        def dump(self, obj: str) -> bytes:
            return obj.replace(_NUL, _SHOWN).encode()

    connection.adapters.register_dumper(str, TextDumper)
