"""The connection of a run to the scheduler that started it.

Nobody else enforces the run's time limit or records its end, so a run ends with its scheduler.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from time import sleep

from crawler.cli.memory import start_thread

#: The environment variable that holds the run's id. If it is set, the standard input is a pipe
#: that closes when the scheduler exits.
RUN_ID_VARIABLE = "JOB_RUN"
#: The environment variable that holds the run's settings, as a JSON object of texts.
SETTINGS_VARIABLE = "JOB_SETTINGS"
#: Seconds between SIGTERM and SIGKILL: another scheduler starts the job again within a minute.
GRACE = 30.0


def settings_of_job() -> dict[str, str]:
    """Return the settings that the scheduler gives this process, and to no process of its own.

    :raises ValueError: the variable holds something else than a JSON object.
    """
    given = json.loads(os.environ.pop(SETTINGS_VARIABLE, "") or "{}")
    if not isinstance(given, dict):
        raise ValueError(f"{SETTINGS_VARIABLE} is no object")
    return {str(name): str(value) for name, value in given.items()}


def is_run_of_job() -> bool:
    """Return whether a scheduler started this process; False once `ParentProcess` is made."""
    return bool(os.environ.get(RUN_ID_VARIABLE))


class ParentProcess:
    """The scheduler that started this process, if one did.

    ``run_id`` is the id of this run, ``""`` if no scheduler started it. ``gone`` is True once the
    scheduler has exited: this process has then been asked to stop, and has to record its own end.

    :raises MemoryError: there is no memory for the thread that waits for that.
    """

    def __init__(self) -> None:
        self.run_id = os.environ.pop(RUN_ID_VARIABLE, "")
        self.gone = False
        if self.run_id:
            start_thread(threading.Thread(target=self._watch, name="parent", daemon=True))

    def _watch(self) -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        self.gone = True
        os.kill(os.getpid(), signal.SIGTERM)
        sleep(GRACE)
        os.kill(os.getpid(), signal.SIGKILL)
