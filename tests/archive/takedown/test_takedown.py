"""`scrapy remove`: the text is gone and stays out, everything else stays, all is on record."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.recorder import Result
from archive.segments import manifest as fixity
from archive.takedown import log as takedown_log
from archive.takedown.tombstones import MEDIA_TYPE
from archive.warc.reader import iterate
from archive.warc.record_parser import Record
from bench.removal import run
from tests.support.archives.traces import articles, traces, wrong
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.databases.index_rows import change
from tests.support.documents import KNOWN, SEEDS
from tests.support.processes.cli import Workspace, summary

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.deposit import CaptureStore

NAME = "newspim/20230915999901"
OTHER = "etoday/9000000001"
REASON = ("--reason", "법원 결정 2026-1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archive of two segments and its index."""
    folder = tmp_path_factory.mktemp("made")
    for outlet in ("etoday", "newspim"):
        assert Workspace(folder).call("replay", SEEDS / outlet).code == 0
    return folder


def text_of(workspace: Workspace, name: str) -> list[str]:
    """Return an article's headline and its longer paragraphs: short ones occur elsewhere too."""
    outlet, _, article_id = name.partition("/")
    (found,) = (
        one
        for one in workspace.export()
        if (one["outlet"], one["article_id"]) == (outlet, article_id)
    )
    (workspace.folder / "export.jsonl").unlink()
    return [found["headline"], *(part for part in found["body"].split("\n\n") if len(part) > 20)]


def state(workspace: Workspace) -> dict[str, bytes]:
    """Return every file, except those that SQLite keeps next to an open index."""
    every = (
        path
        for path in workspace.folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    )
    return {path.name: path.read_bytes() for path in every}


@pytest.mark.sqlite_only(reason="it looks into the file; test_takedown_postgres.py into a server's")
def test_after_a_crawl_no_trace_of_a_removed_article_is_left_and_nothing_else_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bench of 1,000 articles, with fewer."""
    with site_of_today("etoday", 40) as site:
        assert run(Crawls.into(tmp_path, site), 40, 8) == 0, capsys.readouterr().out
    result = capsys.readouterr().out
    assert "all others as before: True; verify: nothing" in result
    assert "the removed ones 0 times" in result


@pytest.mark.sqlite_only(reason="it looks into the file; test_takedown_postgres.py into a server's")
def test_every_text_of_a_removed_article_is_gone_from_every_file(workspace: Workspace) -> None:
    texts, others = text_of(workspace, NAME), text_of(workspace, OTHER)
    assert all(traces(workspace.folder, text).any for text in texts)
    before = articles(workspace)
    old = {path.name for path in workspace.archive.glob("*.warc.gz")}
    result = workspace.call("remove", NAME, *REASON, "--yes")
    assert (result.code, result.err) == (0, ""), result
    assert not any(traces(workspace.folder, text).any for text in texts)
    assert all(traces(workspace.folder, text).any for text in others)
    outlet, _, article_id = NAME.partition("/")
    assert articles(workspace) == {
        key: text for key, text in before.items() if key != (outlet, article_id)
    }
    assert wrong(workspace) == []
    entries = fixity.read(workspace.archive).entries
    (gone,) = old - {path.name for path in workspace.archive.glob("*.warc.gz")}
    new = gone.replace(".warc.gz", "-r1.warc.gz")
    assert (entries[gone].kind, entries[new].kind) == (
        fixity.EntryKind.REMOVED,
        fixity.EntryKind.REPLACED,
    )
    shown = workspace.call("show", NAME)
    assert (shown.code, shown.out) == (1, "")
    assert f"{NAME} was removed on " in shown.err
    assert REASON[1] in shown.err
    assert workspace.call("search", texts[0].split()[0]).out.count(texts[0]) == 0


def test_tombstones_say_what_lay_there_and_other_records_are_byte_for_byte_as_before(
    workspace: Workspace,
) -> None:
    captures = {row["record_id"]: row for row in workspace.rows("captures")}
    (old,) = {row["warc_file"] for row in captures.values() if row["outlet"] == "newspim"}
    members = members_of(workspace.archive / old)
    workspace.call("remove", NAME, *REASON, "--yes")
    path = workspace.archive / old.replace(".warc.gz", "-r1.warc.gz")
    after = members_of(path)
    removed = set(captures) - {row["record_id"] for row in workspace.rows("captures")}
    kept = {key: data for key, data in members.items() if key not in removed}
    (info,) = (key for key in kept if kept[key] != after[key])
    records = {found.record_id: found for found in iterate(path) if isinstance(found, Record)}
    assert records[info].fields["warc-filename"] == path.name
    stones = [one for one in records.values() if one.fields.get("content-type") == MEDIA_TYPE]
    assert {one.fields["warc-target-uri"] for one in stones} == removed
    assert set(after) == set(kept) | {one.record_id for one in stones}
    for stone in stones:
        result = json.loads(stone.block)
        row = captures[stone.fields["warc-target-uri"]]
        assert result["removed"]["payload_digest"] == row["payload_digest"]
        assert result["removed"]["type"] == row["record_type"]
        assert (result["outlet"], result["article_id"], result["reason"]) == (
            *NAME.split("/"),
            REASON[1],
        )
        assert result["by"]
        assert result["at"]
    with path.open("rb") as file:  # another reader agrees
        assert [
            record.rec_headers["WARC-Record-ID"][1:-1] for record in ArchiveIterator(file)
        ] == list(records)


def members_of(path: Path) -> dict[str, bytes]:
    """Return each record's gzip member as it lies in the file."""
    data = path.read_bytes()
    found = [one for one in iterate(path) if isinstance(one, Record)]
    return {one.record_id: data[one.offset : one.offset + one.length] for one in found}


