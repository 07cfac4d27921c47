"""Where the data folder is: named, in a checkout, or the user's."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from archive.model import data_folder
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder outside of any checkout, and code that is not run from one."""
    monkeypatch.delenv(data_folder.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    installed = tmp_path / "lib" / "archive" / "model" / "data_folder.py"
    monkeypatch.setattr(data_folder, "__file__", str(installed))
    monkeypatch.chdir(tmp_path)


def make_checkout(folder: Path) -> Path:
    (folder / "crawler" / "outlets").mkdir(parents=True)
    shutil.copy(ROOT / "scrapy.cfg", folder)
    return folder


def test_the_users_folder_is_the_last_resort(tmp_path: Path) -> None:
    assert data_folder.data_folder() == tmp_path / "user" / "sacho"
    assert data_folder.jobs_file() == tmp_path / "user" / "sacho" / "jobs.toml"


def test_a_checkout_around_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = make_checkout(tmp_path / "checkout")
    monkeypatch.chdir(checkout / "crawler" / "outlets")
    assert data_folder.data_folder() == checkout / "var"
    assert data_folder.jobs_file() == checkout / "jobs.toml"


def test_a_checkout_that_the_code_is_run_from(tmp_path: Path) -> None:
    make_checkout(tmp_path / "lib")
    assert data_folder.data_folder() == tmp_path / "lib" / "var"


def test_the_variable_is_stronger_than_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_checkout(tmp_path / "checkout"))
    monkeypatch.setenv(data_folder.VARIABLE, "data")
    assert data_folder.data_folder() == tmp_path / "checkout" / "data"
    assert data_folder.jobs_file() == tmp_path / "checkout" / "data" / "jobs.toml"


@pytest.mark.parametrize(
    "config",
    ["[settings]\ndefault = other.settings\n", "no section\n", "[settings]\n", "\0\xff"],
)
def test_another_projects_file_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    other = make_checkout(tmp_path / "other")
    (other / "scrapy.cfg").write_bytes(config.encode("latin-1"))
    monkeypatch.chdir(other)
    assert data_folder.data_folder() == tmp_path / "user" / "sacho"


@pytest.mark.parametrize("name", ["plain", "a b", "한글", "50%", "a%20b", "a?b=c", "a#b", "a@b:c"])
def test_an_index_address_leads_to_its_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "index.sqlite3"
    assert make_url(data_folder.index_url(path)).database == str(path)


def test_the_player_is_where_it_was_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout may have been installed from, so that the code is not run from it."""
    own = tmp_path / "environment" / "share" / "replaywebpage"
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    assert data_folder.default_player() == own
    checkout = make_checkout(tmp_path / "checkout")
    monkeypatch.chdir(checkout)
    of_checkout = checkout / ".venv" / "share" / "replaywebpage"
    assert data_folder.default_player() == of_checkout
    own.mkdir(parents=True)
    assert data_folder.default_player() == own
    of_checkout.mkdir(parents=True)
    assert data_folder.default_player() == of_checkout
