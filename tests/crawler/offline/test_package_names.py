"""Names in a package, and requests in a WARC, are only read: nothing is unpacked, nothing followed."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.archives.foreign_archives import HEAD, PAGE, URL, date, packed, rec
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

FACTS = {"WARC_Target_URI": URL, "WARC_Date": date()}
RESPONSE = rec(
    "1.1", "response", "n1", HEAD + PAGE, **FACTS, Content_Type="application/http; msgtype=response"
)
NAMES = (
    "../archive/x.warc.gz",
    "archive/../../../x.warc.gz",
    "/etc/x.warc.gz",
    "C:\\x.warc.gz",
    "archive/\udcff.warc.gz",
    "archive/줄\n바꿈.warc.gz",
    "archive/" + "x" * 5000 + ".warc.gz",
    "archive/./x.warc.gz",
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "place")


@pytest.mark.parametrize("name", NAMES)
def test_a_package_with_such_a_name_is_read_and_unpacks_nothing(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "odd.wacz"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(name.encode("utf-8", "replace").decode(), packed(RESPONSE))
    said = workspace.call("replay", path)
    assert "Traceback" not in said.err
    assert said.code in (0, 1)
    assert [one.name for one in tmp_path.iterdir() if one.name not in ("place", "odd.wacz")] == []
    assert workspace.call("verify").code == 0


def test_a_link_in_a_package_is_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "victim.warc.gz").write_bytes(packed(RESPONSE))
    entry = zipfile.ZipInfo("archive/x.warc.gz")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "odd.wacz"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(entry, str(tmp_path / "victim.warc.gz"))
    said = workspace.call("replay", path)
    assert (said.code, "Traceback" in said.err) == (1, False)
    assert "failed/" in said.err
    assert workspace.rows("articles") == []


@pytest.mark.parametrize("block", [b"", b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\nHost: x", b"\0" * 9])
def test_a_request_without_a_head_is_not_taken_over(
    workspace: Workspace, tmp_path: Path, block: bytes
) -> None:
    request = rec(
        "1.1",
        "request",
        "n2",
        block,
        **FACTS,
        WARC_Concurrent_To="<urn:uuid:n1>",
        Content_Type="application/http; msgtype=request",
    )
    path = tmp_path / "odd.warc.gz"
    path.write_bytes(packed(RESPONSE, request))
    assert workspace.call("replay", path).code == 0
    assert workspace.call("verify").code == 0
