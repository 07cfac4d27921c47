"""What a person sees on terminals of several widths: nothing is cut, whatever does not fit."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.archives.captures import Keeper, exchange
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace
from tests.support.processes.terminals import TERMINALS, Terminal, run_under

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WIDTHS = (40, 60, 80, 200)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An archive with one article."""
    folder = tmp_path_factory.mktemp("terminal")
    text = (SEEDS / "etoday" / "own-text.txt").read_bytes()
    Keeper(folder).read("etoday", exchange("", text, media_type="text/plain"))
    return Workspace(folder)


def on_terminal(
    workspace: Workspace, columns: int, *words: str, env: Mapping[str, str] | None = None
) -> str:
    """Return what a verb prints on a terminal of that many columns."""
    terminal, slave = os.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as screen:
        with closing(os.fdopen(slave, "wb")) as stdout:
            fcntl.ioctl(stdout, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
            process = workspace.start(*words, env=env, stdin=stdout, stdout=stdout)
        printed = b""
        try:
            while part := screen.read(65536):
                printed += part
        except OSError:  # the last process with the terminal has ended
            pass
        assert process.wait(timeout=300) == 0
    text = printed.decode("utf-8").replace("\r\n", "\n")
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_figure_and_no_name_of_a_capture_is_cut(workspace: Workspace, columns: int) -> None:
    (article,) = workspace.rows("articles")
    (capture,) = workspace.rows("captures")
    printed = on_terminal(workspace, columns, "show", f"etoday/{article['article_id']}")
    for name in ("warc_file", "warc_offset", "warc_length"):
        assert re.search(rf"(?<!\w){re.escape(str(capture[name]))}(?!\w)", printed), printed
    assert ("┃ WARC" in printed) is (columns == 200)


def test_an_export_to_the_terminal_is_not_obeyed_by_it(tmp_path: Path) -> None:
    text = (SEEDS / "etoday" / "own-text.txt").read_text("utf-8").replace("주민", "\u2066주민")
    Keeper(tmp_path).read("etoday", exchange("", text.encode(), media_type="text/plain"))
    printed = on_terminal(Workspace(tmp_path), 80, "export", "-")
    assert "\u2066" not in printed
    assert "\N{REPLACEMENT CHARACTER}주민" in printed


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_name_of_a_listed_article_is_cut(workspace: Workspace, columns: int) -> None:
    (article,) = workspace.rows("articles")
    printed = on_terminal(workspace, columns, "show")
    assert f"etoday/{article['article_id']}" in printed
    (revision,) = workspace.rows("revisions")
    assert re.sub(r"\W", "", revision["headline"]) in re.sub(r"\W", "", printed)


#: The exit status of verbs that print much, whose output cannot be written, by the terminal.
UNPRINTED = {"full disk": 1, "reader gone": 0}
#: Of the others, what python -m bench.terminal tries with every verb.
SHORT = ("no stdout", "no stream", "full disk, stderr", "POSIX", "20 columns")


@pytest.mark.parametrize(
    "terminal",
    [one for one in TERMINALS if one.name in (*SHORT, *UNPRINTED)],
    ids=lambda terminal: terminal.name,
)
def test_verbs_end_well_whatever_their_streams_are(
    workspace: Workspace, tmp_path: Path, terminal: Terminal
) -> None:
    verbs = ["show", "search 주민", "status", "list --long", "export -", "--help", "nosuch"]
    before = workspace.kept_bytes()
    endings = list(run_under(terminal, workspace, [line.split() for line in verbs], tmp_path))
    assert [one for one in endings if not one.is_sound] == []
    *codes, unknown = (one.code for one in endings)
    assert set(codes) == {UNPRINTED.get(terminal.name, 0)}
    assert unknown == 2
    assert workspace.kept_bytes() == before
