"""A verb that is harmed at its work, run again until it is done, and held against one that nothing harmed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from archive.segments.lookup import RecordError
from tests.support.crawling.crawls import Crawls
from tests.support.databases.postgres import copy_folder
from tests.support.documents import MADE
from tests.support.faults.fork_server import ForkServer, RequestLog
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    from tests.support.mock_site.server import MockSite

#: Small batches and segments: the more writes, the more a fault can hit.
_BATCH, _SEGMENT, _WAIT = 4, 20_000, 0.05


@dataclass(slots=True)
class Tally:
    """What faults did: ``lost``, ``twice`` and ``unequal`` are articles, ``broken`` promises made and not kept."""

    harmed: int = 0
    unharmed: int = 0
    lost: int = 0
    twice: int = 0
    unequal: int = 0
    broken: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether faults cost nothing."""
        return not (self.lost or self.twice or self.unequal or self.broken or self.complaints)

    def line(self) -> str:
        """All of it in one line."""
        return json.dumps(asdict(self), ensure_ascii=False)


class Trial:
    """One folder where the verb is harmed. What it says and promises lies beside its workspace, not on it."""

    def __init__(self, top: Path, site: MockSite | None) -> None:
        top.mkdir(parents=True, exist_ok=True)
        self.top = top
        (top / "desk").mkdir(exist_ok=True)
        workspace = Workspace(top / "desk")
        self.crawls = (
            Crawls(cast("MockSite", None), workspace)
            if site is None
            else Crawls.into(workspace.folder, site)
        )
        self.said, self.acks, self.log = top / "said", top / "acks", top / "log"
        self.before = 0 if site is None else len(site.log)

    @property
    def workspace(self) -> Workspace:
        """The archive and the index."""
        return self.crawls.workspace

    def last_words(self) -> str:
        """What the verb said since it was asked last."""
        words = self.said.read_text("utf-8") if self.said.exists() else ""
        self.said.unlink(missing_ok=True)
        return words

    def promises(self) -> Counter[str]:
        """What was reported as kept so far; unchanged pages have no row, so they promise nothing that is looked up."""
        lines = self.acks.read_text("utf-8").splitlines() if self.acks.exists() else []
        return Counter(line for line in lines if not line.endswith("\tunchanged"))


class Work:
    """A replay of the seeds, a crawl of a mock site, or a reindex of what was replayed; use as a context manager."""

    def __init__(self, top: Path, site: MockSite | None = None, *, verb: str = "replay") -> None:
        self._top, self.site, self._number = top, site, 0
        self._command = ["replay", *map(str, MADE)]
        self._again = ["reindex", "--processes", "1"] if verb == "reindex" else []
        self._given: Path | None = None
        self._request_log = RequestLog()
        if site is not None:
            site.log = self._request_log
        self._fork_server = ForkServer(self._request_log)
        self.alone: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._fork_server.__enter__()
        trial = self.trial()
        assert self.run(trial) == 0, trial.last_words()
        self.alone = self._state(trial.crawls)
        assert self.alone["revisions"]
        if self._again:
            self._given, self._command = trial.workspace.folder, self._again
        return self

    def __exit__(self, *_: object) -> None:
        self._fork_server.__exit__()

    def trial(self) -> Trial:
        """A new folder."""
        self._number += 1
        trial = Trial(self._top / str(self._number), self.site)
        if self._given is not None:
            copy_folder(self._given, trial.workspace.folder)
        return trial

    def run(self, trial: Trial, trace: Sequence[str] = (), *, telling: bool = False) -> int:
        """Run the verb to its end; its exit status, or minus the signal it died of."""
        command = trial.crawls.command() if self.site is not None else self._command
        acks = trial.acks if telling else None
        batch = _BATCH if self.site is None else 500
        wait = _WAIT if self.site is not None else 60.0
        environment = trial.workspace.environment()
        self._fork_server.start(
            command,
            environment,
            trial.said,
            wait,
            batch=batch,
            segment=_SEGMENT,
            trace=trace,
            acks=acks,
        )
        return self._fork_server.code()

    def recover(self, trial: Trial, tally: Tally, what: str) -> None:
        """Give the same command again, and count what the fault cost."""
        promised = trial.promises()
        trial.last_words()
        code = self.run(trial)
        words = trial.last_words()
        crawls, own = trial.crawls, tally_of(tally)
        if code or "Traceback" in words:
            tally.complaints.append(f"{what}: the same command again: {code}: {words[-2000:]}")
            return
        try:
            assert {path.suffix for path in crawls.segments()} == {".gz"}, crawls.segments()
            crawls.check_captures()
            if self.site is not None:
                received = Counter(entry.raw for entry in list(self.site.log)[trial.before :])
                kept = Counter(
                    record.block for record in crawls.records() if record.kind == "request"
                )
                assert not kept - received, f"requests are kept that nobody sent: {kept - received}"
        except (AssertionError, RecordError) as error:
            tally.complaints.append(f"{what}: {error!r:.2000}")
        verified = crawls.workspace.call("verify")
        if verified.code:
            tally.complaints.append(
                f"{what}: scrapy verify: {verified.out[-2000:]}{verified.err[-1000:]}"
            )
        last = max(crawls.workspace.rows("runs"), key=lambda row: row["started_at"])["id"]
        rows = [row for row in crawls.workspace.rows("outcomes") if row["run_id"] != last]
        told = Counter(
            f"{row['source']}\t{'/'.join(filter(None, (row['outcome'], row['reason'])))}"
            for row in rows
        )
        tally.broken += (promised - told).total()
        state = self._state(crawls)
        ours, theirs = state["revisions"], self.alone["revisions"]
        tally.lost += len(set(theirs) - set(ours))
        tally.unequal += sum(ours[name] != theirs[name] for name in set(ours) & set(theirs)) + len(
            set(ours) - set(theirs)
        )
        tally.twice += sum(state["twice"].values())
        if state["rest"] != self.alone["rest"]:
            tally.complaints.append(f"{what}: the rest of the index differs")
        if tally_of(tally) != own:
            tally.complaints.append(f"{what}: {own} -> {tally_of(tally)}")

    def _state(self, crawls: Crawls) -> dict[str, Any]:
        """What any two runs must leave alike: articles with their revisions; of a replay captures and aliases too."""
        captures = crawls.workspace.rows("captures")
        articles = {
            row["id"]: (row["outlet"], row["article_id"], row["url"])
            for row in crawls.workspace.rows("articles")
        }
        rest: list[Any] = [Counter(articles.values())]
        if self.site is not None:
            news = Counter(
                row["source"]
                for row in crawls.workspace.rows("outcomes")
                if row["outcome"] == "new"
            )
            twice = Counter({source: number - 1 for source, number in news.items() if number > 1})
            rest.append(crawls.outcomes())
        else:
            same = (
                "outlet",
                "url",
                "record_type",
                "status",
                "media_type",
                "payload_digest",
                "outcome",
                "reason",
            )
            kept = Counter(tuple(row[name] for name in same) for row in captures)
            twice = Counter({name: number - 1 for name, number in kept.items() if number > 1})
            rest += [
                kept,
                Counter(
                    (r["alias"], articles[r["article"]]) for r in crawls.workspace.rows("aliases")
                ),
            ]
        return {"revisions": crawls.revisions(), "rest": rest, "twice": twice}


def tally_of(tally: Tally) -> tuple[int, ...]:
    """Its figures of loss."""
    return tally.lost, tally.twice, tally.unequal, tally.broken
