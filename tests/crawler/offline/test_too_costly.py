"""A page that takes too long to read is given up and kept, and read again only when that is asked for."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from archive.segments.names import closed_segments
from crawler.extraction import extract
from crawler.offline import recovery
from pipelines import cpu_limit
from tests.support.archives.warc_samples import exchange, writer
from tests.support.documents import NOON
from tests.support.pages import page_of, write_page
from tests.support.processes.cli import Workspace
from tests.support.sites import costly_pages
from tests.support.sites.costly_pages import MARK

if TYPE_CHECKING:
    from pathlib import Path

    from archive.model.exchange import Exchange

GIVEN_UP = "unparsed/too_costly"
URL = "https://www.etoday.co.kr/news/view/{}"
COSTLY, PLAIN = "9000000101", "9000000102"


def write_costly(folder: Path, article_id: str = COSTLY) -> Path:
    path = write_page(folder, article_id)
    path.write_text(path.read_text("utf-8").replace("<p>", f"<p>{MARK} ", 1), "utf-8")
    return path


def costly_exchange(article_id: str) -> Exchange:
    data, _ = page_of(article_id)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    body = data.replace(b"<p>", f"<p>{MARK} ".encode(), 1)
    return exchange(url=URL.format(article_id), body=body, head=head, captured_at=NOON)


@pytest.fixture
def _costly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "_read", costly_pages.read_endlessly)
    monkeypatch.setattr(cpu_limit, "LIMIT", 0.2)


def outcomes(workspace: Workspace) -> list[str]:
    return [
        "/".join(filter(None, (row["outcome"], row["reason"])))
        for row in workspace.rows("captures")
    ]


@pytest.mark.usefixtures("_costly")
def test_its_bytes_are_kept_and_reindex_reads_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    write_costly(tmp_path / "pages")
    write_page(tmp_path / "pages", PLAIN)
    said = workspace.call("replay", tmp_path / "pages")
    assert said.code == 1
    (sentence,) = said.sentences
    assert f"{GIVEN_UP}: reading it takes more than 5 CPU seconds; it is kept" in sentence
    assert "unparsed/too_costly etoday: 1" in said.out
    assert sorted(outcomes(workspace)) == ["new", GIVEN_UP]
    again = workspace.call("reindex", "--processes", "1")
    assert "unparsed/too_costly etoday: 1" in again.out
    assert workspace.call("verify").code == 0
    monkeypatch.undo()
    assert workspace.call("verify").code == 0, "it is not compared with what nobody has read"
    assert workspace.call("reindex").code == 0
    assert sorted(outcomes(workspace)) == ["new", "new"]
    assert workspace.call("verify").code == 0


@pytest.mark.usefixtures("_costly")
def test_a_replay_of_what_was_given_up_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    page = write_costly(tmp_path / "pages")
    assert workspace.call("replay", page).code == 1
    monkeypatch.undo()
    assert workspace.call("replay", page).code == 0
    assert len(workspace.rows("articles")) == 1
    assert len(workspace.rows("captures")) == 1


def test_an_outlet_that_is_not_found_in_time_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>어떤 신문</title>")

    def endless(_: Any) -> None:
        while True:
            pass

    monkeypatch.setattr(cpu_limit, "LIMIT", 0.2)
    monkeypatch.setattr("crawler.extraction.recognise._outlet_stated_by", endless)
    said = Workspace(tmp_path).call("replay", page)
    assert said.code == 1
    assert "failed/too_costly: finding out its outlet takes more than 5 CPU seconds" in said.err


@pytest.mark.usefixtures("_costly")
def test_recovery_reads_it_at_most_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows it in the segment ends the recovery: the next one begins behind it."""
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", write_page(tmp_path / "pages", PLAIN)).code == 0
    with writer(workspace.archive) as out:
        for article_id in ("9000000103", "9000000104"):
            out.write(costly_exchange(article_id))
        out.sync()
        out._release()
    read: list[str] = []
    whole = recovery.read_capture

    def stopping(record: Any, source: str) -> Any:
        if read:
            raise KeyboardInterrupt
        read.append(record.exchange.url)
        return whole(record, source)

    monkeypatch.setattr(recovery, "read_capture", stopping)
    assert workspace.call("recover").code == 1
    assert read == [URL.format("9000000103")]
    monkeypatch.setattr(recovery, "read_capture", lambda r, s: read.append(s) or whole(r, s))
    assert workspace.call("recover").code == 1
    assert len(read) == 2, "that which was given up is in the index, and not read again"
    assert outcomes(workspace).count(GIVEN_UP) == 2
    assert len(closed_segments(workspace.archive)) == 2
    assert workspace.call("recover").code == 0
    assert len(read) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "verb", [["replay"], ["reindex", "--processes", "1"], ["reindex", "--processes", "2"]]
)
def test_a_signal_ends_the_reading(tmp_path: Path, verb: list[str], number: int) -> None:
    """Nothing waits for the page that is read, nor for those behind it."""
    workspace, fifo = Workspace(tmp_path), tmp_path / "fifo"
    os.mkfifo(fifo)
    for article_id in range(9000000100, 9000000105):
        write_costly(tmp_path / "pages", str(article_id))
    if verb[0] == "reindex":
        assert workspace.call("replay", tmp_path / "pages").code == 0
    else:
        verb = [*verb, str(tmp_path / "pages")]
    # A process whose parent was killed notices it when it has given up its page.
    limit = 2 if verb[-1] == "2" and number == signal.SIGTERM else 3600
    endless = costly_pages.environment(limit, fifo)
    pipe = subprocess.PIPE
    process = workspace.start(*verb, env=endless, stdout=pipe, stderr=pipe)
    costly_pages.wait_until_begun(fifo)
    process.send_signal(number)
    # That the pipes end within the time shows that the reading processes have ended, too.
    _, err = process.communicate(timeout=300)
    assert process.returncode == (1 if number == signal.SIGINT else -signal.SIGTERM)
    assert "Traceback" not in err.decode()
    said = workspace.run(*verb)
    assert said.code == 0, said
    assert len(workspace.rows("articles")) == 5
