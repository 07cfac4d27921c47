"""The summary of a run: a sentence for each failure, a table by outlet, and the exit status."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.model.outcome import OF_HOST, Outcome, Reason
from crawler.cli.output.plural import counted
from crawler.cli.output.progress import ProgressBar, Unit
from crawler.cli.output.tables import print_table

if TYPE_CHECKING:
    from archive.model.outcome import Verdict
    from archive.runs.recorder import Result

#: Failures printed before the rest is only counted; all of them are in the table ``outcomes``.
_SENTENCES = 20

#: What the user can do about a failure, by reason.
_ADVICE = {
    Reason.EMPTY_BODY: "the page is empty; save it again",
    Reason.NO_LAYOUT: (
        "it matches none of the outlet's layouts; add one to its file in crawler/outlets"
    ),
    Reason.NO_HEADLINE: "no headline was found; check the layout's selectors",
    Reason.NO_PUBLISHED: "no publication time was found; check the layout's selectors",
    Reason.NO_BODY: "no body was found; check the layout's selectors and widget rules",
    Reason.BODY_TOO_SHORT: "its body is shorter than an article's; check the page",
    Reason.MOJIBAKE: (
        "its text was saved in a wrong encoding and is damaged; save it again as it is served"
    ),
    Reason.LOGIN_WALL: "it is a login page; save the article while logged in, or leave it out",
    Reason.CONSENT_WALL: "it is a consent page; save the article behind it",
    Reason.BOT_CHALLENGE: "it is a bot challenge; save the article behind it",
    Reason.MAINTENANCE: "the site is under maintenance; save the article when that is over",
    Reason.SOFT_404: "the page says that the article does not exist",
    Reason.DELETED: "the page says that the article was deleted",
    Reason.BAD_CONTENT: "its body is not in the content coding that its headers declare",
    Reason.UNKNOWN_CODING: "its body is in a content coding that is not supported",
    Reason.TRUNCATED: "only part of the page was received; fetch or save it again",
    Reason.NO_IDENTITY: "neither its address nor its content identifies an article",
    Reason.OTHER_ARTICLE: "the page says that it is another article than the one asked for",
    Reason.TOO_COSTLY: (
        "reading it takes more than 5 CPU seconds; it is kept, and a reindex tries it again"
    ),
}


class Report:
    """Collects results; prints failures to stderr as they come, and the summary to stdout.

    What fails because of its host is one sentence for the host, at the end, with the number.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, Outcome]] = Counter()
        self.reasons: Counter[tuple[str, Outcome, Reason]] = Counter()
        self.paywalled: Counter[str] = Counter()
        self.generic: Counter[str] = Counter()
        self._failures = 0
        #: Failures that are told one by one, and those that would be too many to tell.
        self._told = self._untold = 0
        #: By host and reason, the first failure that holds for all of the host, and the number.
        self._hosts: dict[tuple[str, Reason], tuple[Verdict, int]] = {}
        self._bugs = 0
        self._bar: ProgressBar | None = None
        #: The report of all crawls of this process, if this is that of one of several.
        self._whole: Report | None = None

    def add(self, result: Result) -> None:
        """Count one result, and print a sentence if it is a failure."""
        verdict = result.verdict
        self.count(result.outlet, verdict)
        self.paywalled[result.outlet] += result.paywalled
        self.generic[result.outlet] += result.generic
        # A WARC may hold records of any site: one of an unknown outlet in it is not a failure.
        unknown_input = verdict.reason is Reason.UNKNOWN_OUTLET and not result.url
        if verdict.outcome in (Outcome.UNPARSED, Outcome.FAILED) or unknown_input:
            self._failures += 1
            self._tell(result)
        self.advance()

    def _tell(self, result: Result) -> None:
        """Print a failure, unless there were many before or its host is told of at the end."""
        verdict = result.verdict
        if verdict.reason in OF_HOST and result.url:
            host = urlsplit(result.url).netloc
            first, number = self._hosts.get((host, verdict.reason), (verdict, 0))
            self._hosts[host, verdict.reason] = (first, number + 1)
            return
        if self._told == _SENTENCES:
            self._untold += 1
            return
        self._told += 1
        self._print(f"{result.source}: {verdict}: {_explanation(verdict)}")

    def add_bug(self) -> None:
        """Count an exception that was logged and that no result tells of."""
        self._bugs += 1

    def count(self, outlet: str, verdict: Verdict, number: int = 1) -> None:
        """Count results of one verdict, without printing them."""
        outlet = outlet or "–"
        self.counts[(outlet, verdict.outcome)] += number
        if verdict.reason is not None:
            self.reasons[(outlet, verdict.outcome, verdict.reason)] += number

    def show_in(self, whole: Report) -> None:
        """Let another report show the progress, and print what is said meanwhile."""
        self._whole = whole

    def absorb(self, part: Report) -> None:
        """Add what the report of one of several crawls has collected."""
        self.counts.update(part.counts)
        self.reasons.update(part.reasons)
        self.paywalled.update(part.paywalled)
        self.generic.update(part.generic)
        self._failures += part._failures
        self._untold += part._untold
        for place, (verdict, number) in part._hosts.items():
            first, before = self._hosts.get(place, (verdict, 0))
            self._hosts[place] = (first, before + number)
        self._bugs += part._bugs

    def advance(self, number: int = 1) -> None:
        """Advance the progress bar, if it is shown."""
        if self._whole is not None:
            self._whole.advance(number)
        elif self._bar is not None:
            self._bar.advance(number)

    @property
    def exit_code(self) -> int:
        """1 if any input failed, or a bug was met, else 0."""
        return 1 if self._failures or self._bugs else 0

    @property
    def has_failed(self) -> bool:
        """Whether an input failed or a bug was met; a page without an article is no failure."""
        return self._bugs > 0 or any(outcome is Outcome.FAILED for _, outcome in +self.counts)

    def start(self, label: str, total: int | None = None) -> None:
        """Show progress until `finish`; ``total`` is in bytes, None to count results instead."""
        self._stop()
        self._bar = ProgressBar(label, Unit.ITEMS if total is None else Unit.BYTES, total)
        self._bar.start()

    def finish(self) -> None:
        """Remove the progress bar and print the summary by outlet."""
        self._stop()
        for (host, _), (verdict, number) in sorted(self._hosts.items()):
            self._print(f"{host}: {verdict}: {verdict.detail} ({counted(number, 'article')})")
        if self._untold:
            self._print(f"… and {self._untold} more; all are in the index's table outcomes.")
        if self._bugs:
            self._print(bugs_in_log(self._bugs))
        rows = []
        for outlet in sorted({outlet for outlet, _ in self.counts}):
            figures = [self.counts[(outlet, outcome)] for outcome in Outcome]
            rows.append((outlet, str(sum(figures)), *map(str, figures)))
        print_table(("outlet", "captures", *Outcome), rows, figures=len(Outcome) + 1)
        for (outlet, outcome, reason), count in sorted(self.reasons.items()):
            print(f"{outcome}/{reason} {outlet}: {count}")
        for outlet, count in sorted((+self.paywalled).items()):
            print(f"paywalled {outlet}: {count} of the stored")
        for outlet, count in sorted((+self.generic).items()):
            print(f"generic {outlet}: {count} read by no layout")

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self, sentence: str) -> None:
        if self._whole is not None:
            self._whole._print(sentence)
        elif self._bar is not None:
            self._bar.print(sentence, sys.stderr)
        else:
            print(sentence, file=sys.stderr)


def bugs_in_log(number: int) -> str:
    """Return the sentence about exceptions that no result tells of."""
    return f"{counted(number, 'unexpected exception')} in the log above; this is a bug."


def _explanation(verdict: Verdict) -> str:
    """Return the failure's own detail, or what the user can do about its reason."""
    if verdict.detail or verdict.reason is None:
        return verdict.detail
    return _ADVICE.get(verdict.reason, "")
