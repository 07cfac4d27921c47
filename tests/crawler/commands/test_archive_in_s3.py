"""Every verb on an archive in a bucket, and that it is the archive that a folder would hold."""

from __future__ import annotations

import json
import re
import socket
import zipfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest

from archive.segments.writer import SegmentWriter
from tests.crawler.web.playback.test_serve import serving
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.databases import s3_server
from tests.support.databases.s3_server import CREDENTIALS, Door, Fault, Seen
from tests.support.documents import SEEDS
from tests.support.processes.cli import CommandResult, Workspace
from tests.support.sites.web_servers import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARTICLE = "newspim/20230915999901"
#: Their times of capture are known, as those of the text renderings are not.
PAGES = [str(path) for path in sorted(SEEDS.glob("*/*.html"))]


@dataclass(frozen=True)
class Place:
    """An archive in a bucket behind a door, with its index and spool in a folder."""

    workspace: Workspace
    bucket: str
    door: Door

    def run(self, *args: str | Path, **env: str) -> CommandResult:
        return self.workspace.run(*args, env=env)

    def done(self, *args: str | Path, **env: str) -> str:
        """Run a verb that must succeed; return what it printed."""
        result = self.run(*args, **env)
        assert (result.code, result.err) == (0, ""), result
        return result.out

    @property
    def segments(self) -> list[str]:
        return [key for key in s3_server.keys(self.bucket) if key.endswith(".warc.gz")]


def place(folder: Path, door: Door, bucket: str = "") -> Place:
    bucket = bucket or s3_server.new_bucket()
    folder.mkdir(exist_ok=True)
    settings = {
        "ARCHIVE_URL": f"s3://{bucket}/a",
        "S3_ENDPOINT": door.url,
        "SACHO_HOME": str(folder / "home"),
        **CREDENTIALS,
    }
    return Place(Workspace(folder, settings), bucket, door)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with closing(Door()) as door:
        yield door


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, door: Door) -> Place:
    """What a replay has made; nothing of it is changed."""
    made = place(tmp_path_factory.mktemp("made"), door)
    made.done("replay", SEEDS / "newspim", SEEDS / "etoday")
    return made


def test_a_replay_leaves_its_segment_in_the_bucket_only(made: Place) -> None:
    assert len(made.segments) == 1
    assert s3_server.unfinished(made.bucket) == []
    assert list(made.workspace.folder.rglob("*.warc.gz*")) == []
    assert not made.workspace.archive.exists()


def test_it_is_verified_also_with_a_witness(made: Place) -> None:
    assert "no findings" in made.done("verify", "--witness")


def test_an_article_is_shown_from_ranges_of_its_records(made: Place) -> None:
    made.door.seen.clear()
    shown = made.done("show", ARTICLE, "--json")
    captures = json.loads(shown)["captures"]
    asked = made.door.of("GET", ".warc.gz")
    assert 0 < len(asked) <= len(captures)
    (size,) = (s3_server.keys(made.bucket)[key] for key in made.segments)
    for one in asked:
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", one.range).groups())  # type: ignore[union-attr]
        assert last - first + 1 < size / 4
    assert {one.method for one in made.door.seen} == {"GET"}


def test_neighbouring_records_are_not_asked_for_one_by_one(made: Place, tmp_path: Path) -> None:
    records = len(made.workspace.rows("captures"))
    for verb in (("verify",), ("export", tmp_path / "a.wacz")):
        made.door.seen.clear()
        made.done(*verb)
        assert 0 < len(made.door.of("GET", ".warc.gz")) < records, verb


def test_status_says_how_much_there_is(made: Place) -> None:
    room = json.loads(made.done("status", "--json"))
    assert "archive" in made.done("status")
    assert room["ok"]
    size = sum(size for key, size in s3_server.keys(made.bucket).items() if "/" in key)
    assert size > 40_000


def test_articles_and_captures_are_exported(made: Place, tmp_path: Path) -> None:
    made.done("export", tmp_path / "a.jsonl")
    assert len((tmp_path / "a.jsonl").read_text("utf-8").splitlines()) == 5
    made.done("export", tmp_path / "a.wacz")
    assert "no findings" in made.done("verify", tmp_path / "a.wacz")
    made.done("export", tmp_path / "a.cdxj")


