"""Export of captures: a package with the records byte for byte, their index, and a description."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from archive.index.database import Index
from archive.model.outcome import Outcome, Verdict
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from archive.warc import record_writer as warc
from archive.warc.reader import Record, iterate_file
from archive.warc.wacz.cdxj import packed
from archive.warc.wacz.surt import url_key
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from pipelines.page import Page, Rules
from tests.support.archives.warc_samples import exchange
from tests.support.processes.cli import Workspace
from tests.support.readers.playback import (
    ETODAY,
    HEADLINE_URL,
    UTF8,
    archive_of_every_kind,
    at,
    every_kind,
    head,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("desk"))
    archive_of_every_kind(workspace)
    return workspace


def records(package: zipfile.ZipFile) -> dict[str, list[Record]]:
    """Return the records of each WARC in it, all of them whole."""
    found: dict[str, list[Record]] = {}
    for name in package.namelist():
        if name.startswith("archive/"):
            items = list(iterate_file(io.BytesIO(package.read(name))))
            assert all(isinstance(item, Record) for item in items), items
            found[name] = [item for item in items if isinstance(item, Record)]
    return found


def lines(package: zipfile.ZipFile) -> list[tuple[str, dict[str, Any]]]:
    """Return the lines of its index, checked to be sorted: key with time, and values."""
    text = gzip.decompress(package.read("indexes/index.cdx.gz"))
    split = text.splitlines()
    assert split == sorted(split)
    return [
        (line.decode().partition(" {")[0], json.loads(line[line.index(b"{") :])) for line in split
    ]


def pages(package: zipfile.ZipFile) -> list[dict[str, Any]]:
    first, *rest = package.read("pages/pages.jsonl").decode("utf-8").splitlines()
    assert json.loads(first)["format"] == "json-pages-1.0"
    return [json.loads(line) for line in rest]


def exported(workspace: Workspace, path: Path, *options: str) -> zipfile.ZipFile:
    result = workspace.call("export", *options, path)
    assert (result.code, result.err) == (0, "")
    assert [found.name for found in path.parent.iterdir()] == [path.name], (
        "nothing is left beside it"
    )
    return zipfile.ZipFile(path)


def test_an_archive_handed_over_whole_has_its_segments_byte_for_byte(
    workspace: Workspace, tmp_path: Path
) -> None:
    with exported(workspace, tmp_path / "out.wacz") as package:
        assert package.testzip() is None
        segments = {
            f"archive/{name}": data
            for name, data in workspace.kept_bytes().items()
            if ".warc" in name
        }
        assert {
            name: package.read(name) for name in package.namelist() if name.startswith("archive/")
        } == segments
        for entry in package.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED or not entry.filename.endswith(
                (".gz", ".idx")
            )


def test_the_header_of_each_file_is_as_long_as_the_list_at_the_end_says(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Players take the data's place from the list, and no size here needs a ZIP64 field."""
    with exported(workspace, tmp_path / "out.wacz") as package:
        data = (tmp_path / "out.wacz").read_bytes()
        for entry in package.infolist():
            at = entry.header_offset
            sizes, lengths = data[at + 18 : at + 26], data[at + 26 : at + 30]
            assert struct.unpack("<LL", sizes) == (entry.compress_size, entry.file_size)
            assert struct.unpack("<HH", lengths) == (len(entry.filename.encode()), 0)
            assert entry.extra == b""


