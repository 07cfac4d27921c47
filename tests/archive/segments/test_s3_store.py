"""An archive in a bucket: segments closed into it, read from it by ranges, and what its logs are."""

from __future__ import annotations

import io
import os
import pickle
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from archive.model.errors import (
    SegmentError,
    StoreError,
    StoreExistsError,
    StoreMissingError,
    describe_os_error,
)
from archive.model.exchange import Exchange
from archive.segments import manifest as fixity
from archive.segments.archive_url import StoreOptions, seconds, store_at
from archive.segments.chains import chain_of, is_chain_of, join
from archive.segments.files import file_locks
from archive.segments.manifest import EntryKind
from archive.segments.s3.store import S3Store
from archive.segments.writer import SegmentWriter
from tests.support.databases import s3_server
from tests.support.databases.s3_server import CREDENTIALS, PART_BYTES, Door, Fault, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "a.warc.gz"
SMALL, LARGE = b"0123456789", os.urandom(10 * PART_BYTES + 7)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def door() -> Iterator[Door]:
    with closing(Door()) as door:
        yield door


@pytest.fixture
def bucket() -> str:
    return s3_server.new_bucket()


def store_in(bucket: str, door: Door, spools: Path, **options: Any) -> S3Store:
    found = store_at(
        f"s3://{bucket}/news/archive",
        StoreOptions(endpoint=door.url, spools=str(spools), part_bytes=PART_BYTES, **options),
    )
    assert isinstance(found, S3Store)
    return found


@pytest.fixture
def store(bucket: str, door: Door, tmp_path: Path) -> S3Store:
    return store_in(bucket, door, tmp_path / "spools")


def begin(store: S3Store, name: str, data: bytes) -> int:
    """Write an open segment as a writer does; return its locked descriptor."""
    store.spool.mkdir(parents=True, exist_ok=True)
    fd = file_locks.create(store.spool / f"{name}.open")
    os.write(fd, data)
    store.begin_segment(name)
    return fd


def close(store: S3Store, name: str, data: bytes) -> tuple[int, str]:
    fd = begin(store, name, data)
    try:
        return store.close_segment(name)
    finally:
        os.close(fd)


@pytest.mark.parametrize("data", [SMALL, LARGE, b""], ids=["small", "large", "empty"])
def test_a_closed_segment_is_in_the_bucket_and_not_in_the_spool(
    store: S3Store, bucket: str, data: bytes
) -> None:
    size, sha256 = close(store, NAME, data)
    assert size == len(data)
    assert s3_server.keys(bucket) == {f"news/archive/{NAME}": len(data)}
    assert s3_server.unfinished(bucket) == []
    assert not (store.spool / f"{NAME}.open").exists()
    assert not (store.spool / NAME).exists()
    with store.open(NAME) as file:
        assert file.read() == data
    assert fixity.measure_segment(store, NAME) == (size, sha256)
    found = store.find(NAME)
    assert found is not None
    assert (found.size, found.is_open) == (len(data), False)
    assert store.names() == ([NAME], [])
    assert store.segments() == [found]
    assert store.used() == len(data)


def test_a_copy_is_kept_as_long_as_wished_and_read_without_the_network(
    bucket: str, door: Door, tmp_path: Path
) -> None:
    store = store_in(bucket, door, tmp_path / "spools", keep_local="1h")
    close(store, NAME, LARGE)
    door.seen.clear()
    assert store.range(NAME, 5, 9) == LARGE[5:14]
    assert door.seen == []
    copy = store.spool / NAME
    old = copy.stat().st_mtime - 3601
    os.utime(copy, (old, old))
    store.tidy()
    assert not copy.exists()
    assert store.range(NAME, 5, 9) == LARGE[5:14]
    assert [one.range for one in door.of("GET", NAME)] == ["bytes=5-13"]