def test_the_index_is_rebuilt_from_it_by_several_processes(made: Place) -> None:
    out = made.done("reindex", "--processes", "2")
    assert "nothing changed against the old index" in out


def test_it_is_backed_up_and_restored_to_a_folder_and_to_another_bucket(
    made: Place, tmp_path: Path
) -> None:
    made.done("backup", tmp_path / "kept")
    assert "0 new, 1 unchanged" in made.done("backup", tmp_path / "kept", "--check")
    folder = Workspace(tmp_path / "folder")
    assert folder.run("restore", tmp_path / "kept").code == 0
    assert "no findings" in folder.run("verify").out
    other = place(tmp_path / "other", made.door)
    other.done("restore", tmp_path / "kept")
    assert "no findings" in other.done("verify")
    (one,), (same,) = made.segments, other.segments
    client = s3_server.client()
    first, second = (
        client.get_object(Bucket=bucket, Key=key)["Body"].read()
        for bucket, key in ((made.bucket, one), (other.bucket, same))
    )
    assert first == second == (folder.archive / one.rpartition("/")[2]).read_bytes()
    refused = other.run("restore", tmp_path / "kept")
    assert refused.code == 1
    assert "is not empty" in refused.err


def test_a_restore_that_was_ended_goes_on(made: Place, tmp_path: Path) -> None:
    made.done("backup", tmp_path / "kept")
    other = place(tmp_path / "other", made.door)
    fault = Fault("status", lambda seen: seen.key.endswith(".warc.gz"), -1, 403, "AccessDenied")
    made.door.faults.append(fault)
    try:
        ended = other.run("restore", tmp_path / "kept")
    finally:
        made.door.faults.clear()
    assert ended.code == 1
    assert "the server does not permit it" in ended.err
    refused = other.run("backup", tmp_path / "more")
    assert "A restore into s3://" in refused.err
    other.done("restore", tmp_path / "kept")
    assert "no findings" in other.done("verify")
    assert not any(".restoring" in key for key in s3_server.keys(other.bucket))


def test_what_a_folder_holds_is_restored_to_a_bucket_and_goes_on_there(
    made: Place, tmp_path: Path
) -> None:
    folder = Workspace(tmp_path / "folder")
    assert folder.run("replay", SEEDS / "newspim").code == 0
    assert folder.run("backup", tmp_path / "kept").code == 0
    moved = place(tmp_path / "moved", made.door)
    moved.done("restore", tmp_path / "kept")
    moved.done("replay", SEEDS / "etoday")
    assert len(moved.segments) == 2
    assert "no findings" in moved.done("verify")
    moved.done("remove", ARTICLE, "--reason", "a test", "--yes")
    assert "no findings" in moved.done("verify")
    moved.done("backup", tmp_path / "kept")


def test_an_article_is_removed_from_the_bucket(made: Place, tmp_path: Path) -> None:
    own = place(tmp_path / "own", made.door)
    own.done("replay", SEEDS / "newspim")
    (before,) = own.segments
    out = own.done("remove", ARTICLE, "--reason", "a test", "--yes")
    assert "removed newspim/20230915999901: 2 captures" in out
    (after,) = own.segments
    assert after == before.replace(".warc.gz", "-r1.warc.gz")
    assert "no findings" in own.done("verify")
    assert "nothing changed" in own.done("reindex")
    # the same pages do not come in again
    assert own.run("replay", SEEDS / "newspim").code == 0
    assert own.run("show", ARTICLE).code != 0


