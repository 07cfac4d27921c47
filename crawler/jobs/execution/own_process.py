"""How a run is executed, and the usual way: a process of its own."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
from typing import TYPE_CHECKING, NamedTuple, Protocol

from crawler.cli.parent_process import RUN_ID_VARIABLE, SETTINGS_VARIABLE
from crawler.cli.verbs import command_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from crawler.jobs.due import Order

_log = logging.getLogger(__name__)


class RunEnd(NamedTuple):
    """How a run ended by itself: its exit code, None if none was reported.

    ``crashed`` is whether it ended with others that ran in its process, through no fault of its
    own.
    """

    code: int | None
    crashed: bool = False


class Execution(Protocol):
    """A run that is going on, however it is executed."""

    def fileno(self) -> int:
        """Return the descriptor that is readable once the run has ended."""

    def stop(self) -> None:
        """Ask the run to end by itself."""

    def kill(self) -> None:
        """End it at once."""

    def close(self) -> RunEnd:
        """Free what it held, now that it has ended; return how it did."""


class Executor(Protocol):
    """A way to execute runs."""

    def start(self, order: Order, run_id: str, log: str, output: IO[str]) -> Execution | None:
        """Start a run whose output goes to a file, ``log`` if that has a name.

        If that fails, log it and return None.
        """


class OwnProcesses:
    """Executes each run in a process of its own. ``settings`` are passed on to all of them."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings

    def start(
        self,
        order: Order,
        run_id: str,
        log: str,  # noqa: ARG002  (of the protocol: the file is open already)
        output: IO[str],
    ) -> OwnProcess | None:
        """Start the run's process; if that fails, log it and return None."""
        job = order.job
        settings = {**self._settings, **dict(job.settings)}
        try:
            process = subprocess.Popen(  # noqa: S603  (our own command line)
                [*command_line(), job.verb, *order.words],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(settings, run_id),
                # Ctrl-C at a terminal signals the whole process group; a run gets one signal from
                # here.
                process_group=0,
            )
        except OSError as error:
            _log.error("%s: %s could not be started (%s).", job.name, job.verb, error.strerror)
        except ValueError as error:  # an argument that the locale can't encode
            _log.error("%s: %s could not be started (%s).", job.name, job.verb, error)
        else:
            return OwnProcess(process)
        return None


class OwnProcess:
    """A run in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._fd = os.pidfd_open(process.pid)

    def fileno(self) -> int:
        """Return the descriptor that is readable once the process has ended."""
        return self._fd

    def stop(self) -> None:
        """Send SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def close(self) -> RunEnd:
        """Wait for the process, and return its exit code."""
        with self._process:
            pass
        os.close(self._fd)
        return RunEnd(self._process.returncode)


def environment(settings: Mapping[str, str], run_id: str) -> dict[str, str]:
    """Return the environment of a process that a scheduler starts.

    The settings are in it and not in the arguments, which every user of the machine can list: an
    INDEX_URL or ALERT_URL may hold a password.
    """
    return {**os.environ, RUN_ID_VARIABLE: run_id, SETTINGS_VARIABLE: json.dumps(dict(settings))}
