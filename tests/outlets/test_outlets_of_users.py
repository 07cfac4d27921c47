"""Outlets of a user's own stand beside ours: by OUTLET_MODULES, or by an installed package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.cli import ROOT, Workspace

if TYPE_CHECKING:
    from pathlib import Path

OUTLET = """
from crawler.model.layout import Layout, TextForm
from crawler.model.outlet import Outlet

OUTLET = Outlet(
    name="{name}",
    title="우리신문",
    hosts=("{host}",),
    articles=(r"/article/(?P<id>\\d+)",),
    canonical="https://{host}/article/{{id}}",
    layouts=(
        Layout(
            name="page",
            confidence="A",
            body=("div.body",),
            headline=("h1",),
            published=("meta:article:published_time",),
        ),
    ),
    text=TextForm(recognise=("우리신문",), stamp=r"입력 \\d{{4}}"),
)
"""
PAGE = (
    '<html lang="ko"><head><meta charset="utf-8">'
    '<meta property="article:published_time" content="2026-11-01T09:00:00+09:00"></head><body>'
    "<h1>마을 도서관이 다시 문을 열었다</h1><div class='body'><p>오늘 아침 마을 도서관이 여섯 달 만에 다시 문을 "
    "열었다. 주민들은 반가워했다.</p></div></body></html>"
)


def project(folder: Path, name: str = "ourpaper", host: str = "news.ourpaper.example") -> Workspace:
    """A folder with a package of an outlet, and verbs that can import it."""
    package = folder / "project" / "ourpaper_outlets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "ourpaper.py").write_text(OUTLET.format(name=name, host=host), "utf-8")
    return Workspace(folder, {"PYTHONPATH": f"{ROOT}:{folder / 'project'}"})


def install(folder: Path) -> None:
    """State the outlet as an installed package does."""
    info = folder / "project" / "ourpaper-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ourpaper\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sacho.outlets]\nour = ourpaper_outlets.ourpaper\n")


@pytest.mark.parametrize("way", ["setting", "environment", "package"])
def test_an_outlet_of_the_users_is_listed_and_read(tmp_path: Path, way: str) -> None:
    workspace = project(tmp_path)
    options: tuple[str, ...] = ()
    env: dict[str, str] = {}
    if way == "setting":
        options = ("-s", "OUTLET_MODULES=ourpaper_outlets")
    elif way == "environment":
        env = {"OUTLET_MODULES": "ourpaper_outlets.ourpaper"}
    else:
        install(tmp_path)
    said = workspace.run("list", *options, env=env)
    assert said.out.split() == ["etoday", "newspim", "ourpaper"], said
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "one.html").write_text(PAGE, "utf-8")
    (pages / "one.json").write_text('{"url": "https://news.ourpaper.example/article/7"}')
    said = workspace.run("replay", pages, *options, env=env)
    assert said.code == 0, said
    said = workspace.run("reindex", "--processes", "2", *options, env=env)
    assert said.code == 0, said
    said = workspace.run("show", "ourpaper/7", *options, env=env)
    assert "마을 도서관이 다시 문을 열었다" in said.out


@pytest.mark.parametrize(
    ("modules", "name", "host", "sentence"),
    [
        ("nothing.here", "ourpaper", "a.example", "nothing.here, of OUTLET_MODULES, cannot be"),
        ("json", "ourpaper", "a.example", "must define OUTLET"),
        ("ourpaper_outlets", "etoday", "a.example", "both state etoday"),
        ("ourpaper_outlets", "ourpaper", "www.etoday.co.kr", "both state www.etoday.co.kr"),
    ],
)
def test_an_invalid_outlet_is_a_sentence(
    tmp_path: Path, modules: str, name: str, host: str, sentence: str
) -> None:
    workspace = project(tmp_path, name, host)
    for verb in ("list", "show"):
        said = workspace.run(verb, "-s", f"OUTLET_MODULES={modules}")
        assert said.code == 2
        assert sentence in said.err
        assert "Traceback" not in said.err