def test_a_segment_that_a_killed_process_left_is_uploaded_and_indexed(
    made: Place, tmp_path: Path
) -> None:
    own = place(tmp_path / "own", made.door)
    made.door.faults.append(_no_segment_is_taken())
    try:
        ended = own.run("replay", SEEDS / "newspim")
    finally:
        made.door.faults.clear()
    assert ended.code == 1
    assert "Give these credentials the right to write objects (s3:PutObject)" in ended.err
    assert own.segments == [key for key in own.segments if "/.open/" in key]
    (waiting,) = (own.workspace.folder / "home" / "spool").glob("*/*.warc.gz.open")
    found = own.run("verify")
    assert found.code == 1
    assert "Its writer died before closing it" in found.out
    assert "closed" in own.done("recover")
    assert not waiting.exists()
    assert len(own.segments) == 1
    assert "no findings" in own.done("verify")
    assert "nothing to recover" in own.done("recover")


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens: its port is taken, so that no other process gets it."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_what_a_person_can_do_wrong_is_a_sentence(
    made: Place, nowhere: str, tmp_path: Path
) -> None:
    no_bucket = {"ARCHIVE_URL": "s3://no-such-bucket/a", "AWS_MAX_ATTEMPTS": "1"}
    no_server = {"S3_ENDPOINT": nowhere, "AWS_MAX_ATTEMPTS": "1"}
    verbs = (
        ("verify",),
        ("replay", str(SEEDS / "newspim")),
        ("recover",),
        ("reindex",),
        ("backup", str(tmp_path / "kept")),
        ("export", str(tmp_path / "a.wacz")),
        ("remove", ARTICLE, "--reason", "x", "--yes"),
    )
    for env, sentence in (
        (no_bucket, "there is no bucket no-such-bucket"),
        (no_server, f"the server at {nowhere} cannot be reached"),
        ({"S3_ENDPOINT": "not a url"}, "write https://HOST"),
        ({"ARCHIVE_URL": "s3://"}, "write a bucket as s3://BUCKET/PREFIX"),
        ({"KEEP_LOCAL": "soon"}, "KEEP_LOCAL"),
        ({"AWS_MAX_ATTEMPTS": "many"}, "Check the variables AWS_…"),
    ):
        for verb in verbs:
            result = made.run(*verb, **env)
            assert result.code != 0, (verb, env)
            assert "Traceback" not in result.err, (verb, env, result.err)
            assert sentence in result.err, (verb, env, result.err)


def test_another_prefix_is_not_taken_for_the_archive(made: Place) -> None:
    for verb in (("recover",), ("reindex", "--dry-run")):
        result = made.run(*verb, ARCHIVE_URL=f"s3://{made.bucket}/b")
        assert result.code == 1
        assert f"s3://{made.bucket}/b contains no segment" in result.err
        assert "is ARCHIVE_URL right?" in result.err
        assert "disk" not in result.err


