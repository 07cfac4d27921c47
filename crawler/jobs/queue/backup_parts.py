"""A backup whose segments workers copy: their parts are deferred, and waited for."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from archive.index.database import Index
from archive.model.errors import PartsError
from archive.runs.record import Ending
from crawler.jobs.queue.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class BackupByWorkers:
    """Lets workers copy segments to the backup in ``folder``, which they all see, in parts."""

    def __init__(self, url: str, folder: Path, number: int) -> None:
        self._url, self._folder, self._number = url, folder, number

    @contextmanager
    def __call__(self, state: str) -> Iterator[Callable[[], None]]:
        """Defer the parts of what is planned in the folder ``state``; yield what waits for them.

        What is yielded raises PartsError where a part was not done, or no worker runs.

        :raises IndexUnusableError: the index or its queue can't be used.
        """
        words = [
            [str(self._folder), "--part", f"{part}/{self._number}", "--of", state]
            for part in range(1, self._number + 1)
        ]
        with (
            Index(self._url, brief=True) as index,
            Parts(index, "backup", words, state, left="what it has copied is kept") as parts,
        ):
            yield lambda: _wait(parts)


def _wait(parts: Parts) -> None:
    for run in parts.ended():
        # The copies go on. What can't be written is said at the end, where the backup is reported.
        with suppress(OSError):
            print(parts.line(run), flush=True)
        if run.ending is not Ending.SUCCEEDED:
            raise PartsError(
                f"a part could not be copied; {run.log or 'its log'} says why. What was backed up "
                "before is as it was, and the same command continues."
            )
