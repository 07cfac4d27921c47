"""The name of the command that this process was started as, for messages that say what to type."""

from __future__ import annotations

import os

_VARIABLE = "SACHO_PROGRAM"

#: ``sacho``, or ``scrapy`` where Scrapy's own command was started in a checkout.
PROGRAM = os.environ.get(_VARIABLE) or "scrapy"


def started_as(name: str) -> None:
    """Set `PROGRAM` for this process and its children.

    Call it before any module that reads the name is imported.
    """
    global PROGRAM
    PROGRAM = os.environ[_VARIABLE] = name
