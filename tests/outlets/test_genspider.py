"""``genspider`` makes the file of an outlet, which the other verbs read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from crawler.model.outlet_skeleton import Draft, skeleton
from crawler.outlets import known_outlets
from tests.support.package_sources import copy_sources
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "https://news.ourpaper.example/article/7?from=list"


def in_a_package(folder: Path) -> tuple[Workspace, Path]:
    """Verbs that find an empty package of the user's, and its folder."""
    package = folder / "project" / "our_outlets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    paths = f"{ROOT}:{folder / 'project'}"
    return Workspace(folder, {"PYTHONPATH": paths, "OUTLET_MODULES": "our_outlets"}), package


def in_a_checkout(folder: Path) -> tuple[Workspace, Path]:
    """Verbs of a copy of the checkout, and its folder of outlets."""
    copy = folder / "checkout"
    copy.mkdir()
    copy_sources(copy, "scrapy.cfg")
    return Workspace(folder, {"PYTHONPATH": str(copy)}, copy), copy / "crawler" / "outlets"


@pytest.mark.parametrize("place", [in_a_package, in_a_checkout])
def test_a_file_is_made_where_outlets_are_looked_for(tmp_path: Path, place: object) -> None:
    workspace, folder = place(tmp_path)  # type: ignore[operator]  # one of the two above
    said = workspace.run("genspider", "ourpaper", ADDRESS)
    assert said.code == 0, said
    path = folder / "ourpaper.py"
    assert said.out == f"{path}: fill it in as its comments say, then run scrapy check ourpaper\n"
    assert workspace.run("list").out.split() == sorted([*known_outlets(), "ourpaper"])
    said = workspace.run("check", "ourpaper")
    assert (said.code, said.out) == (1, "0 valid outlets\n")
    assert said.sentences == [
        "scrapy check: ourpaper is not filled in yet; without a value: title, articles, canonical"
    ]
    filled = path.read_text("utf-8")
    linted = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--quiet",
            "--config",
            ROOT / "pyproject.toml",
            path,
        ]
    )
    assert linted.returncode == 0
    for empty, value in (
        ('title=""', 'title="우리신문"'),
        ("articles=()", 'articles=(r"/article/(?P<id>\\d+)",)'),
        ('canonical=""', 'canonical="https://news.ourpaper.example/article/{id}"'),
    ):
        assert empty in filled
        filled = filled.replace(empty, value)
    path.write_text(filled, "utf-8")
    assert workspace.run("check", "ourpaper").out == "1 valid outlet: ourpaper\n"
    assert workspace.run("check").code == 0


def test_a_file_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    workspace, folder = in_a_package(tmp_path)
    assert workspace.run("genspider", "ourpaper", ADDRESS).code == 0
    made = (folder / "ourpaper.py").read_bytes()
    said = workspace.run("genspider", "ourpaper", ADDRESS)
    assert said.code == 2
    assert "there is an outlet ourpaper already" in said.err
    # Another outlet under that file's name.
    text = made.decode().replace('name="ourpaper"', 'name="theirs"')
    (folder / "ourpaper.py").write_text(text, "utf-8")
    said = workspace.run("genspider", "ourpaper", "https://www.other.example/")
    assert said.code == 2
    assert f"{folder / 'ourpaper.py'} exists; it was left as it is" in said.err
    assert (folder / "ourpaper.py").read_text("utf-8") == text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("ourpaper",), "give a name and an address"),
        (("Our-Paper", ADDRESS), "a name has small letters"),
        (("class", ADDRESS), "a name has small letters"),
        (("../x", ADDRESS), "a name has small letters"),
        (("newspim", ADDRESS), "there is an outlet newspim already"),
        (("ourpaper", "https://m.newspim.com/"), "m.newspim.com is a host of newspim already"),
        (("ourpaper", "https:///"), "names no host"),
        (("ourpaper", "https://a'b.example/"), "names no host"),
    ],
)
def test_what_is_invalid_or_taken_is_a_sentence(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    workspace, folder = in_a_package(tmp_path)
    said = workspace.run("genspider", *words)
    assert said.code == 2
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert [path.name for path in folder.glob("*.py")] == ["__init__.py"]


def test_without_a_package_there_is_no_place(tmp_path: Path) -> None:
    workspace, _ = in_a_package(tmp_path)
    workspace.run("genspider", "ourpaper", ADDRESS)
    said = workspace.run(
        "genspider", "other", "other.example", env={"OUTLET_MODULES": "our_outlets.ourpaper"}
    )
    assert said.code == 2
    assert "OUTLET_MODULES names no package" in said.err


@pytest.mark.parametrize("kind", [Outlet, Layout])
def test_the_file_names_every_field_that_has_no_default_worth_having(kind: type) -> None:
    """Heads of pages state the others, and texts without markup are rare."""
    text = skeleton(Draft(name="ourpaper", hosts=("news.ourpaper.example",)), "2026-11")
    standard = {"headline", "published", "modified", "bylines", "section", "text"}
    names = {one.name for one in fields(kind)} - standard
    assert [name for name in sorted(names) if f"{name}=" not in text] == []