def test_without_credentials_it_says_what_to_set(made: Place) -> None:
    result = made.run("verify", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert result.code == 1
    assert "there are no credentials. Set AWS_ACCESS_KEY_ID" in result.err


def _export(workspace: Workspace, folder: Path, *args: str) -> dict[str, bytes]:
    """The articles, and the files of a package but for its description, which states the time."""
    for name in ("a.jsonl", "a.wacz"):
        assert workspace.call("export", *args, str(folder / name)).code == 0
    with zipfile.ZipFile(folder / "a.wacz") as package:
        names = [name for name in package.namelist() if not name.startswith("datapackage")]
        assert len(names) > 3
        files = {name: package.read(name) for name in names}
    return files | {"a.jsonl": (folder / "a.jsonl").read_bytes()}


def test_archive_and_export_are_equal_in_a_folder_and_in_a_bucket(
    tmp_path: Path, made: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, with a clock and ids that are not of this moment."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    bucket = s3_server.new_bucket()
    in_bucket = (
        *("-s", f"ARCHIVE_URL=s3://{bucket}"),
        *("-s", f"S3_ENDPOINT={made.door.url}"),
        *("-s", f"SPOOL_FOLDER={tmp_path / 'spool'}"),
        *("-s", "S3_PART_BYTES=2048"),
    )
    exports = {}
    for name, options in (("folder", ()), ("bucket", in_bucket)):
        numbers = count()
        begun = datetime(2026, 11, 30, tzinfo=UTC)
        fixed = partial(
            SegmentWriter,
            max_bytes=10_000,
            clock=lambda begun=begun: begun + timedelta(seconds=1),
            new_id=lambda numbers=numbers: f"urn:uuid:00000000-0000-4000-8000-{next(numbers):012}",
        )
        with monkeypatch.context() as patch:
            patch.setattr("crawler.cli.base.SegmentWriter", fixed)
            (tmp_path / name).mkdir()
            workspace = Workspace(tmp_path / name)
            assert workspace.call("replay", *options, *PAGES).code == 0
        exports[name] = _export(workspace, tmp_path / name, *options)
    folder = {
        path.name: path.read_bytes() for path in (tmp_path / "folder/archive").glob("*.warc.gz")
    }
    client = s3_server.client()
    objects = {
        key: client.get_object(Bucket=bucket, Key=key)["Body"].read()
        for key in s3_server.keys(bucket)
        if key.endswith(".warc.gz")
    }
    assert len(folder) > 1
    assert objects == folder
    assert exports["bucket"] == exports["folder"]


def test_what_another_machine_has_open_is_waited_for_or_told(made: Place, tmp_path: Path) -> None:
    """The other one has a spool of its own, and the same bucket and index."""
    own = place(tmp_path / "own", made.door)
    own.done("replay", SEEDS / "newspim")
    there = place(tmp_path / "there", made.door, own.bucket)
    index = {"INDEX_URL": own.workspace.index_url}
    made.door.faults.append(_no_segment_is_taken())
    try:
        assert there.run("replay", SEEDS / "etoday", **index).code == 1
    finally:
        made.door.faults.clear()
    assert "no findings" in own.done("verify")
    for verb in (("reindex",), ("backup", tmp_path / "kept"), ("export", tmp_path / "a.wacz")):
        refused = own.run(*verb)
        assert refused.code == 1
        assert "Traceback" not in refused.err
        assert re.search(
            r"is in the spool of \S+, which began it on .* run scrapy recover there", refused.err
        )
    assert "skipped 1 segment" in own.done("recover")
    there.done("recover", **index)
    assert "no findings" in own.done("verify")
    own.done("backup", tmp_path / "kept")
    assert "nothing changed" in own.done("reindex")


def _no_segment_is_taken() -> Fault:
    def is_one(seen: Seen) -> bool:
        return seen.method == "PUT" and seen.key.startswith("a/sacho-")

    return Fault("status", is_one, -1, 403, "AccessDenied")


def test_a_crawl_into_a_bucket_keeps_what_one_into_a_folder_keeps(
    made: Place, tmp_path: Path
) -> None:
    own = place(tmp_path / "own", made.door)
    with site_of_today("etoday", 6) as site:
        crawls = Crawls.into(tmp_path / "folder", site)
        in_bucket = Workspace(
            own.workspace.folder, {**own.workspace.settings, **crawls.workspace.settings}
        )
        both = (crawls, Crawls(site, in_bucket))
        for one in both:
            for _ in range(2):
                done = one.run()
                assert done.code == 0, done
        assert len(both[0].revisions()) == 6
        assert both[0].revisions().keys() == both[1].revisions().keys()
    assert len(own.segments) == 2
    assert "no findings" in own.done("verify")
    assert list(in_bucket.folder.rglob("*.warc.gz*")) == []


def test_captures_are_played_back_from_ranges(made: Place) -> None:
    with serving(made.workspace) as (room, own):
        text = ask(room, f"/articles/{ARTICLE}").text
        found = re.search(rf'href="{re.escape(own)}(/web/\d{{14}}/[^"]+)"', text)
        assert found is not None
        made.door.seen.clear()
        shown = ask(own, found[1].replace("/web/", "/web/", 1))
        assert shown.status == 200
        asked = made.door.of("GET", ".warc.gz")
        assert 0 < len(asked) < 4
        assert all(one.range for one in asked)


def test_the_scheduler_watches_the_disk_of_the_spool(made: Place, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.toml"
    jobs.write_text('[[job]]\nname = "check"\ncommand = "verify"\nevery = "1d"\n', "utf-8")
    own = place(tmp_path / "own", made.door, made.bucket)
    own.done("reindex")
    settings = ("-s", f"JOBS_FILE={jobs}", "-s", f"DISK_FREE_MIN={2**62}")
    assert own.run("schedule", "--once", *settings).code == 1
    alarms = own.workspace.rows("alarms")
    (alarm,) = [row for row in alarms if row["kind"] == "disk"]
    assert alarm["subject"].startswith(str(tmp_path / "own" / "home" / "spool"))
    sentence = f"segments of s3://{made.bucket}/a wait there to be uploaded"
    assert sentence in alarm["sentence"]