def test_a_copy_of_what_was_deleted_elsewhere_goes_too(
    bucket: str, door: Door, tmp_path: Path
) -> None:
    store = store_in(bucket, door, tmp_path / "spools", keep_local="1h")
    elsewhere = store_in(bucket, door, tmp_path / "elsewhere")
    for name in (NAME, "b.warc.gz"):
        close(store, name, SMALL)
    elsewhere.delete(NAME)
    assert (store.spool / NAME).exists()
    store.tidy()
    assert not (store.spool / NAME).exists()
    assert (store.spool / "b.warc.gz").exists()


def test_ranges_end_where_the_segment_does(store: S3Store) -> None:
    close(store, NAME, SMALL)
    assert store.range(NAME, 2, 3) == b"234"
    assert store.range(NAME, 8, 5) == b"89"
    assert store.range(NAME, 20, 5) == b""
    assert store.range(NAME, 2, 0) == b""


def test_a_file_is_read_in_growing_ranges_and_sought_in(
    bucket: str, door: Door, tmp_path: Path
) -> None:
    store, data = replace(store_in(bucket, door, tmp_path), part_bytes=2**19), os.urandom(2**20)
    close(store, NAME, data)
    door.seen.clear()
    with store.open(NAME) as file:
        pieces = list(iter(lambda: file.read(1000), b""))
        assert b"".join(pieces) == data
        assert len(door.of("GET", NAME)) < 10
        assert file.seek(-10, os.SEEK_END) == len(data) - 10
        assert file.read() == data[-10:]
        file.seek(77)
        assert file.read(3) == data[77:80]
        assert file.seek(3, os.SEEK_CUR) == file.tell() == 83
        assert file.seek(2**21) == 2**21
        assert file.read(1) == b""
        with pytest.raises(ValueError, match="before the beginning"):
            file.seek(-1)


@pytest.mark.parametrize(
    "name", ["../a.warc.gz", "/a.warc.gz", "x/a.warc.gz", "a\0b", "", "no.warc.gz"]
)
def test_what_is_not_there(store: S3Store, name: str) -> None:
    assert store.find(name) is None
    with pytest.raises(FileNotFoundError):
        store.open(name)
    with pytest.raises(FileNotFoundError):
        store.range(name, 0, 1)


def test_an_archive_of_which_there_is_nothing(store: S3Store) -> None:
    assert not store.exists()
    assert store.names() == ([], [])
    assert store.used() == 0
    assert store.free() is None
    with pytest.raises(FileNotFoundError):
        store.segments()
    store.tidy()
    assert not store.spool.exists()


def test_more_objects_than_one_answer_lists(store: S3Store, bucket: str) -> None:
    keys = [f"news/archive/{number:04}.warc.gz" for number in range(1005)]
    s3_server.fill(bucket, [*keys, "news/archive/logs/a.warc.gz"], b"x")
    closed, _ = store.names()
    assert len(closed) == 1005
    assert store.used() == 1005


def test_who_writes_a_segment_elsewhere_is_told(
    store: S3Store, bucket: str, door: Door, tmp_path: Path
) -> None:
    elsewhere = store_in(bucket, door, tmp_path / "elsewhere")
    fd = begin(elsewhere, NAME, SMALL)
    assert store.names() == elsewhere.names() == ([], [NAME])
    assert store.exists()
    assert store.is_held(NAME)
    assert elsewhere.is_held(NAME)
    assert elsewhere.range(NAME, 0, 3) == b"012"
    found = store.find(NAME)
    assert found is not None
    assert found.is_open
    for read in (lambda: store.open(NAME), lambda: store.range(NAME, 0, 3)):
        with pytest.raises(
            StoreError, match=r"is in the spool of .* has not uploaded it yet"
        ) as hit:
            read()
        assert not isinstance(hit.value, FileNotFoundError)
    os.close(fd)
    assert not elsewhere.is_held(NAME)
    elsewhere.close_segment(NAME)
    assert store.names() == ([NAME], [])
    assert store.range(NAME, 0, 3) == b"012"
    with pytest.raises(FileNotFoundError):
        store.is_held(NAME)


