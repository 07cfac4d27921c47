"""The lines between a scheduler and a process that crawls for it: orders there, exit codes back."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CrawlOrder:
    """A crawl to begin: the id of its run, the words of its command line, the path of its log.

    ``log`` is ``""`` where none can be written.
    """

    run_id: str
    words: tuple[str, ...]
    log: str

    def line(self) -> bytes:
        """Return the order as a line."""
        return _line({"run": self.run_id, "words": self.words, "log": self.log})


@dataclass(frozen=True, slots=True)
class StopOrder:
    """A crawl to end, in order."""

    run_id: str

    def line(self) -> bytes:
        """Return the order as a line."""
        return _line({"stop": self.run_id})


@dataclass(frozen=True, slots=True)
class CrawlEnd:
    """A crawl that has ended, and its exit code."""

    run_id: str
    code: int

    def line(self) -> bytes:
        """Return the end as a line."""
        return _line({"run": self.run_id, "exit": self.code})


def read_order(line: bytes) -> CrawlOrder | StopOrder:
    """Return the order that a line holds."""
    given = json.loads(line)
    if "stop" in given:
        return StopOrder(given["stop"])
    return CrawlOrder(given["run"], tuple(given["words"]), given["log"])


def read_end(line: bytes) -> CrawlEnd:
    """Return the end that a line holds."""
    given = json.loads(line)
    return CrawlEnd(given["run"], given["exit"])


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"
