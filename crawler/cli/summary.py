"""What a run says of itself: each failure in a sentence, a table by outlet, and the exit status."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from archive.model.outcome import Outcome, Reason
from crawler.cli.tables import print_table

if TYPE_CHECKING:
    from archive.model.outcome import Verdict
    from archive.runs.recorder import Result

#: Sentences printed before the rest is only counted; all of them are in the index's ``outcomes``.
_SENTENCES = 20

#: What a person can do about it, by reason.
_ADVICE = {
    Reason.EMPTY_BODY: "the page is empty; save it again",
    Reason.NO_LAYOUT: "it has no known layout of the outlet; add one to its file in crawler/outlets",
    Reason.NO_HEADLINE: "no headline was found; check the layout's selectors",
    Reason.NO_PUBLISHED: "no time of publication was found; check the layout's selectors",
    Reason.NO_BODY: "no body was found; check the layout's selectors and widget rules",
    Reason.BODY_TOO_SHORT: "its body is shorter than an article's; look at the page",
    Reason.MOJIBAKE: "its text was damaged by a wrong encoding before it was saved; save it again as it is served",
    Reason.LOGIN_WALL: "it is a login page; save the article while logged in, or leave it out",
    Reason.CONSENT_WALL: "it is a consent page; save the article behind it",
    Reason.BOT_CHALLENGE: "it is a bot challenge; save the article behind it",
    Reason.SOFT_404: "it says that the article is not there",
    Reason.DELETED: "it says that the article was deleted",
    Reason.BAD_CONTENT: "its body does not decode as its head says",
    Reason.UNKNOWN_CODING: "its body is in a coding that was not asked for, and that nothing here can undo",
    Reason.TRUNCATED: "only part of the page arrived; fetch or save it again",
    Reason.NO_IDENTITY: "neither its address nor its content identifies it",
}


class Report:
    """Collects results, prints failures to stderr as they come, and the summary to stdout at the end."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, Outcome]] = Counter()
        self.reasons: Counter[tuple[str, Outcome, Reason]] = Counter()
        self._said = 0
        self._failed = False
        self._progress: Progress | None = None

    def add(self, result: Result) -> None:
        """Count one result; say it in a sentence if somebody must look at it."""
        verdict = result.verdict
        self.count(result.outlet, verdict)
        # A record of another outlet within a WARC is no failure: web archives hold many sites.
        stray = verdict.reason is Reason.UNKNOWN_OUTLET and not result.url
        if verdict.outcome in (Outcome.UNPARSED, Outcome.FAILED) or stray:
            self._failed = True
            self._said += 1
            if self._said <= _SENTENCES:
                why = verdict.detail or (_ADVICE.get(verdict.reason, "") if verdict.reason else "")
                self._say(f"{result.source}: {verdict}: {why}")
        self.advance()

    def count(self, outlet: str, verdict: Verdict, number: int = 1) -> None:
        """Count results that nobody need look at."""
        outlet = outlet or "–"
        self.counts[(outlet, verdict.outcome)] += number
        if verdict.reason is not None:
            self.reasons[(outlet, verdict.outcome, verdict.reason)] += number

    def advance(self, number: int = 1) -> None:
        """Show that so many more are done."""
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0], number)

    @property
    def exit_code(self) -> int:
        """0 if everything given was read or rightly passed over, else 1."""
        return 1 if self._failed else 0

    def start(self, what: str, total: int | None = None) -> None:
        """Show progress until `finish`, on a terminal only; ``total`` is in bytes, where it is known."""
        if sys.stderr.isatty():
            so_far = (MofNCompleteColumn(), TimeElapsedColumn())
            until = (DownloadColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            columns = (
                SpinnerColumn(),
                TextColumn(what),
                BarColumn(),
                *(so_far if total is None else until),
            )
            self._stop()
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.add_task(what, total=total)
            self._progress.start()

    def finish(self) -> None:
        """Take the progress away and print the summary by outlet."""
        self._stop()
        if self._said > _SENTENCES:
            self._say(
                f"… and {self._said - _SENTENCES} more; all are in the index's table outcomes."
            )
        outlets = sorted({outlet for outlet, _ in self.counts})
        figures = [[self.counts[(outlet, outcome)] for outcome in Outcome] for outlet in outlets]
        rows = [
            (outlet, str(sum(row)), *map(str, row))
            for outlet, row in zip(outlets, figures, strict=True)
        ]
        print_table(("outlet", "captures", *Outcome), rows, figures=len(Outcome) + 1)
        for (outlet, outcome, reason), count in sorted(self.reasons.items()):
            print(f"{outcome}/{reason} {outlet}: {count}")

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _say(self, sentence: str) -> None:
        if self._progress is not None:
            self._progress.console.print(sentence, markup=False, highlight=False, soft_wrap=True)
        else:
            print(sentence, file=sys.stderr)
