"""Parse HTML into a tree; the one place that calls the parser, and that knows its error."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, SelectolaxError

from archive.model.memory import may_take

if TYPE_CHECKING:
    from collections.abc import Callable

#: What scripts would be told of is left out; parsing takes a tenth less. A browser copies a list's
#: chosen option into its button: here it stands once, where the page has it.
_WITHOUT_EVENTS = LexborDocumentOptions.WO_EVENTS.value
#: The bytes that any tree may take, and how many times the length of its text besides.
_LEAST, _GROWTH = 2**20, 32
_P = ParamSpec("_P")
_T = TypeVar("_T")


def parse_html(html: str | bytes) -> LexborHTMLParser:
    """Return the tree of any HTML, however broken; bytes must be UTF-8.

    :raises MemoryError: there is no memory for its tree. The parser crashes where it gets none.
    """
    if not may_take(_LEAST + _GROWTH * len(html)):
        raise MemoryError(f"no memory for the tree of {len(html)} characters")
    return LexborHTMLParser(html, options=_WITHOUT_EVENTS)


def reads_trees(read: Callable[_P, _T]) -> Callable[_P, _T]:
    """Make a function that parses and searches HTML raise `MemoryError` where the parser gets none.

    It has an error of its own for that. It fails for no other reason: every text has a tree, and
    selectors are checked when an outlet is loaded.
    """

    @wraps(read)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return read(*args, **kwargs)
        except SelectolaxError as error:
            raise MemoryError(f"the HTML parser: {error}") from error

    return wrapped