def test_the_manifest_names_every_file_with_its_hash(workspace: Workspace, tmp_path: Path) -> None:
    with exported(workspace, tmp_path / "out.wacz") as package:
        data = package.read("datapackage.json")
        digest = json.loads(package.read("datapackage-digest.json"))
        assert digest == {
            "path": "datapackage.json",
            "hash": "sha256:" + hashlib.sha256(data).hexdigest(),
        }
        manifest = json.loads(data)
        assert (manifest["profile"], manifest["wacz_version"]) == ("data-package", "1.1.1")
        assert manifest["software"].startswith("Sacho/")
        assert manifest["mainPageUrl"].startswith("http")
        listed = {resource["path"]: resource for resource in manifest["resources"]}
        assert set(listed) == set(package.namelist()) - {
            "datapackage.json",
            "datapackage-digest.json",
        }
        for name, resource in listed.items():
            content = package.read(name)
            assert resource["bytes"] == len(content)
            assert resource["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()
            assert resource["name"] == resource["name"].lower()


def test_each_line_of_the_index_leads_to_its_record(workspace: Workspace, tmp_path: Path) -> None:
    with exported(workspace, tmp_path / "out.wacz") as package:
        found = lines(package)
        assert len(found) == len(every_kind()) - 1, "a 304 has nothing to show"
        for key, values in found:
            data = package.read(f"archive/{values['filename']}")
            member = data[int(values["offset"]) :][: int(values["length"])]
            (record,) = iterate_file(io.BytesIO(member))
            assert isinstance(record, Record)
            moment = record.fields["warc-date"]
            assert (
                key == f"{url_key(values['url'])} {''.join(c for c in moment[:19] if c.isdigit())}"
            )
            assert record.payload_digest == values["digest"]
            assert (values.get("mime") == "warc/revisit") is (record.kind == "revisit")
            assert values.get("status", "") == (
                "" if record.kind == "resource" else record_status(record)
            )
        second = package.read("indexes/index.idx").decode().splitlines()
        assert json.loads(second[0].partition(" 0 ")[2])["format"] == "cdxj-gzip-1.0"
        assert len(second) == 2


def record_status(record: Record) -> str:
    first = record.exchange.head if record.exchange is not None else record.block
    return first.split(b" ")[1].decode()


def test_a_long_index_is_many_members_each_found_by_its_own_line() -> None:
    made = [f"kr,a)/{number:05d} 20240101000000 {{}}" for number in range(2500)]
    parts = list(packed(made, "index.cdx.gz"))
    whole = b"".join(data for data, _ in parts)
    assert gzip.decompress(whole).decode().splitlines() == made
    assert len(parts) == 3
    for number, (_, line) in enumerate(parts):
        key, _, values = line.partition(" {")
        assert key == f"kr,a)/{number * 1024:05d} 20240101000000"
        place = json.loads("{" + values)
        data = whole[place["offset"] :][: place["length"]]
        assert "sha256:" + hashlib.sha256(data).hexdigest() == place["digest"]
        assert gzip.decompress(data).decode().splitlines()[0] == made[number * 1024]


def test_the_pages_have_their_korean_headlines(workspace: Workspace, tmp_path: Path) -> None:
    with exported(workspace, tmp_path / "out.wacz") as package:
        found = pages(package)
        indexed = {values["url"] for _, values in lines(package)}
    assert len({page["id"] for page in found}) == len(found) == len(workspace.rows("revisions"))
    assert {page["url"] for page in found} <= indexed
    titles = {page["title"] for page in found}
    assert any(title.startswith("달빛마을도서관 '기록의 날'") for title in titles)
    assert (
        next(page for page in found if page["url"] == HEADLINE_URL)["ts"] == "2024-05-07T01:00:00Z"
    )


def test_days_choose_articles_with_what_leads_to_them_and_what_they_repeat(tmp_path: Path) -> None:
    """Archive two articles: one with two captures, an image, and two redirects that lead to it."""
    workspace = Workspace(tmp_path / "desk")
    workspace.folder.mkdir()
    other = UTF8.replace(b"2018-03-02", b"2019-05-06").replace("도서관".encode(), "우체국".encode())
    image = "https://img.etoday.co.kr/pto_db/2018/03/fixture-9000000002.jpg"
    page, html = f"{ETODAY}9000000002", "Content-Type: text/html; charset=utf-8"
    moved = "301 Moved Permanently"
    made = [
        (page, head(html), UTF8),
        (f"{ETODAY}9000000009", head(html), other.replace(b"fixture-9000000002", b"fixture-9")),
        (image, head("Content-Type: image/jpeg"), b"jpeg"),
        ("https://img.etoday.co.kr/other.jpg", head("Content-Type: image/jpeg"), b"other"),
        ("https://m.etoday.co.kr/a", head("Location: /b", status=moved), b""),
        ("https://m.etoday.co.kr/b", head(f"Location: {page}#x", status=moved), b""),
        ("https://m.etoday.co.kr/c", head("Location: https://m.etoday.co.kr/c", status=moved), b""),
        ("https://www.etoday.co.kr/robots.txt", head("Content-Type: text/plain"), b"User-agent: *"),
    ]
    with (
        Index(workspace.index_url) as index,
        SegmentWriter(workspace.archive, host="t") as segments,
    ):
        store = CaptureStore(segments, index, RunRecorder("t"), lambda _: None)
        for url, answer, body in made:
            one = exchange(url=url, head=answer, body=body, captured_at=at(1))
            store.add_page(
                read_exchange(one, outlet_named("etoday"), url),
                "imported from elsewhere" if url == page else "",
            )
        store.flush()
        first = workspace.rows("captures")[0]
        original = warc.RevisitOf(page, at(1), first["payload_digest"], first["record_id"])
        again = exchange(url=page, head=head(html), body=UTF8, captured_at=at(3))
        store.append(read_exchange(again, outlet_named("etoday"), "again"), original)
        store.flush()
        # One that shows the article asked for, and repeats a capture that shows the other.
        second = next(row for row in workspace.rows("captures") if row["url"].endswith("9"))
        original = warc.RevisitOf(
            second["url"], at(1), second["payload_digest"], second["record_id"]
        )
        repeat = exchange(url=page, head=head(html), body=made[1][2], captured_at=at(4))
        shown = Page(
            exchange=repeat,
            outlet="etoday",
            rules=Rules(),
            source="repeat",
            verdict=Verdict(Outcome.UNCHANGED),
            revision_id=first["revision_id"],
        )
        store.append(shown, original)
        store.close()
    assert len(workspace.rows("articles")) == 2
    folder = tmp_path / "out"
    folder.mkdir()
    with exported(workspace, folder / "out.wacz", "--until", "2018-12-31") as package:
        ((_, found),) = records(package).items()
        assert [item.kind for item in found][:3] == ["warcinfo", "response", "request"]
        assert b"imported from elsewhere" in found[0].block
        chosen = sorted(values["url"] for _, values in lines(package))
        hops = ["https://m.etoday.co.kr/a", "https://m.etoday.co.kr/b"]
        assert chosen == sorted([page, page, page, second["url"], image, *hops])
        infos = {item.record_id for item in found if item.kind == "warcinfo"}
        assert {
            item.fields["warc-warcinfo-id"].strip("<>") for item in found if item.kind != "warcinfo"
        } == infos
        ids = {item.record_id for item in found}
        assert all(
            i.fields["warc-concurrent-to"].strip("<>") in ids for i in found if i.kind == "request"
        )
        assert all(
            i.fields["warc-refers-to"].strip("<>") in ids for i in found if i.kind == "revisit"
        )
        assert [page["title"][:7] for page in pages(package)] == ["달빛마을도서관"]
    with exported(workspace, folder / "out.wacz", "--outlet", "etoday") as package:
        assert len(lines(package)) == len(made) + 2


def test_an_open_segment_is_handed_over_up_to_what_is_committed(tmp_path: Path) -> None:
    workspace, folder = Workspace(tmp_path), tmp_path / "out"
    folder.mkdir()
    with (
        Index(workspace.index_url) as index,
        SegmentWriter(workspace.archive, host="t") as segments,
    ):
        store = CaptureStore(segments, index, RunRecorder("t"), lambda _: None)
        store.add_page(
            read_exchange(
                exchange(url=f"{ETODAY}9000000002", body=UTF8), outlet_named("etoday"), "x"
            )
        )
        store.flush()
        (path,) = workspace.archive.glob("*.warc.gz*")
        assert path.suffix == ".open"
        with path.open("ab") as file:  # what another process is in the middle of
            file.write(gzip.compress(b"WARC/1.1\r\nWARC-Type: request\r\n")[:20])
        with exported(workspace, folder / "out.wacz") as package:
            ((name, found),) = records(package).items()
        assert name == f"archive/{path.name.removesuffix('.open')}"
        assert [item.kind for item in found] == ["warcinfo", "response", "request"]


def test_the_cdxj_alone_leads_into_the_archives_own_segments(
    workspace: Workspace, tmp_path: Path
) -> None:
    result = workspace.call("export", tmp_path / "out.cdxj")
    assert (result.code, result.out) == (
        0,
        f"{len(every_kind())} captures written to {tmp_path / 'out.cdxj'}\n",
    )
    split = (tmp_path / "out.cdxj").read_bytes().splitlines()
    assert split == sorted(split)
    for line in split:
        values = json.loads(line[line.index(b"{") :])
        data = (workspace.archive / values["filename"]).read_bytes()
        (record,) = iterate_file(io.BytesIO(data[int(values["offset"]) :][: int(values["length"])]))
        assert isinstance(record, Record)
        assert record.fields["warc-target-uri"] == values["url"]


@pytest.mark.parametrize("ending", ["wacz", "cdxj"])
@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--outlet", "nobody"], 2, "no outlet 'nobody'"),
        (["--since", "2100-01-01"], 1, "no capture"),
    ],
)
def test_nothing_to_export_is_reported_and_leaves_the_file_as_it_was(
    workspace: Workspace, tmp_path: Path, ending: str, options: list[str], code: int, sentence: str
) -> None:
    path = tmp_path / f"out.{ending}"
    path.write_bytes(b"mine")
    result = workspace.call("export", *options, path)
    assert result.code == code
    assert sentence in result.err
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "code"), [("-:wacz", 2), ("x.zip", 2), ("none/x.wacz", 1), ("folder.wacz", 1)]
)
def test_a_file_that_cannot_be_written_is_reported(
    workspace: Workspace, tmp_path: Path, name: str, code: int
) -> None:
    (tmp_path / "folder.wacz").mkdir()
    result = workspace.call("export", name if name.startswith("-") else tmp_path / name)
    assert result.code == code
    assert "Traceback" not in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["folder.wacz"]


def test_a_damaged_record_is_not_handed_over(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    archive_of_every_kind(workspace)
    (segment,) = workspace.archive.glob("*.warc.gz")
    row = workspace.rows("captures")[3]
    data = bytearray(segment.read_bytes())
    data[row["warc_offset"] + row["warc_length"] // 2] ^= 1
    segment.write_bytes(data)
    path = tmp_path / "out.wacz"
    result = workspace.call("export", path)
    assert result.code == 1
    assert row["record_id"] in result.err
    assert not path.exists()
    segment.unlink()
    assert "the file does not exist" in workspace.call("export", path).err
