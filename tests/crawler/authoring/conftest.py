"""A package of outlets of a user's own, and verbs that find it, run in this process."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import invalidate_caches
from typing import TYPE_CHECKING

import pytest

from crawler.outlets import use_modules
from tests.support.processes.cli import CommandResult, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = "authored_outlets"


@dataclass(frozen=True)
class Authoring:
    """An author's folder of outlets, which is a package, and the verbs."""

    package: Path
    workspace: Workspace

    def call(self, *args: str | Path) -> CommandResult:
        """Run a verb on the files as they are now, as a new process would."""
        forget()
        return self.workspace.call(*args, "-s", f"OUTLET_MODULES={PACKAGE}")


def forget() -> None:
    """Let the files be imported anew."""
    invalidate_caches()
    for name in [each for each in sys.modules if each.split(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def authoring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authoring]:
    """An empty package, forgotten at the end."""
    folder = tmp_path / "project" / PACKAGE
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Authoring(folder, Workspace(tmp_path))
    forget()
    use_modules(())
