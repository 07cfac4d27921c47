"""Transactions that the database undid because of another one, and that are begun again.

No two of ours should wait for each other (see `archive.index.postgres.database`); where they do,
PostgreSQL undoes one of them.
"""

from __future__ import annotations

import logging
from collections import Counter
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from archive.index.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)
#: How often one is begun again before its error is raised.
_MOST = 10
_P = ParamSpec("_P")
_T = TypeVar("_T")

#: How often this process began each function again.
repeated: Counter[str] = Counter()


def repeated_on_conflict(write: Callable[_P, _T]) -> Callable[_P, _T]:
    """Call a function, which is one write transaction, again where the database undid that.

    It must leave nothing outside the database if it raises.
    """

    @wraps(write)
    def repeating(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(_MOST):
            try:
                return write(*args, **kwargs)
            except ConflictError as error:
                repeated[write.__qualname__] += 1
                _log.info("%s is begun again: %s", write.__qualname__, error)
        return write(*args, **kwargs)

    return repeating
