"""The tie between a run and the process that started it: without that one nobody keeps its time limit or its books."""

from __future__ import annotations

import os
import signal
import sys
import threading
from time import sleep

#: The environment variable by which a run knows its id, and that its standard input ends with who
#: started it.
TETHER = "JOB_RUN"
#: Seconds a run has to end by itself: another scheduler is to take it up within a minute.
_GRACE = 30.0


class Tether:
    """Ties this process to the scheduler that started it, if one did.

    ``run_id`` is the run's, ``""`` where no scheduler did. ``cut`` is whether the scheduler is
    gone: then this process has been asked to end, and nobody else writes down how it did.
    """

    def __init__(self) -> None:
        self.run_id = os.environ.pop(TETHER, "")
        self.cut = False
        if self.run_id:
            threading.Thread(target=self._hold, name="tether", daemon=True).start()

    def _hold(self) -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        self.cut = True
        os.kill(os.getpid(), signal.SIGTERM)
        sleep(_GRACE)
        os.kill(os.getpid(), signal.SIGKILL)