def test_a_replay_of_the_same_files_does_not_bring_it_back(workspace: Workspace) -> None:
    texts, kept = text_of(workspace, NAME), None
    own = [
        row
        for row in workspace.rows("captures")
        if row["revision_id"] is not None and row["outlet"] == "newspim"
    ]
    saved = workspace.folder.parent / "saved"
    shutil.copytree(workspace.archive, saved)
    workspace.call("remove", NAME, *REASON, "--yes")
    kept = workspace.kept_bytes()
    result = workspace.call("replay", SEEDS / "newspim")
    assert result.code == 0
    number = summary(result)["newspim"]["skipped"]
    assert number
    assert f"skipped/removed newspim: {number}" in result.out
    assert number + summary(result)["newspim"]["unchanged"] == len(own)
    assert workspace.call("replay", saved).code == 0  # the WARCs of before
    assert not any(traces(workspace.folder, text).any for text in texts)
    assert workspace.kept_bytes() == kept
    assert wrong(workspace) == []


@pytest.mark.sqlite_only(reason="the file of the index is deleted")
def test_a_reindex_without_index_and_log_leaves_it_out_all_the_same(workspace: Workspace) -> None:
    """The tombstones alone are enough; that the log is missing is reported."""
    outlet, _, article_id = NAME.partition("/")
    workspace.call("remove", NAME, *REASON, "--yes")
    workspace.index.unlink()
    assert workspace.call("reindex").code == 0
    assert (outlet, article_id) not in articles(workspace)
    assert wrong(workspace) == []
    assert workspace.call("replay", SEEDS / "newspim").code == 0
    assert (outlet, article_id) not in articles(workspace)
    workspace.index.unlink()
    (workspace.archive / takedown_log.NAME).rename(workspace.folder / "log")
    assert workspace.call("reindex").code == 0
    assert workspace.call("replay", SEEDS / "newspim").code == 0
    assert (outlet, article_id) not in articles(workspace)
    found = wrong(workspace)
    assert found
    assert all("removals.jsonl does not" in one for one in found)


