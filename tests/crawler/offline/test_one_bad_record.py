"""One record that can't be read or stored is set aside by name; the batch, the run and the recovery go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from archive.articles import batch
from archive.index.database import Index
from archive.model.article import Author
from archive.runs.recorder import Result, RunRecorder
from archive.segments.names import closed_segments, open_segments
from crawler.extraction.reading import read_exchange
from crawler.offline import recovery, replay, workers
from crawler.offline.recovery import recover
from crawler.outlets import outlet_named
from pipelines import deposit
from pipelines.deposit import CaptureStore
from tests.support.archives.captures import Keeper
from tests.support.archives.warc_samples import exchange, writer
from tests.support.databases.postgres import ON_POSTGRES, url_of
from tests.support.documents import NOON
from tests.support.pages import page_of, write_page
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.page import Page

OVERFLOWING = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))
BAD: dict[str, dict[str, Any]] = {
    "overflowing time": {"published_at": OVERFLOWING},
    "naive time": {"modified_at": datetime(2024, 1, 1)},  # noqa: DTZ001
    "lone surrogate in the headline": {"headline": "제목 \ud800"},
    "lone surrogate in a name": {"authors": (Author("홍\udfff"),)},
    "lone surrogate in the id": {"article_id": "9000000002\ud800"},
    "an object": {"section": object()},
    "not a tuple": {"tags": 5},
    "a set": {"tags": ({1},)},
}
HARMLESS: dict[str, dict[str, Any]] = {"NUL in the body": {"body": ("앞\0뒤",)}}
#: SQLite takes no such number; PostgreSQL takes it for the text that is due there.
(HARMLESS if ON_POSTGRES else BAD)["an integer beyond 64 bits"] = {"dateline": 2**70}
BUG = "failed/internal_error"


def page(number: int) -> Page:
    data, _ = page_of(str(9000000100 + number))
    url = f"https://www.etoday.co.kr/news/view/{9000000100 + number}"
    made = exchange(url=url, body=data, head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    return read_exchange(replace(made, captured_at=NOON), outlet_named("etoday"), url)


def with_article(made: Page, **values: Any) -> Page:
    assert made.article is not None
    return replace(made, article=replace(made.article, **values))


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_page_that_cannot_be_stored_is_set_aside_alone(
    tmp_path: Path, kind: str, at: int
) -> None:
    keeper = Keeper(tmp_path)
    pages = [page(number) for number in range(7)]
    pages[at] = with_article(pages[at], **BAD[kind])
    became = [str(result.verdict) for result in keeper.keep(*pages)]
    assert became == [BUG if number == at else "new" for number in range(7)]
    assert len(keeper.articles()) == 6
    again = keeper.keep(*pages)
    assert [str(one.verdict) for one in again] == [
        BUG if number == at else "unchanged" for number in range(7)
    ]
    assert again[at].source == pages[at].source
    workspace = Workspace(tmp_path)
    rows = workspace.rows("captures")
    assert len(rows) == 7, "its bytes are kept and found"
    assert [row["outcome"] for row in rows].count("failed") == 1
    assert workspace.call("reindex").code == 0, "read again from its bytes, it is as good as any"
    assert len(workspace.rows("articles")) == 7
    assert workspace.call("verify").code == 0


@pytest.mark.parametrize("kind", HARMLESS)
def test_odd_text_is_stored(tmp_path: Path, kind: str) -> None:
    keeper = Keeper(tmp_path)
    results = keeper.keep(with_article(page(0), **HARMLESS[kind]), page(1))
    assert [str(result.verdict) for result in results] == ["new", "new"]


def test_a_batch_of_nothing_but_bad_pages_is_counted(tmp_path: Path) -> None:
    pages = [with_article(page(number), published_at=OVERFLOWING) for number in range(5)]
    results = Keeper(tmp_path).keep(*pages)
    assert [str(result.verdict) for result in results] == [BUG] * 5
    counts = Workspace(tmp_path).rows("runs")[0]["counts"]
    assert counts == '{"etoday":{"failed/internal_error":5}}'


def test_a_bad_page_undoes_nothing_of_its_batch(tmp_path: Path) -> None:
    """An article whose second version is stored in the batch that is undone and entered in halves."""
    keeper = Keeper(tmp_path)
    first = page(0)
    assert first.article is not None
    later = replace(first, exchange=replace(first.exchange, captured_at=NOON + timedelta(hours=1)))
    later = with_article(
        later, headline="다른 제목이다", body=(*first.article.body, "새 문단이다.")
    )
    later = replace(later, exchange=replace(later.exchange, body=later.exchange.body + b" "))
    bad = with_article(page(1), headline="\ud800")
    results = keeper.keep(first, bad, later)
    assert [str(result.verdict) for result in results] == ["new", BUG, "changed"]
    revisions = keeper.revisions("etoday", first.article.article_id)
    assert [one.revision for one in revisions] == [1, 2]
    assert "1 found" in Workspace(tmp_path).call("search", "다른 제목이다").out


def test_one_bad_page_of_500_costs_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered = []
    enter = deposit.enter

    def counted(connection: Any, entries: Any) -> Any:
        entered.append(len(entries))
        return enter(connection, entries)

    monkeypatch.setattr(deposit, "enter", counted)
    made = page(0)
    pages = [
        replace(made, exchange=replace(made.exchange, captured_at=NOON + timedelta(minutes=number)))
        for number in range(500)
    ]
    pages[123] = with_article(pages[123], headline="\ud800")
    results = Keeper(tmp_path).keep(*pages)
    assert [str(result.verdict) for result in results].count(BUG) == 1
    assert sum(entered) < 500 * 4
    assert len(entered) < 30


def raising(read: Callable[..., Any], at: str, error: Exception) -> Callable[..., Any]:
    """The same function, which raises an error for the exchange of that address."""

    def read_or_raise(first: Any, *args: Any, **named: Any) -> Any:
        made = getattr(first, "exchange", first)
        if made is not None and made.url.endswith(at):
            raise error
        return read(first, *args, **named)

    return read_or_raise


ERRORS = [OverflowError("date value out of range"), RecursionError("deep"), ValueError("\ud800")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", ["read_exchange", "outlet_for"])
def test_replay_goes_on_behind_a_document_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, name: str
) -> None:
    for number in range(3):
        write_page(tmp_path / "pages", str(9000000100 + number))
    monkeypatch.setattr(replay, name, raising(getattr(replay, name), "0101", error))
    workspace = Workspace(tmp_path)
    said = workspace.call("replay", tmp_path / "pages")
    assert (said.code, "Traceback" in said.err) == (1, False)
    (sentence,) = said.sentences
    assert "9000000101.html: failed/internal_error" in sentence
    assert len(workspace.rows("articles")) == 2
    monkeypatch.undo()
    assert workspace.call("replay", tmp_path / "pages").code == 0
    assert len(workspace.rows("articles")) == 3
    assert workspace.call("verify").code == 0


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("names", [["read_capture"], ["read_capture", "unread_capture"]])
def test_recovery_keeps_what_it_cannot_read_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, names: list[str]
) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", write_page(tmp_path / "pages", "9000000090")).code == 0
    with writer(workspace.archive) as out:
        for number in range(3):
            out.write(page(number).exchange)
        out.sync()
        out._release()
    for name in names:
        monkeypatch.setattr(recovery, name, raising(getattr(recovery, name), "0101", error))
    said = workspace.call("recover")
    assert (said.code, "Traceback" in said.err) == (1, False)
    (sentence,) = said.sentences
    assert "failed/internal_error" in sentence
    assert not open_segments(workspace.archive)
    assert len(workspace.rows("articles")) == 3
    assert workspace.call("recover").code == 0, "the next run does not meet it again"
    monkeypatch.undo()
    assert workspace.call("reindex").code == 0
    assert len(workspace.rows("articles")) == 4
    assert workspace.call("verify").code == 0


def test_a_batch_that_meets_a_bug_once_fails_a_replay_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = RunRecorder.write
    calls = iter([True])

    def once(*args: Any, **named: Any) -> None:
        if next(calls, False):
            raise ZeroDivisionError("a bug")
        write(*args, **named)

    monkeypatch.setattr(RunRecorder, "write", once)
    for number in range(2):
        write_page(tmp_path / "pages", str(9000000100 + number))
    workspace = Workspace(tmp_path)
    said = workspace.call("replay", tmp_path / "pages")
    assert said.code == 1
    assert "1 unexpected exception in the log above; this is a bug." in said.err
    assert len(workspace.rows("articles")) == 2
    assert workspace.call("verify").code == 0


def test_a_bug_in_a_verb_ends_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(store: CaptureStore) -> None:
        store.flush()
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(CaptureStore, "close", broken)
    workspace = Workspace(tmp_path)
    with pytest.raises(ZeroDivisionError):
        workspace.call("replay", write_page(tmp_path / "pages", "9000000090"))
    (run,) = workspace.rows("runs")
    assert (run["ending"], run["exit_code"]) == ("failed", 1)
    assert run["ended_at"]


def test_recovery_sets_aside_what_cannot_be_stored(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        places = [out.write(page(number).exchange) for number in range(3)]
        out.sync()
        out._release()
    results: list[Result] = []
    with Index(url_of(tmp_path / "index.sqlite3")) as index, writer(tmp_path) as segments:
        store = CaptureStore(segments, index, RunRecorder("test"), results.append)
        with pytest.MonkeyPatch.context() as patch:

            def read(record: Any, source: str = "") -> Page:
                made = workers.read_capture(record, source)
                bad = record.record_id == places[1].record_id
                return with_article(made, headline="\ud800") if bad else made

            patch.setattr(recovery, "read_capture", read)
            assert recover(tmp_path, index, store) == 3
        store.close()
    assert [str(result.verdict) for result in results] == ["new", BUG, "new"]
    assert len(closed_segments(tmp_path)) == 1


def test_a_reindex_sets_aside_what_cannot_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write_page(tmp_path / "pages", str(9000000100 + number))
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", tmp_path / "pages").code == 0
    read = workers.read_capture

    def spoilt(record: Any, source: str = "") -> Page:
        made = read(record, source)
        return with_article(made, headline="\ud800") if "0101" in made.exchange.url else made

    monkeypatch.setattr(workers, "read_capture", spoilt)
    said = workspace.call("reindex", "--processes", "1")
    assert (said.code, "Traceback" in said.err) == (1, False)
    assert "failed/internal_error" in said.err
    assert len(workspace.rows("articles")) == 2
    assert len(workspace.rows("captures")) == 3


def test_a_result_with_a_lone_surrogate_is_recorded(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    made = page(0)
    keeper.keep(
        replace(
            made, source="a\ud800", article=None, verdict=batch.internal_error(ValueError("\udfff"))
        )
    )
    assert [row["source"] for row in Workspace(tmp_path).rows("outcomes")] == ["a?"]


def test_a_record_that_a_left_open_segment_holds_twice_is_counted(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        place = out.write(page(0).exchange)
        out.write(page(1).exchange)
        out.sync()
        out._release()
    (path,) = open_segments(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data + data[place.offset : place.offset + place.length])
    results: list[Result] = []
    with Index(url_of(tmp_path / "index.sqlite3")) as index, writer(tmp_path) as segments:
        store = CaptureStore(segments, index, RunRecorder("test"), results.append)
        assert recover(tmp_path, index, store) == 2
        store.close()
    became = sorted(str(result.verdict) for result in results)
    assert became == ["failed/bad_record", "new", "new"]
