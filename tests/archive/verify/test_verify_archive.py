"""`scrapy verify` of an archive: nothing is found in a good one, and whatever is changed in it is."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from archive.index.search.checksums import _sum
from archive.index.search.facets import EVERY
from archive.index.search.text import tokens
from archive.model.article import KST
from archive.model.exchange import Exchange
from archive.segments import manifest as fixity
from archive.segments.files.measure import measure
from archive.segments.manifest import NAME, EntryKind, ManifestEntry
from archive.segments.store import FolderStore
from archive.segments.writer import SegmentWriter
from archive.verify.archive import Verification
from archive.verify.selection import SegmentSelection
from archive.verify.warc_file.findings import Finding, Rule, Severity
from crawler.extraction.reading import read_exchange
from crawler.offline.article_reader import read_article
from crawler.outlets import outlet_named
from tests.support.archives.captures import Keeper
from tests.support.archives.random_damage import changed_copy
from tests.support.archives.warc_samples import exchange, record
from tests.support.databases.index_rows import ask, change
from tests.support.databases.postgres import ON_POSTGRES, copy_folder, drop_indexes, url_of
from tests.support.documents import SEEDS
from tests.support.faults.warc_mutations import by_warcio, ours
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from archive.verify.parts import Tally


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two segments and its index."""
    folder = tmp_path_factory.mktemp("made")
    for outlet in ("etoday", "newspim"):
        assert Workspace(folder).call("replay", SEEDS / outlet).code == 0
    return folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    copy_folder(made, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


def verify(folder: Path, choice: SegmentSelection | None = None) -> tuple[list[Finding], Tally]:
    """What is wrong, and how much was verified."""
    with Verification(reader=read_article) as verification:
        url = url_of(folder / "index.sqlite3")
        found = list(verification.archive(folder / "archive", url, choice or SegmentSelection()))
    return [one for one in found if one.severity is Severity.ERROR], verification.tally


def rules(folder: Path) -> set[Rule]:
    return {one.rule for one in verify(folder)[0]}


def segments(workspace: Workspace) -> list[Path]:
    return sorted(workspace.archive.glob("*.warc.gz"))


def test_a_good_archive_is_good_and_verified_without_being_changed(workspace: Workspace) -> None:
    before = workspace.kept_bytes()
    result = workspace.call("verify")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("verified 2 files")
    assert result.out.endswith("no findings\n")
    assert workspace.kept_bytes() == before
    found, tally = verify(workspace.folder)
    assert found == []
    assert tally.rows == len(workspace.rows("captures"))


@pytest.mark.parametrize("seed", range(60))
def test_a_changed_row_or_byte_is_found(made: Path, tmp_path: Path, seed: int) -> None:
    what = changed_copy(made, tmp_path / "changed", seed)
    assert verify(tmp_path / "changed")[0], what


def changes_of_search(key: int, headline: str) -> list[tuple[str, dict[str, Any]]]:
    """Return changes of the document with that position in full-text search."""
    if ON_POSTGRES:
        statements = (
            "DELETE FROM search WHERE position = :key",
            "UPDATE search SET headline = headline || 'x' WHERE position = :key",
            "UPDATE search SET body = '' WHERE position = :key",
            "UPDATE search SET lexemes = ts_delete(lexemes, (tsvector_to_array(lexemes))[1])"
            " WHERE position = :key",
        )
        return [(statement, {"key": key}) for statement in statements]
    deleted = "INSERT INTO search(search, rowid, headline, body, facets) VALUES ('delete', :key, "
    of_letters = "INSERT INTO search_characters(search_characters, rowid, text)"
    return [
        (f"{deleted} :words, '', '')", {"key": key, "words": tokens(headline)}),
        (f"{deleted} '', '', :facets)", {"key": key, "facets": EVERY}),
        (
            f"{of_letters} VALUES ('delete', :key, :letter)",
            {"key": key, "letter": tokens(headline)[0]},
        ),
    ]


def test_every_alias_source_charset_and_word_counts(made: Path, tmp_path: Path) -> None:
    """What nothing else leads to: each is changed alone, and the change is found."""
    url = url_of(made / "index.sqlite3")
    changes: list[tuple[str, dict[str, Any]]] = [
        ("DELETE FROM aliases WHERE outlet = :outlet AND alias = :alias", row)
        for row in ask(url, "SELECT outlet, alias FROM aliases")
    ]
    for row in ask(url, "SELECT id FROM captures"):
        changes.append(("UPDATE captures SET source = url || 'x' WHERE id = :id", row))
        charsets = "charset_declared = '', charset_used = ''"
        changes.append((f"UPDATE captures SET {charsets} WHERE id = :id", row))
    first = ask(url, "SELECT search_position, headline FROM revisions WHERE current")[0]
    key, headline = first.values()
    changes += changes_of_search(key, headline)
    changes += [
        (f"UPDATE revisions SET {values} WHERE search_position = :key", {"key": key})
        for values in (
            "search_position = search_position + 1",
            "search_position = NULL",
            "search_position = NULL, search_spill = NULL",
            "search_spill = 64",
            "search_position = (SELECT max(search_position) FROM revisions)",
        )
    ]
    for number, (statement, given) in enumerate(changes):
        folder = tmp_path / str(number)
        copy_folder(made, folder)
        change(url_of(folder / "index.sqlite3"), statement, **given)
        assert verify(folder)[0], (statement, given)
        drop_indexes(folder)
        shutil.rmtree(folder)


def test_words_of_the_same_weight_once_are_told_apart() -> None:
    for one, other in (("북한", "붠핛"), ("아가", "앣꯿"), ("가나", "나가")):
        assert _sum([one]) != _sum([other])


def test_a_live_page_whose_source_is_its_address_is_compared(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    keeper = Keeper(tmp_path)
    url = "https://www.etoday.co.kr/news/view/9000000002"
    body = (SEEDS / "etoday" / "own-desktop-2020.html").read_bytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    keeper.keep(read_exchange(exchange(url=url, head=head, body=body), outlet_named("etoday"), url))
    assert workspace.call("verify").code == 0
    change(workspace.index_url, "UPDATE captures SET source = 'x'")
    said = workspace.call("verify")
    assert said.code == 1
    assert "source x and not https" in said.out


def test_the_history_records_a_verification_and_what_it_left_out(workspace: Workspace) -> None:
    assert workspace.call("verify").code == 0
    assert workspace.call("verify", "--sample", "1", "--skip-reading").code == 0
    assert workspace.call("verify", *segments(workspace)).code == 0
    segments(workspace)[0].unlink()
    assert workspace.call("verify").code == 1
    told = [row for row in workspace.rows("runs") if row["verb"] == "verify"]
    assert [(json.loads(row["arguments"]), row["ending"], row["exit_code"]) for row in told] == [
        ([], "succeeded", 0),
        (["--sample=1", "--skip-reading"], "succeeded", 0),
        ([], "failed", 1),
    ]


@pytest.mark.sqlite_only(reason="there is no earlier schema in PostgreSQL")
def test_an_index_that_takes_nothing_is_verified_all_the_same_and_stays_as_it_is(
    workspace: Workspace,
) -> None:
    change(workspace.index_url, "UPDATE alembic_version SET version_num = '0004'")
    result = workspace.call("verify")
    assert "could not be recorded in the run history" in result.err
    assert "earlier version of Sacho (schema 0004): run scrapy reindex" in result.err
    assert workspace.rows("alembic_version") == [{"version_num": "0004"}]


def test_nothing_yet_is_no_failure(tmp_path: Path) -> None:
    result = Workspace(tmp_path).call("verify")
    assert (result.code, result.out) == (
        0,
        "nothing to verify: the archive has no closed segment yet\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_finding_names_file_byte_record_and_rule(workspace: Workspace) -> None:
    path = segments(workspace)[0]
    row = next(
        row
        for row in workspace.rows("captures")
        if row["warc_file"] == path.name and row["warc_offset"]
    )
    data = bytearray(path.read_bytes())
    data[row["warc_offset"] + 60] ^= 4
    path.write_bytes(data)
    result = workspace.call("verify")
    assert result.code == 1
    lines = result.out.splitlines()
    assert any(line.startswith(f"{path.name}@{row['warc_offset']}: gzip: ") for line in lines)
    assert any(
        line.startswith(f"{path.name}@{row['warc_offset']} {row['record_id']}: no_record: ")
        for line in lines
    )
    assert any(line.startswith(f"{path.name}: fixity: ") for line in lines)


def test_a_record_without_a_row_and_a_row_without_a_segment(workspace: Workspace) -> None:
    first, second = segments(workspace)
    second.rename(second.with_name("elsewhere"))
    with SegmentWriter(workspace.archive) as out:
        out.write(Exchange("https://a.kr/", datetime.now(KST), b"<p>", b"HTTP/1.1 200 OK\r\n\r\n"))
    found = verify(workspace.folder)[0]
    assert {Rule.NO_ROW, Rule.MISSING_SEGMENT} <= {one.rule for one in found}
    assert {one.file for one in found if one.rule is Rule.MISSING_SEGMENT} == {second.name}
    assert first.exists()


def test_a_segment_without_an_entry_gets_one_and_is_reported(workspace: Workspace) -> None:
    (workspace.archive / NAME).unlink()
    result = workspace.call("verify")
    assert result.code == 0
    assert result.out.count("added to the fixity manifest") == 2
    assert {one.kind for one in fixity.read(workspace.archive).entries.values()} == {
        EntryKind.FOUND
    }
    assert "added to the fixity manifest" not in workspace.call("verify").out


def test_a_damaged_segment_is_not_entered(workspace: Workspace) -> None:
    (workspace.archive / NAME).unlink()
    path = segments(workspace)[0]
    path.write_bytes(path.read_bytes()[:-9])
    assert workspace.call("verify").code == 1
    assert {*fixity.read(workspace.archive).entries} == {segments(workspace)[1].name}


def test_a_read_only_archive_is_verified_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.archive / NAME).unlink()
    real = os.open

    def read_only(path: Any, flags: int, *more: int, **named: int) -> int:
        if str(path).endswith(NAME) and flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(30, "Read-only file system")
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", read_only)
    result = workspace.call("verify")
    assert result.code == 0
    assert "read-only" in result.out


def test_what_was_removed_or_replaced_on_purpose_is_no_finding(workspace: Workspace) -> None:
    path = segments(workspace)[0]
    fixity.append(
        workspace.archive,
        ManifestEntry(
            EntryKind.REMOVED, "gone.warc.gz", 1, "0" * 64, datetime.now(KST), "take-down"
        ),
    )
    # not as we pack, but that is another rule
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())))
    fixity.record_segment(FolderStore(path.parent), path.name, EntryKind.REPLACED, "take-down")
    found = verify(workspace.folder)[0]
    assert not {Rule.FIXITY, Rule.MANIFEST, Rule.MISSING_SEGMENT} & {one.rule for one in found}


