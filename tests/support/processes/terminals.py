"""Verbs under odd terminals: closed, full and broken streams, character sets, widths.

One process is started for a terminal; it imports the program once, and runs each verb in a copy of
itself, whose end is that of the real program.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.processes.cli import ROOT
from tests.support.processes.forked_verbs import import_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.processes.cli import Workspace


@dataclass(frozen=True)
class Terminal:
    """How the streams of a program are: ``redirected`` as a shell does, or a width in columns."""

    name: str
    redirected: str = ""
    columns: int = 0
    env: tuple[tuple[str, str], ...] = ()
    #: The standard error is what is odd: what is written to it is not seen.
    is_mute: bool = False


TERMINALS = (
    Terminal("no stdout", ">&-"),
    Terminal("no stderr", "2>&-", is_mute=True),
    Terminal("no stdin", "<&-"),
    Terminal("no stream", "<&- >&- 2>&-", is_mute=True),
    Terminal("full disk", ">/dev/full"),
    Terminal("full disk, stderr", "2>/dev/full", is_mute=True),
    Terminal("reader gone", "| true"),
    Terminal("POSIX", env=(("LC_ALL", "POSIX"), ("PYTHONCOERCECLOCALE", "0"), ("PYTHONUTF8", "0"))),
    Terminal("EUC-KR", env=(("PYTHONIOENCODING", "euc-kr"),)),
    Terminal("no colour", columns=80, env=(("NO_COLOR", "1"),)),
    *(Terminal(f"{columns} columns", columns=columns) for columns in (20, 40, 80, 200)),
)


#: The name of the file with the exit statuses, in the folder that keeps how verbs ended.
_ENDINGS = "endings.json"


@dataclass(frozen=True)
class Ending:
    """How a verb ended, and what it wrote to the standard error."""

    terminal: str
    words: str
    code: int
    err: str

    @property
    def is_sound(self) -> bool:
        """Whether it ended with an exit status of ours, and without a traceback."""
        signs = ("Traceback", "Exception ignored", "Logging error")
        return self.code in (0, 1, 2) and not any(sign in self.err for sign in signs)


def run_under(
    terminal: Terminal, workspace: Workspace, verbs: Sequence[Sequence[str]], folder: Path
) -> Iterator[Ending]:
    """Run the verbs; yield how each ended."""
    line = f'"$0" "$@" {terminal.redirected}'
    env = workspace.environment(dict(terminal.env)) | {"TERM": "xterm"}
    process = ["sh", "-c", line, *run_each(verbs, folder, is_mute=terminal.is_mute)]
    if terminal.columns:
        _run_on_terminal(process, terminal.columns, env)
    else:
        subprocess.run(process, cwd=ROOT, env=env, capture_output=True, timeout=600, check=False)
    for ending in endings(folder, verbs):
        yield replace(ending, terminal=terminal.name)


def run_each(verbs: Sequence[Sequence[str]], folder: Path, *, is_mute: bool = False) -> list[str]:
    """Return the command that runs the verbs one after the other; the folder keeps how they ended.

    What they write to the standard error is kept there, unless it is mute.
    """
    orders = json.dumps({"verbs": verbs, "folder": str(folder), "mute": is_mute})
    return [sys.executable, "-m", __name__, orders]


def endings(folder: Path, verbs: Sequence[Sequence[str]]) -> Iterator[Ending]:
    """Yield how each of the verbs ended that `run_each` ran."""
    for number, code in enumerate(json.loads((folder / _ENDINGS).read_text())):
        kept = folder / f"{number}.err"
        err = kept.read_text("utf-8", "replace") if kept.exists() else ""
        yield Ending("", " ".join(verbs[number]), code, err)


def _run_on_terminal(process: list[str], columns: int, env: dict[str, str]) -> None:
    terminal, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with os.fdopen(terminal, "rb", buffering=0) as screen:
        with os.fdopen(slave, "wb") as stream:
            started = subprocess.Popen(process, cwd=ROOT, env=env, stdin=stream, stdout=stream)
        with suppress(OSError):  # the last process with the terminal has ended
            while screen.read(65536):
                pass
        started.wait(timeout=600)


def main() -> None:
    """Run the verbs that the first argument lists, each in a copy of this process."""
    orders = json.loads(sys.argv[1])
    import_ahead()
    codes = []
    for number, words in enumerate(orders["verbs"]):
        child = os.fork()
        if child == 0:
            _be_verb(words, "" if orders["mute"] else f"{orders['folder']}/{number}.err")
            return
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    Path(orders["folder"], _ENDINGS).write_text(json.dumps(codes), "utf-8")


def _be_verb(words: list[str], err: str) -> None:
    from crawler.__main__ import main as sacho

    if err:
        kept = os.open(err, os.O_WRONLY | os.O_CREAT)
        os.dup2(kept, 2)
        os.close(kept)
    sys.argv = ["sacho", *words]
    sacho()


if __name__ == "__main__":
    main()
