"""``scrapy reindex``: from the WARCs alone, the same index; stopped, damaged, in use or without the old one, too."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from archive import index, swap
from archive.index import Index, IndexUnusableError
from archive.rebuild import Rebuild
from archive.segments import SegmentWriter
from archive.spans import END, Segment
from archive.tables import captures
from crawler import reindex, workers
from crawler.reading import read_record
from tests.cli import ROOT, Desk, Said, summary
from tests.crawling import Crawls, books, twin_of_today
from tests.keeping import exchange, warc_of
from tests.likeness import difference, tables_of
from tests.reading import SEEDS
from tests.test_crawl_pictures import places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archive.exchange import Location
    from archive.records import Found
    from pipelines.page import Page

ARTICLES = 60
DERIVED = ("captures", "articles", "aliases", "revisions", "search")
#: What an outlet does to a crawl, each to one article.
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("front", {}), ("private", {"to": "https://www.etoday.co.kr/news/view/1"}), ("loop", {}), ("status", {}),
    ("status", {"status": 403}), ("short", {}), ("bad_gzip", {}), ("cut_gzip", {}), ("empty", {}), ("login", {}),
    ("soft_404", {}), ("html", {}), ("reset", {}), ("bomb", {"megabytes": 30}), ("charset", {"encode": "cp949"}),
    ("status", {"times": 1}),
)  # fmt: skip
ONCE = {"RETRY_TIMES": "1", "DOWNLOAD_VERIFY_CERTIFICATES": "0"}


def reindexed(desk: Desk, *options: str) -> Said:
    """Reindex, and see that nothing is left lying about."""
    said = desk.call("reindex", *options)
    assert not [path.name for path in desk.folder.iterdir() if "reindex" in path.name or path.name.endswith("-wal")]
    return said


def without_the_run(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """The tables but for the row of the reindex itself."""
    return tables | {"runs": [row for row in tables["runs"] if '"verb": "reindex"' not in row]}


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawls]:
    """An archive with whatever an outlet does to a crawl, and with texts, pages and others' WARCs replayed into it."""
    folder = tmp_path_factory.mktemp("crawled")
    with twin_of_today("etoday", ARTICLES) as twin:
        crawls = Crawls.into(folder, twin)
        ids = twin.ids()
        for article_id, (kind, options) in zip(ids[ARTICLES // 2 :], FAULTS, strict=False):
            more = {name: f"https://www.etoday.co.kr/news/view/{ids[0]}" for name in options if name == "to"}
            twin.fault(f"{article_id}$", kind, **(options | more))
        said = crawls.run(**ONCE, ARCHIVE_IMAGES="1", RESOLVER_MAP=places(crawls))
        assert "Traceback" not in said.err, said.err
        assert books(said.out)["failed"]
        for article_id in ids[:8]:
            twin.edit(article_id)
        twin.delete(ids[10], 404)
        twin.delete(ids[11], 410)
        for _ in range(2):
            plain = ",".join(map(repr, ids[15:20]))
            crawls.edit_frontier(f"SET etag = '', last_modified = '' WHERE article_id IN ({plain})")
            crawls.make_due()
            assert "Traceback" not in crawls.run(**ONCE).err
        replay_into(crawls.desk, folder / "given")
        yield crawls


def replay_into(desk: Desk, folder: Path) -> None:
    """Replay texts without an address, then the pages they are of, a page of a forced outlet, and another's WARC."""
    folder.mkdir()
    for path in [*SEEDS.glob("*.txt"), *SEEDS.glob("*/*-text.txt")]:
        shutil.copy(path, folder / f"{path.parent.name}-{path.name}")
    text = (SEEDS / "etoday" / "own-text.txt").read_bytes()
    (folder / "a\tname  이름\n.txt").write_bytes(text + b"\n")
    assert desk.call("replay", folder).code == 0
    assert desk.call("replay", SEEDS).code == 0
    page = folder / "nobody.html"
    page.write_text("<title>누구의 것도 아닌 페이지</title><p>아무 말도 아니다.", "utf-8")
    assert desk.call("replay", "--outlet", "newspim", page).code == 1
    html = (SEEDS / "newspim" / "own-desktop-2021.html").read_bytes()
    warc = warc_of(folder / "other.warc.gz", ("https://www.newspim.com/news/view/20190101000001", html))
    assert desk.call("replay", warc).code == 0


def test_a_reindex_gives_the_same_tables(crawled: Crawls) -> None:
    desk = crawled.desk
    before, kept = tables_of(desk.index), desk.kept_bytes()
    said = reindexed(desk, "--processes", "2")
    assert (said.code, said.err) == (0, "")
    assert difference(before, without_the_run(tables_of(desk.index))) == []
    assert desk.kept_bytes() == kept, "the archive is only read"
    assert sum(row["captures"] for row in summary(said).values()) == len(desk.rows("captures"))
    assert f"{len(desk.rows('captures'))} captures read in" in said.out
    assert tables_of(desk.index.with_name("index.sqlite3.old")) == before, "the one before is kept"


def test_what_was_gathered_is_worth_comparing(crawled: Crawls) -> None:
    """Else the test above would hold for an empty index, too."""
    rows = crawled.desk.rows("captures")
    outcomes = {"/".join(filter(None, (row["outcome"], row["reason"]))) for row in rows}
    assert outcomes >= {
        "new", "changed", "unchanged", "unparsed/bad_content", "unparsed/empty_body",
        "unparsed/login_wall", "unparsed/soft_404", "skipped/http_status", "skipped/not_an_article",
        "skipped/redirect_to_front", "skipped/redirect_elsewhere", "failed/http_status",
    }, outcomes  # fmt: skip
    assert {row["record_type"] for row in rows} == {"response", "resource", "revisit"}
    assert {row["time_known"] for row in rows} == {0, 1}
    assert any("img.etoday" in row["url"] and row["outlet"] == "etoday" for row in rows)
    assert any(row["source"].endswith("a name 이름 .txt") for row in rows)
    assert max(row["number"] for row in crawled.desk.rows("revisions")) == 2
    assert any(row["alias"].startswith("content-") for row in crawled.desk.rows("aliases"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An archive of the seeds."""
    made = Desk(tmp_path)
    assert made.call("replay", SEEDS).code == 0
    return made


#: Run within the process: small spans, and what happens at the n-th call of a function.
PATCHED = """
import os, signal, sys
from archive import rebuild, spans, swap
from crawler import reindex, workers
from crawler.reading import read_record
from scrapy.cmdline import execute

spans.STEP = 4_000
name, number, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
place = rebuild.Rebuild if name in ("write", "end") else reindex
whole = getattr(place, name)
calls = 0

def patched(*args, **kwargs):
    global calls
    calls += 1
    result = whole(*args, **kwargs)
    if calls == number:
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt
    return result

setattr(place, name, patched)
execute(["scrapy", "reindex", "--processes", "2"])
"""


def stopped_at(desk: Desk, name: str, number: int, how: str) -> Said:
    """A reindex that is killed, or interrupted, behind the n-th call of one of its steps."""
    command = [sys.executable, "-c", PATCHED, name, str(number), how]
    # That the pipes end within the time shows that the reading processes have ended, too.
    done = subprocess.run(command, cwd=ROOT, env=desk.environment(), capture_output=True, timeout=60, check=False)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize(
    ("step", "number"), [("write", 1), ("write", 3), ("carry_over", 1), ("end", 1), ("put_in_place", 1)]
)
def test_killed_at_any_step_the_same_command_completes_it(desk: Desk, step: str, number: int) -> None:
    before = tables_of(desk.index)
    assert stopped_at(desk, step, number, "kill").code == -signal.SIGKILL
    changed = without_the_run(tables_of(desk.index))
    assert difference(before, changed) == []
    said = reindexed(desk)
    assert (said.code, said.err) == (0, "")
    assert difference(before, without_the_run(tables_of(desk.index))) == []
    assert ("the rest: " in said.out) == (step != "put_in_place"), "what was read is not read again"


def test_ctrl_c_ends_it_cleanly_and_it_goes_on(desk: Desk) -> None:
    before = tables_of(desk.index)
    said = stopped_at(desk, "write", 2, "stop")
    assert said.code == 1
    assert said.sentences == ["scrapy reindex: Stopped. What was reported is kept; run the same command to go on."]
    assert tables_of(desk.index) == before
    assert "the rest: " in reindexed(desk).out
    assert difference(before, without_the_run(tables_of(desk.index))) == []


def test_what_is_wrong_in_the_index_is_right_again(desk: Desk) -> None:
    before = tables_of(desk.index)
    pick = random.Random(7)
    with closing(sqlite3.connect(desk.index)) as connection, connection:
        for table in ("captures", "revisions", "articles"):
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            for statement in (
                f"UPDATE {table} SET url = 'x'",
                f"UPDATE {table} SET captured_at = NULL",
                f"DELETE FROM {table}",
            ):
                with suppress(sqlite3.Error):  # not every column is every table's
                    connection.execute(f"{statement} WHERE id = {pick.randint(1, count)}")
        connection.execute("INSERT INTO search(search) VALUES ('delete-all')")
    assert reindexed(desk).code == 0
    after = tables_of(desk.index)
    assert difference(before, after, *DERIVED) == []
    assert difference(before, without_the_run(after), "runs") == []


def test_another_archive_or_other_code_begins_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tables_of(desk.index)
    stopped_at(desk, "write", 1, "kill")
    monkeypatch.setattr(reindex, "_PACKAGES", ("archive",))
    assert "the rest: " not in desk.call("reindex").out
    assert difference(before, without_the_run(tables_of(desk.index))) == []


def test_damage_is_named_and_the_rest_is_indexed(desk: Desk) -> None:
    (segment,) = desk.archive.glob("*.warc.gz*")
    before = tables_of(desk.index)
    rows = sorted(desk.rows("captures"), key=lambda row: row["warc_offset"])
    flipped, cut = rows[3], rows[-1]
    data = bytearray(segment.read_bytes())
    data[flipped["warc_offset"] + 100] ^= 1
    segment.write_bytes(data[: cut["warc_offset"] + 100])
    said = reindexed(desk)
    assert said.code == 1
    assert [line.partition(": ")[0] for line in said.sentences] == [
        f"{segment.name}@{row['warc_offset']}" for row in (flipped, cut)
    ]
    assert summary(said)["–"]["failed"] == 2
    left = {row["record_id"] for row in desk.rows("captures")}
    assert left == {row["record_id"] for row in rows} - {flipped["record_id"], cut["record_id"]}
    assert {row["detail"] for row in desk.rows("outcomes") if row["reason"] in ("truncated", "bad_record")}
    assert difference(before, without_the_run(tables_of(desk.index)), "frontier", "robots", "runs") == []


def test_a_copied_segment_is_told_and_counted_once(desk: Desk) -> None:
    before = tables_of(desk.index)
    (segment,) = desk.archive.glob("*.warc.gz*")
    shutil.copy(segment, segment.with_name(f"z{segment.name}"))
    said = reindexed(desk)
    assert said.code == 1
    assert "is in the archive twice" in said.err
    assert difference(before, tables_of(desk.index), *DERIVED) == []


def test_a_dead_writers_segment_is_read_as_it_lies_and_its_torn_tail_is_no_damage(desk: Desk) -> None:
    before = tables_of(desk.index)
    (segment,) = desk.archive.glob("*.warc.gz*")
    left = segment.with_name(f"{segment.name}.open")
    segment.rename(left)
    left.write_bytes(left.read_bytes() + gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n")[:-9])
    said = reindexed(desk)
    assert (said.code, said.err) == (0, "")
    assert difference(before, without_the_run(tables_of(desk.index))) == []
    assert desk.call("replay", SEEDS).code == 0, "and the next run closes it"
    assert segment.exists()
    assert not left.exists()


def test_it_does_not_begin_while_somebody_writes(desk: Desk) -> None:
    before = tables_of(desk.index)
    with SegmentWriter(desk.archive) as segments:
        segments.write(exchange("https://www.etoday.co.kr/", b"<p>"))
        said = desk.call("reindex")
        assert said.code == 1
        assert "is being written, by a crawl or a replay" in said.err
    assert tables_of(desk.index) == before
    assert sorted(path.name for path in desk.folder.iterdir()) == ["archive", "index.sqlite3"]


def test_an_index_in_use_is_not_replaced_and_nothing_is_read_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tables_of(desk.index)
    monkeypatch.setattr(reindex, "alone", partial(swap.alone, wait=0.0))
    with Index(f"sqlite:///{desk.index}") as reader:
        said = desk.call("reindex")
        assert said.code == 1
        assert "has it open" in said.err or "open (a crawl, or a search)" in said.err
        with reader.reading() as connection:
            assert connection.scalar(select(func.count()).select_from(captures)) == len(before["captures"])
    assert tables_of(desk.index) == before
    assert "the rest: 0 captures" in desk.call("reindex").out
    assert difference(before, without_the_run(tables_of(desk.index))) == []


def test_one_at_a_time(desk: Desk) -> None:
    with Rebuild(f"sqlite:///{desk.index}", "another's"):
        said = desk.call("reindex")
    assert said.code == 1
    assert "Another reindex" in said.err


def test_a_full_disk_leaves_the_old_index_as_it_was(desk: Desk) -> None:
    before = tables_of(desk.index)
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (150_000, 150_000))
    process = desk.start("reindex", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err.decode()
    assert "run the same command again" in err.decode()
    assert tables_of(desk.index) == before
    assert reindexed(desk).code == 0
    assert difference(before, without_the_run(tables_of(desk.index))) == []


@pytest.mark.parametrize(
    ("content", "named"), [(b"no database", "it is no index of ours, or damaged"), (None, "another program's")]
)
def test_what_is_no_index_is_not_replaced(tmp_path: Path, content: bytes | None, named: str) -> None:
    desk = Desk(tmp_path)
    assert desk.call("replay", SEEDS).code == 0
    desk.index.unlink()
    if content is None:
        with closing(sqlite3.connect(desk.index)) as connection, connection:
            connection.execute("CREATE TABLE others (x)")
    else:
        desk.index.write_bytes(content)
    before = desk.index.read_bytes()
    said = desk.call("reindex")
    assert said.code == 1
    assert named in said.err
    assert desk.index.read_bytes() == before


def test_without_an_archive_it_says_so_and_makes_nothing(tmp_path: Path) -> None:
    said = Desk(tmp_path).call("reindex")
    assert said.code == 1
    assert "There is no archive at" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["somewhere"], ["--processes", "0"], ["--processes", "many"]])
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert Desk(tmp_path).call("reindex", *arguments).code == 2


def test_an_empty_archive_has_an_empty_index(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.archive.mkdir()
    assert desk.call("reindex").code == 0
    assert desk.rows("captures") == []


def test_without_the_old_index_nothing_known_is_fetched_anew(crawled: Crawls, tmp_path: Path) -> None:
    shutil.copytree(crawled.desk.archive, tmp_path / "archive")
    again = Crawls(crawled.twin, Desk(tmp_path, crawled.desk.settings))
    before = tables_of(crawled.desk.index)
    said = reindexed(again.desk)
    assert said.code == 0
    assert difference(before, tables_of(again.desk.index), *DERIVED) == []
    seen, made = crawled.frontier(), again.frontier()
    visited = {article_id for article_id, row in seen.items() if row["outcome"] and row["reason"] != "connection_lost"}
    assert set(made) == visited
    assert f"{len(visited)} articles were missing in the frontier" in said.out
    looked = [article_id for article_id in visited if seen[article_id]["outcome"] in ("new", "changed", "unchanged")]
    for article_id in looked:
        assert made[article_id]["looks"] == seen[article_id]["looks"], article_id
        exact = made[article_id][
            "published_at"
        ]  # the revision's; a crawl keeps what it learnt first, maybe to the minute
        assert seen[article_id]["published_at"] in (exact, exact[:17] + "00.000000")
    crawled.twin.heal()
    start = len(crawled.twin.log)
    again.run()
    assert not set(again.fetched(start)) & set(looked)


def test_what_a_crawl_adds_meanwhile_is_read_too(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A replay that begins and ends while the archive is read; its segment is there, empty, at the first look."""
    page = tmp_path / "late.html"
    shutil.copy(SEEDS / "etoday" / "own-mobile.html", page)
    facts = {"url": "https://www.etoday.co.kr/news/view/555", "captured_at": "2026-11-01T00:00:00+00:00"}
    (tmp_path / "late.json").write_text(json.dumps(facts))
    whole, calls = reindex._read, list[Any]()

    def reading(*args: Any) -> None:
        whole(*args)
        if not calls:
            known = set(desk.archive.glob("*.warc.gz*"))
            assert desk.call("replay", page).code == 0
            (late,) = set(desk.archive.glob("*.warc.gz*")) - known
            args[0].write(Segment(late, late.name, 0), END, [], [])
        calls.append(args)

    monkeypatch.setattr(reindex, "_read", reading)
    said = desk.call("reindex")
    assert said.code == 0, said
    assert len(calls) == 2
    assert "555" in {row["article_id"] for row in desk.rows("articles")}
    after = tables_of(desk.index)
    assert difference(tables_of(desk.index.with_name("index.sqlite3.old")), without_the_run(after)) == []


def test_who_opens_it_while_it_is_exchanged_gets_the_new_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    url, fresh = f"sqlite:///{desk.index}", desk.folder / "fresh"
    with swap.alone(url) as old:
        assert old is not None
        with pytest.raises(IndexUnusableError, match="has"), swap.alone(url, wait=0.0):
            pass
    Index(f"sqlite:///{fresh}").close()
    looks: list[str] = []
    real = index._inode

    def look(which: str) -> int:
        looks.append(which)
        if len(looks) == 2:
            swap.put_in_place(fresh, url)
        return real(which)

    monkeypatch.setattr(index, "_inode", look)
    with Index(url) as opened, opened.reading() as connection:
        assert len(looks) > 2
        assert connection.scalar(select(func.count()).select_from(captures)) == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_order_of_intake_leaves_no_trace(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Versions of one article replayed one after the other, and in an order that is none of time."""
    desk, day = Desk(tmp_path), "2026-11-{:02}T00:00:00+00:00"
    text = (SEEDS / "etoday" / "own-desktop-2020.html").read_text("utf-8")
    for number in order:
        page = tmp_path / f"{number}.html"
        page.write_text(text.replace("3200쪽을", f"320{number % 2}쪽을"), "utf-8")
        facts = {"url": "https://www.etoday.co.kr/news/view/77", "captured_at": day.format(number + 1)}
        page.with_suffix(".json").write_text(json.dumps(facts))
        assert desk.call("replay", page).code == 0
    before = tables_of(desk.index)
    assert [row["captured_at"][:10] for row in sorted(desk.rows("revisions"), key=lambda row: row["number"])] == [
        day.format(number)[:10] for number in (1, 2, 3)
    ]
    assert reindexed(desk).code == 0
    assert difference(before, without_the_run(tables_of(desk.index))) == []


def test_a_bug_at_one_page_is_named_and_costs_only_that_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    hit = next(row for row in desk.rows("captures") if row["url"].endswith("/9000000002"))

    def raising(record: Found, place: Location, *, blind: bool = False) -> Page:
        if record.record_id == hit["record_id"] and not blind:
            raise ZeroDivisionError
        return read_record(record, place, blind=blind)

    monkeypatch.setattr(workers, "read_record", raising)
    said = desk.call("reindex")
    assert said.code == 1
    assert f"{hit['warc_file']}@{hit['warc_offset']}: failed/internal_error: ZeroDivisionError()" in said.err
    rows = {row["record_id"]: row for row in desk.rows("captures")}
    assert rows.pop(hit["record_id"])["reason"] == "internal_error"
    assert {row["outcome"] for row in rows.values()} == {"new", "unchanged"}
    monkeypatch.undo()
    assert reindexed(desk).code == 0


def test_two_that_write_at_once_leave_one_index(tmp_path: Path) -> None:
    """Two replays at the same time, of other articles and of versions of the same one; whoever comes first."""
    desk, folders = Desk(tmp_path), [tmp_path / "a", tmp_path / "b"]
    text = (SEEDS / "etoday" / "own-desktop-2020.html").read_text("utf-8")
    for turn, folder in enumerate(folders):
        shutil.copytree(SEEDS / ("etoday", "newspim")[turn], folder)
        for number in range(turn, 12, 2):
            page = folder / f"version-{number:02}.html"
            page.write_text(text.replace("3200쪽을", f"{3200 + number}쪽을"), "utf-8")
            facts = {
                "url": "https://www.etoday.co.kr/news/view/77",
                "captured_at": f"2026-11-{number + 1:02}T00:00:00Z",
            }
            page.with_suffix(".json").write_text(json.dumps(facts))
    running = [desk.start("replay", folder, stdout=subprocess.DEVNULL) for folder in folders]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    before = tables_of(desk.index)
    assert reindexed(desk).code == 0
    after = tables_of(desk.index)
    assert difference(before, after, "articles", "aliases", "revisions", "search") == []
    # Which of two captures of one article was "new" is told by who came first; all else of them is not.
    assert difference(*({"captures": sorted(map(settled, told["captures"]))} for told in (before, after))) == []


def settled(line: str) -> str:
    row = json.loads(line)
    return json.dumps(row | {"outcome": "read" if row["revision_id"] else row["outcome"]}, sort_keys=True)


@pytest.mark.parametrize("links", [True, False])
def test_a_linked_index_stays_where_it_lies_and_keeps_its_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """The index lies on another disk, and INDEX_URL names a link to it; on some disks there are no hard links."""

    def without(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", without)
    desk, disk = Desk(tmp_path), tmp_path / "disk"
    disk.mkdir()
    assert desk.call("replay", SEEDS).code == 0
    lies = disk / "lies.sqlite3"
    desk.index.rename(lies)
    lies.chmod(0o640)
    desk.index.symlink_to(lies)
    before = tables_of(desk.index)
    assert reindexed(desk).code == 0
    assert desk.index.is_symlink()
    assert sorted(path.name for path in disk.iterdir()) == ["lies.sqlite3", "lies.sqlite3.old"]
    assert lies.stat().st_mode & 0o777 == 0o640
    assert difference(before, without_the_run(tables_of(desk.index))) == []
    lies.unlink()
    assert reindexed(desk).code == 0
    assert difference(before, tables_of(desk.index), *DERIVED) == []


def test_what_is_carried_over_refers_to_nothing_made_anew_but_captures() -> None:
    """A new table belongs among `DERIVED`, where the ledger fills it, or has to be copied as it is."""
    targets = {key.column.table for table in swap.CARRIED for column in table.columns for key in column.foreign_keys}
    assert targets <= {*swap.CARRIED, captures}
