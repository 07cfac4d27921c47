"""The audit of dependencies: the list is whole, and its exit status says whether it was checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.audit import packages
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_every_package_is_listed_once_with_version_and_licence() -> None:
    found = packages()
    names = [one.name for one in found]
    assert names == sorted(set(names))
    assert {"scrapy", "sqlalchemy", "twisted", "lxml", "pytest", "mkdocs"} <= set(names)
    assert "sacho" not in names
    assert all(one.version and one.licence for one in found)
    assert {one.needed_for for one in found} == {"running", "dev", "docs"}
    assert {one.name: one.needed_for for one in found}["twisted"] == "running"


def _audit(folder: Path, says: str | None) -> tuple[int, str]:
    """Run the audit beside a pip-audit that prints something; None: one that cannot be found."""
    if says is not None:
        (folder / "pip_audit.py").write_text(f"print({says!r})")
    else:  # also where pip-audit is installed
        (folder / "sitecustomize.py").write_text("import sys; sys.modules['pip_audit'] = None")
    path = os.pathsep.join((str(folder), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-m", "bench.audit"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, done.stdout


_KNOWN = {"name": "made", "version": "1.0", "vulns": [{"id": "MADE-1", "fix_versions": ["1.1"]}]}
_SOUND = {"name": "sound", "version": "2.0", "vulns": []}
#: As pip-audit 2.10 prints it, and exits 0, where its database has none of the packages.
_SKIPPED = {"name": "lost", "skip_reason": "Dependency not found and could not be audited: lost"}
_OURS = {"name": "sacho", "skip_reason": "distribution marked as editable"}


@pytest.mark.parametrize(
    ("says", "status", "sentence"),
    [
        (json.dumps({"dependencies": [_SOUND]}), 0, "1 packages checked; vulnerabilities known: 0"),
        (json.dumps({"dependencies": [_SOUND, _KNOWN]}), 1, "made 1.0: MADE-1, fixed in 1.1"),
        (json.dumps({"dependencies": [_SOUND, _OURS]}), 0, "1 packages checked"),
        (json.dumps({"dependencies": [_SOUND, _SKIPPED]}), 3, "so not checked: lost."),
        (json.dumps({"dependencies": [_SKIPPED]}), 3, "0 packages checked"),
        (json.dumps({"dependencies": [_KNOWN, _SKIPPED]}), 1, "so not checked: lost."),
        (json.dumps({"dependencies": []}), 3, "0 packages checked"),
        ("", 3, "Not checked for vulnerabilities: pip-audit could not"),
        (None, 3, "Not checked for vulnerabilities: pip-audit is not installed"),
    ],
)
def test_the_exit_status_says_what_was_checked(
    tmp_path: Path, says: str | None, status: int, sentence: str
) -> None:
    code, out = _audit(tmp_path, says)
    assert sentence in out
    assert code == status, out
