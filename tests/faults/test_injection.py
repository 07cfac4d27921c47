"""The short version of bench.injection: every string and sink, verbs within this process (F17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.injection import SECRET, STRINGS, Injection, leaks, unsafe
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_no_string_of_a_stranger_is_obeyed_and_no_secret_kept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    injection = Injection(workspace, tuple(STRINGS), workspace.call)
    injection.fill()
    injection.speak()
    injection.crawl()
    assert {sink: wrong for sink, wrong in leaks(injection).items() if wrong} == {}
    assert "evil" in injection.said["show"].out, "the strings are shown"
    assert "evil" in injection.said["crawl"].err, "and logged"
    injection.said["made"] = type(injection.said["show"])(0, f"a\x1b[2J{SECRET}", "Traceback")
    wrong = leaks(injection)
    assert wrong["terminal: made"] == ["unsafe: ['0x1b']", "a traceback"]
    assert wrong["secrets"] == ["made prints it"]


def test_what_is_unsafe_is_seen() -> None:
    harmless = {"formula", "plus", "minus", "at", "tab", "markup", "script", "quote", "percent"}
    seen = {name for name, text in STRINGS.items() if unsafe(text)}
    assert seen == set(STRINGS) - harmless - {"metric", "newline"}