def test_an_announcement_of_a_segment_that_is_lost_is_withdrawn(store: S3Store) -> None:
    fd = begin(store, NAME, SMALL)
    os.close(fd)
    (store.spool / f"{NAME}.open").unlink()
    store.tidy()
    assert store.names() == ([], [])


class Killed(BaseException):
    """A process ends here."""


@pytest.mark.parametrize("number", [0, 1, 5, 10])
def test_an_upload_goes_on_where_it_was_ended(
    store: S3Store, bucket: str, door: Door, number: int
) -> None:
    """As after a kill: what the server has is not sent again."""
    os.close(begin(store, NAME, LARGE))
    lost = Fault("status", lambda seen: f"partNumber={number + 1}&" in seen.query + "&", -1, 403)
    lost.code = "AccessDenied"
    door.faults.append(lost)
    with pytest.raises(PermissionError):
        store.close_segment(NAME)
    assert s3_server.unfinished(bucket) == [f"news/archive/{NAME}"]
    assert store.names() == ([], [NAME])
    door.faults.clear()
    (upload,) = s3_server.client().list_multipart_uploads(Bucket=bucket)["Uploads"]
    there = s3_server.client().list_parts(
        Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
    )
    door.seen.clear()
    store.close_segment(NAME)
    sent = [one for one in door.of("PUT", NAME) if "partNumber" in one.query]
    assert len(sent) == 11 - len(there.get("Parts", ()))
    assert s3_server.unfinished(bucket) == []
    assert store.range(NAME, 0, len(LARGE)) == LARGE


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_what_was_uploaded_before_a_kill_is_not_uploaded_again(
    store: S3Store, door: Door, data: bytes
) -> None:
    close(store, NAME, data)
    os.close(begin(store, NAME, data))  # as if it had been killed before it dropped the file
    door.seen.clear()
    store.close_segment(NAME)
    assert sum(one.body for one in door.of("PUT", NAME)) <= len(SMALL)
    assert store.names() == ([NAME], [])


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_no_object_is_replaced(store: S3Store, bucket: str, data: bytes) -> None:
    close(store, NAME, data)
    os.close(begin(store, NAME, data[:-1] + bytes([data[-1] ^ 1])))
    with pytest.raises(StoreExistsError, match="it exists already, with another content"):
        store.close_segment(NAME)
    assert (store.spool / f"{NAME}.open").exists()
    (store.spool / f"{NAME}.open").unlink()
    assert store.range(NAME, 0, len(data)) == data
    with pytest.raises(StoreExistsError), store.adding(NAME, like=NAME):
        pass
    assert s3_server.unfinished(bucket) == []


