"""Addresses of databases and servers as they are shown: without what may be a password."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

#: The password in an address, also in one that is not well formed: without its colon or
#: slashes, or without the host behind it.
_PASSWORD = re.compile(r"(?s)(^[\w+]*:?//(?!/)[^:@]*:|^[\w+]*:(?!//)).*(@)")
_PASSWORD_AT_END = re.compile(r"(^[\w+]*://(?!/)[^/:@\[]*:)(?!\d*(?:[/?]|$))[^/?]*")
_PASSWORD_WORD = re.compile(r"(?i)(password\s*=\s*)\S+")
#: A parameter of an address; those named hold no password, nor does a search path.
_PARAMETER = re.compile(r"([?&;])([^=&;]*=)([^&;]*)")
_HARMLESS = frozenset({"host", "port", "user", "dbname", "sslmode", "application_name"})
_SEARCH_PATH = re.compile(r"\s*(-c\s*|--)search_path\s*=[\w\s,$\"]*")


def shown_url(url: str) -> str:
    """Return an address without what may be a password; it need not be well formed."""
    shown = _PASSWORD.sub(r"\1***\2", url)
    if "@" not in shown:
        shown = _PASSWORD_AT_END.sub(r"\1***", shown)
    head, mark, parameters = shown.partition("?")
    return _PASSWORD_WORD.sub(r"\1***", head) + _PARAMETER.sub(_parameter, mark + parameters)


def _parameter(found: re.Match[str]) -> str:
    """Return a parameter of an address as it is shown."""
    begin, name, value = found.groups()
    known = unquote(name).removesuffix("=")
    if known in _HARMLESS or (known == "options" and _SEARCH_PATH.fullmatch(unquote_plus(value))):
        return found[0]
    return f"{begin}{name}***"