def test_a_live_writers_segment_is_skipped_and_a_dead_writers_reported(
    workspace: Workspace,
) -> None:
    out = SegmentWriter(workspace.archive)
    out.write(exchange(url="https://www.etoday.co.kr/robots.txt"))
    out.sync()
    found, tally = verify(workspace.folder)
    assert (found, tally.live) == ([], 1)
    os.close(out._fd)
    out._fd = -1
    with next(workspace.archive.glob("*.open")).open("ab") as file:
        file.write(b"\x1f\x8b\x08\0torn")
    found, _ = verify(workspace.folder)
    assert [one.rule for one in found] == [Rule.LEFT_OPEN]
    assert "scrapy recover, or the next crawl or replay" in found[0].sentence
    assert workspace.call("replay", SEEDS / "etoday").code == 0
    assert verify(workspace.folder)[0] == []


def test_rows_of_a_dead_writers_segment_must_be_there(workspace: Workspace) -> None:
    path = segments(workspace)[0]
    (workspace.archive / NAME).unlink()
    path.rename(path.with_name(path.name + ".open"))
    assert rules(workspace.folder) == {Rule.LEFT_OPEN}
    left = path.with_name(path.name + ".open")
    left.write_bytes(left.read_bytes()[:-2000])
    assert Rule.NO_RECORD in rules(workspace.folder)


