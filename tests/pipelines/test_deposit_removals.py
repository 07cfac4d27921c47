"""An article that is removed while its page waits to be stored, at every moment of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import pipelines.deposit
from archive.index.database import Index, IndexUnusableError
from archive.runs.recorder import Result, RunRecorder
from archive.segments.writer import SegmentWriter
from pipelines.deposit import CaptureStore
from tests.support.archives.takedown import NAME, remove, text_of, two_segments
from tests.support.archives.traces import traces, wrong
from tests.support.databases.postgres import ON_POSTGRES
from tests.support.databases.write_lock import wait_briefly
from tests.support.documents import SEEDS, read_fixture
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipelines.page import Page

#: What a batch does one after the other, each as the place where it is done.
MOMENTS = {
    "known captures are looked up": (pipelines.deposit, "known_captures"),
    "a record is written": (SegmentWriter, "write"),
    "records are synced": (SegmentWriter, "sync"),
    "rows are written": (pipelines.deposit, "enter"),
}


class Trial:
    """A store that has the article's page to write, and the article's removal beside it."""

    def __init__(self, workspace: Workspace, index: Index, segments: SegmentWriter) -> None:
        self.workspace = workspace
        self.results: list[Result] = []
        self.refused: list[str] = []
        self.store = CaptureStore(segments, index, RunRecorder("test"), self.results.append)

    def remove_at_once(self) -> None:
        """Try to remove the article by another connection, which does not wait for a lock.

        Only where it has to be refused: else it may have to wait for PostgreSQL's own vacuum.
        """
        with pytest.MonkeyPatch.context() as patches:
            wait_briefly(patches, 1)
            try:
                remove(self.workspace)
            except IndexUnusableError as error:
                self.refused.append(str(error))

    @property
    def verdicts(self) -> list[str]:
        """What was reported of the pages."""
        return [str(result.verdict) for result in self.results]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return an archive that shows the article twice."""
    return Workspace(two_segments(tmp_path))


@contextmanager
def trial(workspace: Workspace) -> Iterator[Trial]:
    """Open a store in the archive."""
    url = workspace.index_url
    software = {"software": "test"}
    with (
        Index(url) as index,
        SegmentWriter(workspace.archive, software=software, job="t", host="t") as segments,
    ):
        yield Trial(workspace, index, segments)


def after(place: Any, name: str, step: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a step behind the first call of a function."""
    function, waiting = getattr(place, name), [step]

    def called(*args: Any, **named: Any) -> Any:
        result = function(*args, **named)
        while waiting:
            waiting.pop()()
        return result

    monkeypatch.setattr(place, name, called)


def page(*, is_known: bool) -> Page:
    """Return the article's page: as the archive has it, or with other bytes."""
    path = min(
        path.with_suffix(".html")
        for path in (SEEDS / "newspim").glob("*.json")
        if path.with_suffix(".html").exists() and NAME[1] in path.read_text("utf-8")
    )
    found = read_fixture(path)
    assert found.article is not None
    assert found.article.article_id == NAME[1]
    if is_known:
        return found
    body = found.exchange.body + b"<!-- served a third time -->"
    return replace(found, exchange=replace(found.exchange, body=body, payload_digest=""))


def check_nothing_is_left(workspace: Workspace, text: str) -> None:
    """Check that the removed text is nowhere, and that archive and index agree."""
    left = traces(workspace.folder, text)
    assert not left.any, left
    assert wrong(workspace) == []


@pytest.mark.parametrize(
    ("moment", "is_known"),
    [
        ("known captures are looked up", True),
        ("known captures are looked up", False),
        ("a record is written", False),
        ("records are synced", True),
        ("records are synced", False),
        ("rows are written", True),
        ("rows are written", False),
    ],
)
def test_no_removal_comes_between_the_check_the_record_and_the_row(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, moment: str, *, is_known: bool
) -> None:
    """Else the row of a capture that was just looked up is gone, and its record is written anew."""
    text = text_of(workspace)
    held = traces(workspace.folder, text)
    assert held.tables if ON_POSTGRES else held.files, held
    with trial(workspace) as one:
        one.store.add_page(page(is_known=is_known))
        with monkeypatch.context() as patches:
            after(*MOMENTS[moment], one.remove_at_once, patches)
            one.store.close()
    assert len(one.refused) == 1, "it was tried once"
    assert "another process has been writing" in one.refused[0]
    assert one.verdicts == ["unchanged"]
    assert wrong(workspace) == []
    remove(workspace)
    check_nothing_is_left(workspace, text)


@pytest.mark.parametrize("is_known", [True, False])
def test_of_an_article_removed_while_its_page_waits_nothing_is_written(
    workspace: Workspace, *, is_known: bool
) -> None:
    text = text_of(workspace)
    with trial(workspace) as one:
        one.store.add_page(page(is_known=is_known))
        remove(workspace)
        one.store.close()
    assert one.verdicts == ["skipped/removed"]
    check_nothing_is_left(workspace, text)


@pytest.mark.parametrize("is_read", [True, False])
def test_a_record_appended_before_the_removal_shows_no_article_and_goes_with_the_next(
    workspace: Workspace, *, is_read: bool
) -> None:
    """A crawl's record is in its open segment before the page is read."""
    text = text_of(workspace)
    with trial(workspace) as one:
        fetched = page(is_known=False)
        one.store.append(replace(fetched, final=False))
        if is_read:
            one.store.add_page(fetched)
        remove(workspace)
        one.store.close()
    assert one.verdicts == (["skipped/removed"] if is_read else [])
    (row,) = (row for row in workspace.rows("captures") if row["reason"] == "removed")
    assert row["revision_id"] is None
    (finding,) = wrong(workspace)
    assert "came after the removal: run scrapy remove for it again" in finding
    remove(workspace)
    check_nothing_is_left(workspace, text)


@pytest.mark.parametrize(
    "moment", ["known captures are looked up", "a record is written", "records are synced"]
)
def test_no_removal_comes_between_record_and_row_of_a_page_at_which_a_bug_is_met(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    text = text_of(workspace)
    with trial(workspace) as one:
        one.store.add_page(page(is_known=False))
        with monkeypatch.context() as patches:

            def write(_: object) -> None:
                after(*MOMENTS[moment], one.remove_at_once, patches)
                raise ZeroDivisionError("a bug")

            patches.setattr(one.store, "_write", write)
            one.store.flush()
        one.store.close()
    assert len(one.refused) == 1
    assert one.verdicts == ["failed/internal_error"]
    assert wrong(workspace) == []
    remove(workspace)
    check_nothing_is_left(workspace, text)


@pytest.mark.parametrize("is_appended", [True, False])
def test_a_page_at_which_a_bug_is_met_is_not_written_if_its_article_was_removed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, *, is_appended: bool
) -> None:
    text = text_of(workspace)
    with trial(workspace) as one:
        fetched = page(is_known=False)
        if is_appended:
            one.store.append(replace(fetched, final=False))
        one.store.add_page(fetched)
        remove(workspace)
        with monkeypatch.context() as patches:

            def write(_: object) -> None:
                raise ZeroDivisionError("a bug")

            patches.setattr(one.store, "_write", write)
            one.store.flush()
        one.store.close()
    assert one.verdicts == ["failed/internal_error"]
    rows = workspace.rows("captures")
    assert [row["reason"] for row in rows if row["url"] == fetched.exchange.url] == (
        ["removed"] if is_appended else []
    )
    findings = wrong(workspace)
    assert len(findings) == is_appended
    if is_appended:
        assert "run scrapy remove for it again" in findings[0]
        remove(workspace)
    check_nothing_is_left(workspace, text)
