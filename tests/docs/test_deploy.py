"""The files in docs/deploy and the Dockerfile, checked without installing them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.cli import ROOT

DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def words(name: str) -> list[list[str]]:
    """The lines of a file that say something, in words."""
    return [
        line.split()
        for line in (ROOT / name).read_text("utf-8").splitlines()
        if line and line[0] not in "# "
    ]


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    """Beneath a root of their own, where what they start is."""
    for command in ("opt/sacho/.venv/bin/sacho", "bin/kill"):
        path = tmp_path / command
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    shutil.copytree(DEPLOY / "systemd", tmp_path / "etc" / "systemd" / "system")
    for theirs in Path("/usr/lib/systemd/system").glob("*.target"):
        (tmp_path / "usr/lib/systemd/system").mkdir(parents=True, exist_ok=True)
        shutil.copy(theirs, tmp_path / "usr/lib/systemd/system", follow_symlinks=True)
    names = [f"/etc/systemd/system/{path.name}" for path in UNITS]
    said = subprocess.run(
        ["systemd-analyze", f"--root={tmp_path}", "verify", *names], capture_output=True, text=True
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_what_is_denied_to_one_unit_is_denied_to_all() -> None:
    def denied(name: str) -> set[str]:
        lines = (DEPLOY / "systemd" / f"{name}.service").read_text("utf-8").splitlines()
        return {
            line
            for line in lines
            if re.match("Protect|Private|Restrict[NRS]|NoNew|System|Cap|Lock|User", line)
        }

    assert denied("sacho") == denied("sacho-once")
    assert denied("sacho-backup") - denied("sacho") == {"PrivateNetwork=yes"}
    assert denied("sacho") <= denied("sacho-backup")
    assert denied("sacho") <= denied("sacho-serve")


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_the_dockerfile_is_linted() -> None:
    said = subprocess.run(["hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_the_image_is_made_of_what_the_project_needs_and_of_nothing_else() -> None:
    let_in = {line[0][1:].rstrip("/") for line in words(".dockerignore") if line[0].startswith("!")}
    copied = {
        name.rstrip("/") for line in words("Dockerfile") if line[0] == "COPY" for name in line[1:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    packages = setup["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} <= copied
    assert words(".dockerignore")[0] == ["*"]


def test_cron_is_given_lines_it_understands() -> None:
    lines = [line for line in words("docs/deploy/crontab") if "=" not in line[0]]
    assert lines
    for line in lines:
        assert all(re.fullmatch(r"[\d*/,-]+", field) for field in line[:5])
        assert line[5:9] == ["sacho", "cd", "/opt/sacho", "&&"]
        assert not re.search(r"(?<!\\)%", " ".join(line)), (
            "cron takes a bare % for the end of the line"
        )


def test_everything_runs_in_one_place_by_one_user() -> None:
    """A path that one file names otherwise than the others would be found out at night."""
    text = "".join(path.read_text("utf-8") for path in sorted(DEPLOY.rglob("*")) if path.is_file())
    assert set(re.findall(r"/opt/\w+", text)) == {"/opt/sacho"}
    assert set(re.findall(r"^(?:User|Group)=(\w+)", text, re.M)) == {"sacho"}
    assert set(re.findall(r"/mnt/[\w/]+", text)) == {"/mnt/backup", "/mnt/backup/sacho"}