def test_a_sample_of_an_archive_that_is_not_there_fails(workspace: Workspace) -> None:
    workspace.archive.rename(workspace.folder / "unmounted")
    workspace.archive.mkdir()
    for chosen in ("--sample=10%", "--since=2020-01-01"):
        result = workspace.call("verify", chosen)
        assert result.code == 1
        assert "contains no segment, but the index refers to segments there" in result.err


def test_a_sample_can_be_drawn_again(workspace: Workspace) -> None:
    result = workspace.call("verify", "--sample", "1", "--seed", "5")
    assert result.code == 0
    assert "sample with seed 5: 1 segment, 1 skipped" in result.out
    assert workspace.call("verify", "--sample", "1", "--seed", "5").out == result.out
    assert "2 segments, 0 skipped" in workspace.call("verify", "--sample", "100%").out
    chosen = {
        name
        for seed in range(20)
        for name in SegmentSelection(sample="50%", seed=seed).of(
            FolderStore(workspace.archive),
            [path.name for path in segments(workspace)],
            fixity.read(workspace.archive),
        )
    }
    assert chosen == {path.name for path in segments(workspace)}


def test_since_is_a_day_of_closing_in_korea(workspace: Workspace) -> None:
    old, new = segments(workspace)
    days = timedelta(9)
    (workspace.archive / NAME).unlink()
    for path, moment in ((old, datetime.now(KST) - days), (new, datetime.now(KST))):
        size, sha256 = measure(path)
        fixity.append(
            workspace.archive, ManifestEntry(EntryKind.CLOSED, path.name, size, sha256, moment)
        )
        os.utime(path, (moment.timestamp(), moment.timestamp()))
    today = datetime.now(KST).date()
    result = workspace.call("verify", "--since", str(today - timedelta(1)))
    assert result.code == 0
    assert "skipped 1 older segment" in result.out
    result = workspace.call("verify", "--part", "1/2")
    assert (result.code, "skipped 1 segment of other parts" in result.out) == (0, True), result.out
    assert verify(workspace.folder, SegmentSelection(since=today - days))[1].files == 2
    assert verify(workspace.folder, SegmentSelection(since=today + timedelta(1)))[1].files == 0
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    assert verify(workspace.folder, SegmentSelection(since=today))[0] == []


