"""What fuzzing found: each fault once, by the shortest input that shows it."""

from __future__ import annotations

import hashlib
import re
import signal
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: CPU seconds that no input may cost.
LONGEST = 5.0
#: CPU seconds after which a check is ended.
_GIVEN_UP = 3 * LONGEST
_ROOT = Path(__file__).parents[3]


def fault_of(check: Callable[[bytes], None], data: bytes) -> str:
    """Return what is wrong with a check of an input, ``""`` for nothing."""
    began = process_time()
    signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, _GIVEN_UP)
    try:
        check(data)
    except _TooLongError:
        pass
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
        return _described(error)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    spent = process_time() - began
    return f"slow: more than {LONGEST:g} CPU s" if spent > LONGEST else ""


class _TooLongError(BaseException):
    """A check was ended from outside; nothing that it calls may take that for its own error."""


def _give_up(_number: int, _frame: object) -> None:
    raise _TooLongError


def _described(error: Exception) -> str:
    """Return the error's kind and the last place in our code that it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        f for f in frames if Path(f.filename).is_relative_to(_ROOT) and ".venv" not in f.filename
    ]
    place = ours[-1] if ours else frames[-1]
    name = Path(place.filename).name
    # the kind of fault alone: what follows a colon, or lines of pytest's, differs by input
    result = re.split("[:\n]", str(error))[0][:80] if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} at {name}:{place.lineno} {result}".rstrip()


@dataclass
class Findings:
    """The faults of a target by what they are; kept in a folder, so that a killed run keeps them."""

    target: str
    check: Callable[[bytes], None]
    folder: Path
    runs: int = 0
    faults: dict[str, bytes] = field(default_factory=dict)

    def try_input(self, data: bytes) -> None:
        """Run the check on an input and keep it if it shows a new fault, or a known one shorter."""
        self.runs += 1
        fault = fault_of(self.check, data)
        if fault and (fault not in self.faults or len(data) < len(self.faults[fault])):
            self.keep(fault, data)

    def keep(self, fault: str, data: bytes) -> None:
        """Keep an input that shows a fault."""
        self.faults[fault] = data
        self.path(fault).write_bytes(data)
        self.path(fault).with_suffix(".txt").write_text(fault)

    def path(self, fault: str) -> Path:
        """Return the file of a fault's input."""
        return self.folder / f"{self.target}-{hashlib.sha256(fault.encode()).hexdigest()[:12]}.bin"


def shortened(check: Callable[[bytes], None], data: bytes, fault: str, seconds: float) -> bytes:
    """Return a shorter input that shows the same fault, found by leaving parts out."""
    until = monotonic() + seconds
    size = len(data) // 2
    while size and monotonic() < until:
        at = 0
        while at < len(data) and monotonic() < until:
            less = data[:at] + data[at + size :]
            if fault_of(check, less) == fault:
                data = less
            else:
                at += size
        size //= 2
    return data
