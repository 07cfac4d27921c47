"""The connection of a run to the scheduler that started it.

Nobody else enforces the run's time limit or records its end, so a run ends with its scheduler.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from time import sleep

#: The environment variable that holds the run's id. If it is set, the standard input is a pipe
#: that closes when the scheduler exits.
RUN_ID_VARIABLE = "JOB_RUN"
#: Seconds between SIGTERM and SIGKILL: another scheduler starts the job again within a minute.
_GRACE = 30.0


class ParentProcess:
    """The scheduler that started this process, if one did.

    ``run_id`` is the id of this run, ``""`` if no scheduler started it. ``gone`` is True once the
    scheduler has exited: this process has then been asked to stop, and has to record its own end.
    """

    def __init__(self) -> None:
        self.run_id = os.environ.pop(RUN_ID_VARIABLE, "")
        self.gone = False
        if self.run_id:
            threading.Thread(target=self._watch, name="parent", daemon=True).start()

    def _watch(self) -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        self.gone = True
        os.kill(os.getpid(), signal.SIGTERM)
        sleep(_GRACE)
        os.kill(os.getpid(), signal.SIGKILL)
