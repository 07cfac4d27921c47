"""Opening and closing: where an archive is found, beside whom it is read, what ends it."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archive import open_archive
from archive.index.database import Index, IndexUnusableError
from archive.model.errors import SegmentError
from archive.reading.errors import ArchiveClosedError, UnknownOutletError
from tests.archive.reading.conftest import opened
from tests.support.archives.history import another
from tests.support.archives.takedown import NAME
from tests.support.databases.postgres import copy_folder, url_of
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from archive.reading.archive import Archive
    from tests.support.archives.captures import Keeper
    from tests.support.processes.cli import Workspace

#: The modules that are loaded after a script, as JSON.
_LOADED = "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"


def loaded(script: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script + _LOADED],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return names


def test_to_import_archive_costs_nothing() -> None:
    bare = set(loaded("pass"))
    more = set(loaded("from archive import open_archive")) - bare
    assert {name for name in more if not name.startswith("_")} <= {"archive", "typing", *_OF_TYPING}


#: What `typing` imports.
_OF_TYPING = {"collections.abc", "contextlib", "functools", "operator", "re", "warnings"} | {
    name for name in loaded("import typing") if name not in sys.builtin_module_names
}


READ_ALL = """
from archive import open_archive
with open_archive() as archive:
    for article in archive.articles():
        article.history, article.captures[0].text
    archive.search("푸틴")