def test_a_copy_that_was_read_before_its_tombstone_is_no_article_after_a_reindex(
    workspace: Workspace,
) -> None:
    """An old segment is put back and the log is lost: its article is blocked, verify reports it."""
    outlet, _, article_id = NAME.partition("/")
    (old,) = {row["warc_file"] for row in workspace.rows("captures") if row["outlet"] == "newspim"}
    text = max(text_of(workspace, NAME), key=len)
    shutil.copy(workspace.archive / old, workspace.folder / old)
    workspace.call("remove", NAME, *REASON, "--yes")
    shutil.copy(workspace.folder / old, workspace.archive / old)
    log = (workspace.archive / takedown_log.NAME).read_bytes()
    (workspace.archive / takedown_log.NAME).unlink()
    workspace.call("reindex")
    assert (outlet, article_id) not in articles(workspace)
    assert "index.sqlite3" not in traces(workspace.folder, text).files
    (workspace.archive / takedown_log.NAME).write_bytes(log)
    assert any("which was removed on" in one for one in wrong(workspace))


def test_verify_finds_what_is_wrong_with_a_removal(workspace: Workspace) -> None:
    workspace.call("remove", NAME, *REASON, "--yes")
    log = workspace.archive / takedown_log.NAME
    lines = log.read_text().splitlines(keepends=True)
    log.write_text(lines[0].replace("2026-1", "2026-2") + lines[1])
    assert any("changed or deleted" in one for one in wrong(workspace))
    log.write_text(lines[0])
    assert any("has not finished" in one for one in wrong(workspace))
    log.write_text("".join(lines))
    assert wrong(workspace) == []
    change(workspace.index_url, "DELETE FROM refused")
    assert any("does not block" in one for one in wrong(workspace))


@pytest.mark.parametrize(
    ("args", "code", "sentence"),
    [
        ((), 2, "name at least one article"),
        (("etoday",), 2, "is not an article: write OUTLET/ID"),
        ((NAME,), 2, "give the reason with --reason"),
        ((NAME, "--reason", "  "), 2, "give the reason with --reason"),
        ((NAME, *REASON), 2, "pass --yes"),
        (("etoday/1", *REASON, "--yes"), 1, "no article etoday/1 in the index"),
        (("nobody/1", *REASON, "--yes"), 2, f"no outlet 'nobody'; known: {KNOWN}"),
        ((NAME, "etoday/1", *REASON, "--yes"), 1, "no article etoday/1 in the index"),
    ],
)
def test_what_it_refuses_changes_nothing(
    workspace: Workspace, args: tuple[str, ...], code: int, sentence: str
) -> None:
    before = state(workspace)
    result = workspace.call("remove", *args)
    assert result.code == code
    assert sentence in result.err
    assert "Traceback" not in result.err
    assert state(workspace) == before


def test_a_dry_run_says_what_would_go_and_changes_nothing(workspace: Workspace) -> None:
    before = state(workspace)
    result = workspace.call("remove", NAME, *REASON, "--dry-run")
    assert (result.code, result.err) == (0, "")
    assert NAME in result.out
    assert "to be rewritten: " in result.out
    assert result.out.endswith("nothing was changed (--dry-run)\n")
    assert state(workspace) == before


def test_a_second_run_says_that_it_is_removed(workspace: Workspace) -> None:
    assert workspace.call("remove", NAME, *REASON, "--yes").code == 0
    before = workspace.kept_bytes()
    result = workspace.call("remove", NAME, *REASON, "--yes")
    assert (result.code, result.out, result.err) == (0, f"{NAME} has already been removed\n", "")
    assert workspace.kept_bytes() == before