def test_what_the_server_keeps_otherwise_than_it_was_sent_is_no_segment(
    store: S3Store, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive.segments.s3.bucket import Bucket

    real = Bucket.put

    def damaging(self: Bucket, name: str, data: bytes, condition: Any = None) -> None:
        real(self, name, b"?" + data[1:] if name == NAME else data, condition)

    monkeypatch.setattr(Bucket, "put", damaging)
    os.close(begin(store, NAME, SMALL))
    with pytest.raises(StoreError, match="has kept other bytes than were sent"):
        store.close_segment(NAME)
    assert f"news/archive/{NAME}" not in s3_server.keys(bucket)
    monkeypatch.undo()
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    store.close_segment(NAME)
    assert store.range(NAME, 0, 99) == SMALL


def test_of_a_server_without_checksums_the_object_is_read_back(
    store: S3Store, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive.segments.s3.bucket import Bucket

    real = Bucket.head
    monkeypatch.setattr(Bucket, "head", lambda self, name: replace(real(self, name), sha256=""))
    close(store, NAME, LARGE)
    assert len(door.of("GET", NAME)) == 1


def test_a_segment_is_added_whole_or_not_at_all(store: S3Store, bucket: str) -> None:
    with pytest.raises(RuntimeError), store.adding(NAME, like="x") as part:  # noqa: PT012
        part.write_bytes(LARGE)
        raise RuntimeError
    assert s3_server.keys(bucket) == {}
    with store.adding(NAME, like="x") as part:
        part.write_bytes(LARGE)
    assert store.range(NAME, 0, len(LARGE)) == LARGE
    assert list(store.spool.glob("*.warc.gz*")) == []


def test_a_segment_is_deleted_in_all_versions(store: S3Store, bucket: str) -> None:
    s3_server.client().put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    close(store, NAME, SMALL)
    store.delete(NAME)
    assert store.find(NAME) is None
    versions = s3_server.client().list_object_versions(Bucket=bucket, Prefix=f"news/archive/{NAME}")
    assert not versions.get("Versions")
    with pytest.raises(StoreMissingError):
        store.delete(NAME)


def test_uploads_that_nobody_will_finish_are_ended(
    store: S3Store, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"news/archive/{NAME}"
    close(store, NAME, SMALL)
    s3_server.client().create_multipart_upload(Bucket=bucket, Key=key)
    s3_server.client().create_multipart_upload(Bucket=bucket, Key="news/archive/b.warc.gz")
    s3_server.client().create_multipart_upload(Bucket=bucket, Key="news/other/a.warc.gz")
    with monkeypatch.context() as patch:
        # moto states for all that they were begun in 2010
        patch.setattr("archive.segments.s3.store.LONGEST", 50 * 365 * 86400)
        store.tidy()
    assert s3_server.unfinished(bucket) == ["news/archive/b.warc.gz", "news/other/a.warc.gz"]
    store.tidy()
    assert s3_server.unfinished(bucket) == ["news/other/a.warc.gz"]
    # an archive around other ones leaves theirs alone
    replace(store, bucket=replace(store.bucket, prefix="")).tidy()
    assert s3_server.unfinished(bucket) == ["news/other/a.warc.gz"]


def test_logs_are_a_chain_of_each_writer(
    store: S3Store, bucket: str, door: Door, tmp_path: Path
) -> None:
    elsewhere = store_in(bucket, door, tmp_path / "elsewhere")
    for one, name in ((store, "a"), (elsewhere, "b"), (store, "c"), (elsewhere, "d")):
        close(one, f"{name}.warc.gz", name.encode())
        fixity.record_segment(one, f"{name}.warc.gz")
    fixity.append(
        elsewhere,
        fixity.ManifestEntry(
            EntryKind.REMOVED, "a.warc.gz", 1, "0" * 64, fixity.read(store).entries["a.warc.gz"].at
        ),
    )
    manifest = fixity.read(store)
    assert manifest.faults == ()
    assert sorted(manifest.entries) == [f"{name}.warc.gz" for name in "abcd"]
    assert manifest.entries["a.warc.gz"].kind is EntryKind.REMOVED
    chains = [
        key for key in s3_server.keys(bucket) if is_chain_of("fixity.jsonl", key.rpartition("/")[2])
    ]
    assert len(chains) == 2
    assert store.whole_logs("fixity.jsonl") == store.read_logs("fixity.jsonl")


@pytest.mark.parametrize("how", ["changed", "cut", "deleted"])
def test_what_was_done_to_a_chain_is_found(
    store: S3Store, bucket: str, door: Door, tmp_path: Path, how: str
) -> None:
    elsewhere = store_in(bucket, door, tmp_path / "elsewhere")
    for one, name in ((elsewhere, "a"), (elsewhere, "b"), (store, "c")):
        close(one, f"{name}.warc.gz", name.encode())
        fixity.record_segment(one, f"{name}.warc.gz")
    chain = chain_of("fixity.jsonl", (elsewhere.spool / "writer").read_text())
    key, client = f"news/archive/{chain}", s3_server.client()
    data = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    if how == "deleted":
        client.delete_object(Bucket=bucket, Key=key)
    else:
        changed = data.replace(b'"size": 1', b'"size": 2', 1)
        body = changed if how == "changed" else data.splitlines(keepends=True)[0]
        client.put_object(Bucket=bucket, Key=key, Body=body)
    assert [fault.file for fault in fixity.read(store).faults] == [chain]


@pytest.mark.parametrize("writers", [1, 2])
@pytest.mark.parametrize("how", ["", "cut", "deleted"])
def test_a_writer_whose_chain_is_full_begins_another(
    store: S3Store,
    bucket: str,
    door: Door,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    writers: int,
) -> None:
    monkeypatch.setattr("archive.segments.s3.writer_log.LONGEST", 300)
    elsewhere = store_in(bucket, door, tmp_path / "elsewhere")
    for number in range(20):
        # the clocks of the two differ
        one, at = (store, "2026-01-02") if number % writers == 0 else (elsewhere, "2026-01-01")
        one.append("log.jsonl", {"n": number, "at": at})
    sizes = {name: len(data) for name, data in store.read_logs("log.jsonl").items()}
    assert len(sizes) > 2 * writers
    assert max(sizes.values()) < 300 + 300
    second = chain_of("log.jsonl", (store.spool / "writer").read_text() + ".2")
    key, client = f"news/archive/{second}", s3_server.client()
    if how == "deleted":
        client.delete_object(Bucket=bucket, Key=key)
    elif how == "cut":
        lines = client.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines(keepends=True)
        client.put_object(Bucket=bucket, Key=key, Body=b"".join(lines[:-1]))
    read, faults = join(store.read_logs("log.jsonl"))
    assert {fault.file for fault in faults} == ({second} if how else set())
    if not how:
        assert [line.fields["n"] for line in read] == list(range(20))


def test_processes_that_share_a_spool_append_one_after_the_other(store: S3Store) -> None:
    def append(first: int) -> None:
        for number in range(first, first + 5):
            store.append("log.jsonl", {"n": number, "at": ""})

    threads = [threading.Thread(target=append, args=(10 * one,)) for one in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    ((_, data),) = store.read_logs("log.jsonl").items()
    from archive.segments.chained_log import read_lines

    lines, faults = read_lines(data)
    assert faults == []
    assert sorted(fields["n"] for _, fields in lines) == [
        number for first in (0, 10, 20, 30) for number in range(first, first + 5)
    ]


def test_a_line_whose_answer_was_lost_is_there_once(store: S3Store, door: Door) -> None:
    store.append("log.jsonl", {"n": 1})
    door.faults.append(Fault("lose", lambda seen: seen.method == "PUT" and "log+" in seen.key))
    store.append("log.jsonl", {"n": 2})
    (data,) = store.read_logs("log.jsonl").values()
    assert data.count(b"\n") == 2


def test_a_locked_log_is_locked_here_and_its_last_lines_can_be_taken_back(store: S3Store) -> None:
    with store.locked("log.jsonl") as log:
        assert log is not None
        with store.locked("log.jsonl") as again:
            assert again is None
        assert log.append({"n": 1}) == 0
        end = log.append({"n": 2})
        log.cut(end)
    (data,) = store.read_logs("log.jsonl").values()
    assert len(data) == end


def test_whole_files_are_kept_by_name(store: S3Store, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"one")
    assert store.kept_files("logs/hourly") == []
    with pytest.raises(FileNotFoundError):
        store.read_file("logs/hourly/1.log")
    store.keep_file("logs/hourly/1.log", local)
    store.keep_file("logs/hourly/0.log", local)
    assert store.read_file("logs/hourly/1.log") == b"one"
    assert store.kept_files("logs/hourly") == ["logs/hourly/0.log", "logs/hourly/1.log"]
    store.drop_file("logs/hourly/1.log")
    store.drop_file("logs/hourly/1.log")
    assert store.kept_files("logs/hourly") == ["logs/hourly/0.log"]
    assert store.names() == ([], [])
    with pytest.raises(ValueError, match="no name of a kept file"):
        store.keep_file(NAME, local)


def test_a_store_can_be_sent_to_another_process(store: S3Store) -> None:
    assert pickle.loads(pickle.dumps(store)) == store


FAULTS = {
    "cut": Fault("cut"),
    "answer lost": Fault("lose"),
    "half an answer": Fault("half", lambda seen: seen.method == "GET"),
    "500": Fault("status", status=500, code="InternalError"),
    "503": Fault("status", status=503, code="SlowDown"),
    "slow": Fault("slow", seconds=0.2),
}


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_is_survived(
    store: S3Store, bucket: str, door: Door, name: str, data: bytes
) -> None:
    """At each kind of request of a closing, and at reading."""
    made = FAULTS[name]
    for method in ("PUT", "POST", "HEAD", "GET", "DELETE"):
        door.faults.append(
            replace(
                made,
                matches=lambda seen, method=method: seen.method == method and made.matches(seen),
                lock=threading.Lock(),
            )
        )
    size, sha256 = close(store, NAME, data)
    fixity.record_closed(store, NAME, size, sha256)
    assert store.range(NAME, 0, len(data)) == data
    assert fixity.measure_segment(store, NAME) == (size, sha256)
    assert fixity.read(store).faults == ()
    assert s3_server.unfinished(bucket) == []


@pytest.mark.parametrize("kind", ["half", "lose", "cut"])
def test_reading_goes_on_after_a_broken_answer(store: S3Store, door: Door, kind: str) -> None:
    close(store, NAME, LARGE)
    store.append("log.jsonl", {"n": 1})
    for times in (1, 3):
        door.faults = [Fault(kind, lambda seen: bool(seen.range), times)]
        assert store.range(NAME, 7, 4000) == LARGE[7:4007]
        assert door.faults[0].times == 0
        door.faults = [Fault(kind, lambda seen: bool(seen.range), times)]
        with store.open(NAME) as file:
            assert file.read() == LARGE
        door.faults = [Fault(kind, lambda seen: seen.key.endswith("jsonl"), times)]
        assert len(store.read_logs("log.jsonl")) == 1
        assert door.faults[0].times == 0


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "AccessDenied", "Give these credentials the right to write objects"),
        (403, "InvalidAccessKeyId", "the server does not accept the credentials"),
        (403, "SignatureDoesNotMatch", "the server does not accept the credentials"),
        (403, "RequestTimeTooSkewed", "the clock of this machine differs from the server's"),
        (400, "ExpiredToken", "the credentials have expired"),
        (404, "NoSuchBucket", "there is no bucket"),
        (301, "PermanentRedirect", "the bucket is in another region"),
        (503, "SlowDown", "the server is busy or out of order"),
        (418, "Teapot", "the server answered Teapot: so it is"),
    ],
)
def test_a_fault_that_stays_is_a_sentence(
    store: S3Store,
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    door.faults.append(Fault("status", lambda seen: seen.method == "PUT", -1, status, code))
    with pytest.raises(OSError, match=sentence) as hit:
        store.begin_segment(NAME)
    assert describe_os_error("x", hit.value).startswith("Cannot use s3://bucket-")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<hi>",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n<hi>",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_what_is_no_server_of_s3_is_told(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with socket_that_answers(answer) as address:
        store = store_at(f"s3://{bucket}", StoreOptions(endpoint=address, spools=str(tmp_path)))
        with pytest.raises(OSError, match=r"(no server|none) of S3\. Check S3_ENDPOINT"):
            store.names()


def test_a_server_that_is_not_there_is_told(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    door = Door()
    door.close()
    store = store_at(f"s3://{bucket}", StoreOptions(endpoint=door.url, spools=str(tmp_path)))
    with pytest.raises(OSError, match=f"the server at {door.url} cannot be reached"):
        store.names()


class socket_that_answers:  # noqa: N801  (used as a context manager)
    def __init__(self, answer: bytes) -> None:
        import http.server

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///x", "s3://a b/c", "s3://bucket/a//b", "s3://b\n/x"]
)
def test_an_address_that_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(SegmentError, match="s3://BUCKET/PREFIX"):
        store_at(url, StoreOptions())


def test_durations() -> None:
    assert [seconds(text) for text in ("0", "90", "5s", "2m", "3h", "7d")] == [
        0,
        90,
        5,
        120,
        10800,
        604800,
    ]
    for text in ("", "x", "-1", "1.5h", "1w"):
        with pytest.raises(ValueError, match="give a number of seconds"):
            seconds(text)
    with pytest.raises(SegmentError, match="KEEP_LOCAL 'x'"):
        store_at("s3://bucket", StoreOptions(keep_local="x"))


def test_the_same_archive_has_the_same_spool_and_no_other_has_it(tmp_path: Path) -> None:
    def spool(url: str, endpoint: str = "") -> Path:
        return store_at(url, StoreOptions(endpoint=endpoint, spools=str(tmp_path))).spool

    assert spool("s3://b12/x") == spool("s3://b12/x/")
    others = {
        spool("s3://b12/x"),
        spool("s3://b12/y"),
        spool("s3://b12"),
        spool("s3://b12/x", "http://h"),
    }
    assert len(others) == 4


def test_an_object_reader_is_a_file(store: S3Store) -> None:
    close(store, NAME, SMALL)
    with io.BufferedReader(store.open(NAME)) as file:  # type: ignore[arg-type]
        assert file.readline() == SMALL


def _exchange(number: int) -> Exchange:
    return Exchange(
        url=f"https://example.org/{number}",
        captured_at=datetime(2026, 11, 30, tzinfo=UTC),
        head=b"",
        body=os.urandom(3 * PART_BYTES),
        media_type="text/plain",
    )


def test_a_writer_goes_on_while_a_full_segment_is_sent(store: S3Store, door: Door) -> None:
    """The server answers the upload only once a record was written after it had begun."""
    written, asked = threading.Event(), threading.Event()

    def watch(seen: Seen) -> None:
        if seen.method == "PUT" and seen.key.endswith("warc.gz") and ".open/" not in seen.key:
            asked.set()
            assert written.wait(300)

    door.watch = watch
    with SegmentWriter(store, max_bytes=PART_BYTES) as writer:
        first = writer.write(_exchange(1))
        writer.sync()
        second = writer.write(_exchange(2))  # in the next segment
        writer.sync()
        writer.settle()
        assert asked.wait(300)
        assert first.file != second.file
        third = writer.write(_exchange(3))
        writer.sync()
        written.set()
    closed, opened = store.names()
    assert {first.file, second.file, third.file} == set(closed)
    assert opened == []
    assert set(fixity.read(store).entries) == set(closed)


def test_a_segment_that_cannot_be_sent_breaks_its_writer_and_stays(
    store: S3Store, door: Door
) -> None:
    refused = Fault("status", lambda seen: seen.method == "POST", -1, 403, "AccessDenied")
    door.faults.append(refused)
    writer = SegmentWriter(store, max_bytes=PART_BYTES)
    where = writer.write(_exchange(1))
    writer.sync()
    with pytest.raises(SegmentError, match="the server does not permit it"):
        writer.close()
    with pytest.raises(SegmentError, match="the server does not permit it"):
        writer.write(_exchange(2))
    assert not store.is_held(where.file)
    refused.times = 0
    store.close_segment(where.file)
    assert store.names() == ([where.file], [])
