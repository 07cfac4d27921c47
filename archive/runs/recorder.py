"""Write one run: its row with its counts, and a row for each input that was not unchanged."""

from __future__ import annotations

import socket
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from archive.index.database import IndexUnusableError
from archive.index.rows.bulk import insert_rows
from archive.index.schema import outcomes, runs
from archive.index.writers.parts import run_part
from archive.index.writers.process_identity import this_process
from archive.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from archive.frontier.visits import VisitResult
    from archive.model.outcome import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one input of a run; ``outlet`` and ``url`` are empty if they are unknown.

    ``visited`` is the result for the frontier, if the input was a visit of a crawl. ``paywalled``
    is whether what was stored is not free to read; ``generic`` whether no layout read its article.
    """

    source: str
    verdict: Verdict
    outlet: str = ""
    url: str = ""
    visited: VisitResult | None = None
    paywalled: bool = False
    generic: bool = False


class RunRecorder:
    """Collects the results of a run, and writes them in the transactions that write the captures.

    ``begun`` is the id of the run if the process that started this one has written its row already,
    else ``""``. ``arguments`` are those of the command.
    """

    def __init__(
        self,
        verb: str,
        *,
        begun: str = "",
        outlet: str = "",
        arguments: Sequence[str] = (),
        version: str = "",
    ) -> None:
        self.id = begun or uuid.uuid4().hex
        #: The part of the index that whoever calls `write` or `end` must have.
        self.part = run_part(self.id)
        self.counts: Counter[tuple[str, str]] = Counter()
        self._facts = {
            "verb": verb,
            "outlet": outlet,
            "arguments": list(arguments),
            "version": version,
        }
        self._started = datetime.now(UTC)
        self._rows: list[dict[str, Any]] = []
        self._stored = self._begun = bool(begun)

    def note(self, result: Result, capture_id: int | None = None) -> None:
        """Count a result, and collect its row for the next `write` unless it is unchanged."""
        verdict = result.verdict
        self.counts[(result.outlet, str(verdict))] += 1
        if verdict.outcome is Outcome.UNCHANGED:
            return
        self._rows.append(
            {
                "run_id": self.id,
                "at": datetime.now(UTC),
                "source": _storable(result.source),
                "outlet": result.outlet,
                "outcome": str(verdict.outcome),
                "reason": str(verdict.reason or ""),
                "detail": _storable(verdict.detail),
                "capture_id": capture_id,
            }
        )

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Forget what is noted and written in the block if it raises.

        Use it around the transaction.
        """
        before = (self.counts.copy(), self._rows.copy(), self._stored)
        try:
            yield
        except BaseException:  # raised again: the transaction is undone by the same
            self.counts, self._rows, self._stored = before
            raise

    def write(self, connection: Connection, *, ended: bool = False) -> None:
        """Write the run's row and the collected results, within the caller's transaction.

        :raises IndexUnusableError: the run was begun in another index.
        """
        ended_at = datetime.now(UTC) if ended else None
        self._write_row(connection, {"counts": self._table(), "ended_at": ended_at})
        insert_rows(connection, outcomes, self._rows)
        self._rows = []

    def end(self, connection: Connection) -> None:
        """Write only that the run has ended, if a bug keeps its results from being written.

        :raises IndexUnusableError: the run was begun in another index.
        """
        facts: dict[str, Any] = {"ended_at": datetime.now(UTC)}
        self._write_row(connection, facts if self._stored else facts | {"counts": {}})

    def _write_row(self, connection: Connection, facts: dict[str, Any]) -> None:
        """Insert the run's row with these columns, or update them.

        :raises IndexUnusableError: the run was begun in another index.
        """
        if self._stored:
            own = connection.execute(update(runs).where(runs.c.id == self.id).values(facts))
            if self._begun and not own.rowcount:
                raise IndexUnusableError(
                    "the run that a scheduler began is not in this index: INDEX_URL in a job's "
                    "settings must be the scheduler's, and the index must not be replaced while "
                    "jobs run."
                )
        else:
            process = {"host": socket.gethostname(), "holder": this_process()}
            itself = {"id": self.id, "started_at": self._started}
            connection.execute(insert(runs).values(self._facts | itself | process | facts))
            self._stored = True

    def _table(self) -> dict[str, dict[str, int]]:
        table: dict[str, dict[str, int]] = {}
        for (outlet, outcome), count in sorted(self.counts.items()):
            table.setdefault(outlet, {})[outcome] = count
        return table


def _storable(text: str) -> str:
    """Return the text with question marks for lone surrogates, which no database stores."""
    return text.encode("utf-8", "replace").decode()