"""


def test_no_crawler_is_imported(workspace: Workspace) -> None:
    names = loaded(READ_ALL, **workspace.environment())
    assert "archive.reading.archive" in names
    assert not [name for name in names if name.split(".")[0] in ("crawler", "scrapy", "pandas")]


@pytest.mark.sqlite_only(reason="it names a file")
def test_the_environment_says_where_it_is(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARCHIVE_URL", str(workspace.archive))
    monkeypatch.setenv("INDEX_URL", workspace.index_url)
    with open_archive() as archive:
        assert archive.article("etoday", "9000000002").capture.content
    for name in ("ARCHIVE_URL", "INDEX_URL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("SACHO_HOME", str(workspace.folder))
    with open_archive() as archive:
        assert archive.article("etoday", "9000000002").capture.content
        assert repr(archive) == f"<Archive {workspace.archive}>"
    monkeypatch.setenv("SACHO_HOME", str(tmp_path / "nothing"))
    with pytest.raises(IndexUnusableError, match=r"there is no index at .*/nothing/index.sqlite3"):
        open_archive()
    assert not (tmp_path / "nothing").exists()


def test_what_is_no_archive_is_refused_with_a_sentence(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = url_of(made / "index.sqlite3")
    for url in ("ftp://user:secret@host/archive", "s3:/bucket/archive", "S3://bucket/archive"):
        with pytest.raises(SegmentError, match="name a local folder, or a bucket as s3://") as said:
            open_archive(url, index)
        assert "secret" not in str(said.value)
    for url in (
        "s3:///archive",
        "s3://user:secret@bucket/a",
        "s3://bucket/../a",
        "s3://bucket/a/.",
    ):
        with pytest.raises(SegmentError, match="write a bucket as s3://BUCKET/PREFIX") as said:
            open_archive(url, index)
        assert "secret" not in str(said.value)
    for endpoint in ("host:9000", "http://user:secret@host", "ftp://host", "http://["):
        monkeypatch.setenv("S3_ENDPOINT", endpoint)
        with pytest.raises(SegmentError, match=r"S3_ENDPOINT .*: write https://HOST") as said:
            open_archive("s3://bucket/archive", index)
        assert "secret" not in str(said.value)
    with pytest.raises(
        IndexUnusableError, match=r"only sqlite:/// and postgresql\+psycopg:// are supported"
    ):
        open_archive(str(made), "mysql://user:secret@host/index")


def test_an_empty_archive_has_nothing_and_says_so(tmp_path: Path) -> None:
    Index(url_of(tmp_path / "index.sqlite3")).close()
    with opened(tmp_path) as archive:
        assert list(archive.articles()) == list(archive.revisions()) == []
        assert (archive.count(), archive.outlets(), archive.removals()) == (0, (), ())
        assert archive.search("푸틴") == []
        with pytest.raises(UnknownOutletError, match="it holds no article yet"):
            archive.article("etoday", "1")


USES: dict[str, Callable[[Archive], object]] = {
    "articles": lambda archive: archive.articles(),
    "revisions": lambda archive: archive.revisions(),
    "count": lambda archive: archive.count(),
    "search": lambda archive: archive.search("푸틴"),
    "article": lambda archive: archive.article(*NAME),
    "outlets": lambda archive: archive.outlets(),
    "removal": lambda archive: archive.removal(*NAME),
    "removals": lambda archive: archive.removals(),
    "frame": lambda archive: archive.frame(library="polars"),
}


@pytest.mark.parametrize("use", USES)
def test_a_closed_archive_says_that_it_is(made: Path, use: str) -> None:
    with opened(made) as archive:
        pass
    with pytest.raises(ArchiveClosedError, match="this archive is closed"):
        list(USES[use](archive))  # type: ignore[call-overload]


def test_what_a_closed_archive_gave_is_kept_and_leads_no_further(made: Path) -> None:
    with opened(made) as archive:
        articles = archive.articles()
        article = next(articles)
        capture = article.capture
    assert article.headline
    assert article.to_dict()["headline"] == article.headline
    for use in (
        lambda: article.revisions,
        lambda: article.captures,
        lambda: article.history,
        lambda: capture.content,
        lambda: capture.record_bytes,
    ):
        with pytest.raises(ArchiveClosedError):
            use()
    archive.close()  # again does no harm


def test_threads_read_one_archive_while_another_writes(keeper: Keeper) -> None:
    keeper.read("etoday", *(another(number, 0) for number in range(20)))

    def read(_: int) -> int:
        found = list(archive.articles())
        assert all(one.capture.content and one.revisions for one in found[:3])
        return len(found)

    with opened(keeper.folder) as archive, ThreadPoolExecutor(8) as threads:
        running = threads.map(read, range(24))
        for number in range(20, 30):
            keeper.read("etoday", another(number, 1))
        counts = list(running)
        assert all(20 <= count <= 30 for count in counts)
        assert archive.count() == 30


def test_objects_can_be_sent_to_another_process(seeds: Archive) -> None:
    article = seeds.article("etoday", "9000000002")
    again = pickle.loads(pickle.dumps(article))
    assert again == article
    assert again.capture.content == article.capture.content
    assert again.revisions == article.revisions
    values = dataclasses.asdict(article)
    assert values["authors"][0]["name"] == "한누리"
    assert values["_source"] is article._source


@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
def test_a_reindex_meanwhile_is_not_held_up_and_is_read_from(workspace: Workspace) -> None:
    with opened(workspace.folder) as archive:
        articles = archive.articles()
        first = next(articles)
        before = [first, *articles]
        said = workspace.call("reindex")
        assert said.code == 0, said.err
        assert list(archive.articles()) == before
        assert first.revisions[-1] == first
        assert [capture.content for capture in first.captures]
        assert first.history


@pytest.mark.sqlite_only(reason="the file of the index is deleted")
def test_an_index_that_is_deleted_meanwhile_is_named_and_not_made_anew(
    workspace: Workspace,
) -> None:
    with opened(workspace.folder) as archive:
        for path in workspace.folder.glob("index.sqlite3*"):
            path.unlink()
        with pytest.raises(IndexUnusableError, match="there is no index at"):
            archive.count()
        assert not workspace.index.exists()


READ = """
from archive import open_archive
with open_archive() as archive:
    print(len([one.capture.content for one in archive.articles()]))
"""
#: Another user than the owner of the archive, and a group that may read it.
OWNER, READER, GROUP = 61001, 61003, 61002


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.sqlite_only(reason="it is of a file and its folder")
def test_who_may_only_read_reads_and_leaves_nothing(made: Path) -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's folders are for one user alone
        folder = Path(place, "kept")
        copy_folder(made, folder)
        Path(place).chmod(0o755)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o750 if path.is_dir() else 0o640)
            os.chown(path, OWNER, GROUP)
        before = sorted(path.name for path in folder.iterdir())
        own = {"ARCHIVE_URL": f"{folder}/archive", "INDEX_URL": f"sqlite:///{folder}/index.sqlite3"}
        done = subprocess.run(
            [sys.executable, "-B", "-c", READ],
            cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **own},
            user=READER,
            group=GROUP,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        if "No module named" in done.stderr or "Permission denied" in done.stderr:
            pytest.skip("the checkout is for one user alone")
        assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr
        assert sorted(path.name for path in folder.iterdir()) == before
