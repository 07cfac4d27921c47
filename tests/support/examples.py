"""How many examples hypothesis draws where one takes long: some in a usual run, all if asked for."""

from __future__ import annotations

import os

#: ``all``, or nothing.
_VARIABLE = "SACHO_TEST_EXAMPLES"


def of_costly(number: int) -> int:
    """Return how many of so many examples are drawn: two in five, all with the variable."""
    return number if os.environ.get(_VARIABLE) == "all" else number * 2 // 5