def test_files_are_verified_by_themselves_and_by_the_manifest_beside_them(
    workspace: Workspace, tmp_path: Path
) -> None:
    foreign = tmp_path / "w.warc.gz"
    foreign.write_bytes(by_warcio())
    result = workspace.call("verify", foreign, *segments(workspace))
    assert result.code == 0
    assert "note" in result.out
    path = segments(workspace)[0]
    path.write_bytes(ours())
    result = workspace.call("verify", path)
    assert result.code == 1
    assert ": fixity: " in result.out
    result = workspace.call("verify", tmp_path / "nowhere.warc", tmp_path)
    assert result.code == 1
    assert result.out.count(": unreadable: ") >= 2


def test_of_a_segment_that_cannot_be_read_no_row_is_called_wrong(workspace: Workspace) -> None:
    path = segments(workspace)[0]
    path.unlink()
    path.mkdir()
    result = workspace.call("verify")
    assert result.code == 1
    assert f"{path.name}: unreadable: " in result.out
    assert "no_record" not in result.out


def test_warcio_is_the_witness_of_an_archive_and_of_files(
    workspace: Workspace, tmp_path: Path
) -> None:
    result = workspace.call("verify", "--witness")
    assert (result.code, "no findings" in result.out) == (0, True), result.out
    foreign = tmp_path / "w.warc.gz"
    foreign.write_bytes(by_warcio())
    assert workspace.call("verify", "--witness", foreign).code == 0
    foreign.write_bytes(record(version="WARC/1.2"))
    result = workspace.call("verify", "--witness", foreign)
    assert result.code == 1
    assert ": witness: warcio reads no further" in result.out
    assert ": witness: " not in workspace.call("verify", foreign).out


@pytest.mark.sqlite_only(reason="it is of a file that is lost, foreign or damaged")
def test_a_lost_or_foreign_index_is_a_finding_and_the_segments_are_verified(
    workspace: Workspace,
) -> None:
    workspace.index.unlink()
    found, tally = verify(workspace.folder)
    assert [one.rule for one in found] == [Rule.INDEX]
    assert tally.files == 2
    workspace.index.write_bytes(b"no database" * 999)
    found, tally = verify(workspace.folder)
    assert [one.rule for one in found] == [Rule.INDEX]
    assert tally.files == 2


@pytest.mark.sqlite_only(reason="it is of a file that is lost, foreign or damaged")
def test_a_damaged_page_of_the_index_is_found(workspace: Workspace) -> None:
    data = bytearray(workspace.index.read_bytes())
    for at in range(20_000, len(data), 9001):
        data[at] ^= 0xFF
    workspace.index.write_bytes(data)
    assert verify(workspace.folder)[0]


@pytest.mark.sqlite_only(reason="a column of PostgreSQL has no value of another type")
@pytest.mark.parametrize("value", ["garbage", b"\xff\xfe", 7])
def test_a_value_that_cannot_be_read_is_found_and_the_segments_are_verified(
    workspace: Workspace, value: object
) -> None:
    with closing(sqlite3.connect(workspace.index)) as connection:
        connection.execute("UPDATE captures SET captured_at = ? WHERE id = 3", (value,))
        connection.commit()
    found, tally = verify(workspace.folder)
    assert Rule.INDEX in {one.rule for one in found}
    assert tally.files == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sample", "0"],
        ["--sample", "101%"],
        ["--sample", "x"],
        ["--since", "yesterday"],
        ["--seed", "1"],
        ["--sample", "1", "a.warc"],
        ["--since", "2026-01-01", "a.warc"],
        ["--nonsense"],
    ],
)
def test_invalid_usage_is_reported(workspace: Workspace, arguments: list[str]) -> None:
    assert workspace.call("verify", *arguments).code == 2


def test_an_archive_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("x")
    result = Workspace(tmp_path).call("verify")
    assert (result.code, len(result.sentences)) == (1, 1)


def test_output_into_a_closed_pipe_is_no_traceback(workspace: Workspace) -> None:
    segments(workspace)[0].unlink()
    process = workspace.start("verify", stdout=-1, stderr=-1)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=300)
    assert b"Traceback" not in err
