"""Every script of bench/ says how it is used and refuses an option that it does not know."""

from __future__ import annotations

import importlib
import sys

import pytest

from tests.support.processes.cli import ROOT

_SCRIPTS = sorted(path.stem for path in (ROOT / "bench").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", _SCRIPTS)
@pytest.mark.parametrize(("option", "status"), [("--help", 0), ("--no-such-option", 2)])
def test_a_script_takes_no_option_for_a_value(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    option: str,
    status: int,
) -> None:
    module = importlib.import_module(f"bench.{name}")
    monkeypatch.setattr(sys, "argv", [f"bench/{name}.py", option])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == status
    printed = capsys.readouterr()
    assert (printed.out + printed.err).startswith("usage: ")