@pytest.mark.parametrize(
    ("typed", "code"), [("remove\n", 0), ("no\n", 1), ("\x04", 1), ("\x03", 1)]
)
def test_a_terminal_is_asked_for_confirmation(workspace: Workspace, typed: str, code: int) -> None:
    """The word removes; any other, the end of input and Ctrl-C do not."""
    before = state(workspace)
    ours, theirs = pty.openpty()
    try:
        process = workspace.start(
            "remove",
            NAME,
            *REASON,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        assert process.stdout is not None
        result = b""
        while b"to continue: " not in result:
            piece = os.read(process.stdout.fileno(), 4096)
            assert piece, result
            result += piece
        os.write(ours, typed.encode())
        _, err = process.communicate(timeout=300)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == code, err
    assert b"Traceback" not in err
    assert (state(workspace) == before) is (code == 1)


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_what_a_live_writer_holds_is_hidden_at_once_and_removed_later(workspace: Workspace) -> None:
    (name,) = {row["warc_file"] for row in workspace.rows("captures") if row["outlet"] == "newspim"}
    path = workspace.archive / name
    path.rename(workspace.archive / (name + ".open"))
    texts = text_of(workspace, NAME)
    import fcntl

    with (workspace.archive / (name + ".open")).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = workspace.call("remove", NAME, *REASON, "--yes")
        assert result.code == 1
        assert "is being written by a crawl or a replay. The article is hidden" in result.err
        assert workspace.call("show", NAME).code == 1
        assert any("has not finished" in one for one in wrong(workspace))
    (workspace.archive / (name + ".open")).rename(path)
    assert workspace.call("remove", NAME, *REASON, "--yes").code == 0
    assert not any(traces(workspace.folder, text).any for text in texts)
    assert wrong(workspace) == []


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNPARSED])
def test_a_recovery_that_failed_is_told_of(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    left_open = workspace.archive / "crashed.warc.gz.open"

    def recover(_folder: object, _index: object, store: CaptureStore) -> int:
        left_open.unlink()
        verdict = Verdict(outcome, Reason.INTERNAL_ERROR)
        store.add_result(Result(source="a record", outlet="newspim", verdict=verdict))
        return 1

    left_open.touch()
    monkeypatch.setattr("crawler.commands.upkeep.remove.recover", recover)
    result = workspace.call("remove", NAME, *REASON, "--yes")
    is_failure = outcome is Outcome.FAILED
    assert result.code == (1 if is_failure else 0)
    assert ("so the article may be in it still" in result.err) is is_failure
    assert workspace.call("show", NAME).code == 1


def test_bytes_that_another_article_shows_too_are_removed_only_with_it(
    workspace: Workspace,
) -> None:
    (workspace.folder / "twice").mkdir()
    page = SEEDS / "newspim" / "own-desktop-2021.html"
    name, other = "newspim/20200101000001", "newspim/20200101000002"
    for number in (1, 2):
        saved = workspace.folder / "twice" / f"{number}.html"
        saved.write_bytes(
            page.read_bytes().replace("남긴".encode(), "남겨 둔".encode()) + b"<!-- own -->"
        )
        facts: dict[str, Any] = {
            "url": f"https://www.newspim.com/news/view/2020010100000{number}",
            "captured_at": "2026-01-01T00:00:00+09:00",
        }
        saved.with_suffix(".json").write_text(json.dumps(facts))
    assert workspace.call("replay", workspace.folder / "twice").code == 0
    before = workspace.kept_bytes()
    result = workspace.call("remove", name, *REASON, "--yes")
    assert result.code == 1
    assert f"show {other}" in result.err
    assert workspace.kept_bytes() == before
    assert workspace.call("remove", name, other, *REASON, "--yes").code == 0
    assert wrong(workspace) == []


def test_a_missing_archive_is_reported(tmp_path: Path) -> None:
    result = Workspace(tmp_path).call("remove", NAME, *REASON, "--yes")
    assert result.code == 1
    assert result.err.startswith("scrapy remove: There is no archive at")
    assert list(tmp_path.iterdir()) == []
