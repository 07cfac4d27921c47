"""strace: to look on while a verb works, to kill it at a certain call, or to let one fail."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The calls that change what lies on a disk.
CHANGES = (
    "openat",
    "write",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "unlink",
    "mkdir",
)
_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+|\?)(?P<rest>.*)")
_STRING = re.compile(r'[<"]((?:\\x[0-9a-f]{2})*)[>"]')


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a log: its strings (paths of descriptors too) in order, its other arguments, and its result."""

    name: str
    strings: tuple[bytes, ...]
    plain: str
    result: int

    @property
    def path(self) -> str:
        """What the first string names."""
        return self.strings[0].decode()


@cache
def why_not() -> str:
    """Why nothing can be traced here; empty where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            tracer = subprocess.Popen(["strace", "-p", str(sleeper.pid)], stderr=subprocess.PIPE)
            assert tracer.stderr is not None
            result = tracer.stderr.readline().decode("utf-8", "replace").strip()
        finally:
            sleeper.send_signal(signal.SIGKILL)
        tracer.communicate()
    return "" if "attached" in result else f"no other process may be traced: {result}"


def kill_at(name: str, number: int) -> list[str]:
    """Kill at the so-manieth call of that name."""
    return [
        "strace",
        "-o",
        "/dev/null",
        "-e",
        f"trace={name}",
        "-e",
        f"inject={name}:signal=KILL:when={number}",
    ]


def fail_at(name: str, number: int, error: str, log: Path) -> list[str]:
    """Let the so-manieth call of that name fail, and only that one."""
    inject = f"inject={name}:error={error}:when={number}"
    return ["strace", "-xx", "-y", "-s", "0", "-o", str(log), "-e", f"trace={name}", "-e", inject]


def look_on(log: Path) -> list[str]:
    """Log every change to a disk, with all its bytes."""
    return [
        "strace",
        "-xx",
        "-y",
        "-s",
        "100000000",
        "-o",
        str(log),
        "-e",
        "trace=" + ",".join(CHANGES),
    ]


def calls(log: Path) -> Iterator[Call]:
    """The calls of a log that did something."""
    with log.open(encoding="ascii") as lines:
        for line in lines:
            found = _CALL.match(line)
            if found is None or found["result"] in ("?", "-1"):
                continue
            strings = tuple(
                bytes.fromhex(x.replace("\\x", "")) for x in _STRING.findall(found["arguments"])
            )
            yield Call(
                found["name"], strings, _STRING.sub("", found["arguments"]), int(found["result"])
            )


def failed_path(log: Path) -> str:
    """The path of the call that was let fail; empty if none was."""
    for line in log.read_text("ascii").splitlines():
        if line.endswith("(INJECTED)"):
            string = _STRING.search(line)
            return bytes.fromhex(string[1].replace("\\x", "")).decode() if string else "?"
    return ""
