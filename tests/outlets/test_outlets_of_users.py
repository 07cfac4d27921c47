"""Outlets of a user's own stand beside ours: by OUTLET_MODULES, or by an installed package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from crawler import outlets
from crawler.outlets import broken_outlets, known_outlets, use_modules
from tests.support.documents import SEEDS
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.model.outlet import Outlet

OUTLET = """
from crawler.model.layout import Layout
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
        ),
    ),
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
    assert said.out.split() == sorted([*known_outlets(), "ourpaper"]), said
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


def test_an_outlet_of_an_installed_package_is_checked_with_its_fixtures(tmp_path: Path) -> None:
    workspace = project(tmp_path)
    install(tmp_path)
    folder = tmp_path / "project" / "ourpaper_outlets" / "fixtures" / "ourpaper"
    folder.mkdir(parents=True)
    (folder / "page.html").write_text(PAGE, "utf-8")
    (folder / "page.json").write_text('{"url": "https://news.ourpaper.example/article/7"}')
    said = workspace.run("outlet", "check", "ourpaper", "--accept")
    assert said.code == 0, said
    assert "ourpaper: 1 layout, 1 fixture in " in said.out
    golden = json.loads((folder / "page.json").read_bytes())
    assert golden["article"]["article_id"] == "7"
    (folder / "page.html").write_text(PAGE.replace("반가워했다", "기뻐했다"), "utf-8")
    said = workspace.run("outlet", "check", "ourpaper")
    assert said.code == 1
    assert "page.html" in said.err


@pytest.mark.parametrize(
    ("modules", "sentence"),
    [
        ("nothing.here", "nothing.here, of OUTLET_MODULES, cannot be"),
        ("keyword", "keyword, of OUTLET_MODULES, must define OUTLET"),
    ],
)
def test_a_setting_that_names_no_outlets_is_a_sentence(
    tmp_path: Path, modules: str, sentence: str
) -> None:
    workspace = project(tmp_path)
    for verb in ("list", "show"):
        said = workspace.run(verb, "-s", f"OUTLET_MODULES={modules}")
        assert said.code == 2
        assert sentence in said.err
        assert "Traceback" not in said.err


#: What is wrong with a file of an outlet, and the sentence that names its field. ``HOST`` is its.
FAULTS = {
    "syntax": (("OUTLET = ", "OUTLET == = "), "line 5: invalid syntax"),
    "field": (("body=", "bodies="), "line 12: Layout has no field 'bodies'"),
    "lacking": (('            body=("div.body",),\n', ""), "Layout lacks 'body'"),
    "css": (('"div.body"', '"div..body"'), "layouts[0].body[0]: 'div..body' is no CSS selector"),
    "group": (
        ("?P<id>", "?P<number>"),
        "articles[0]: '/article/(?P<number>\\\\d+)' lacks the group",
    ),
    "type": (
        ('hosts=("HOST",)', 'hosts=("HOST")'),
        "hosts: 'HOST' is not a tuple: a comma behind it makes it one",
    ),
    "name": (('name="name"', 'name="etoday"'), "both this and crawler/outlets/etoday.py state"),
    "host": (('("HOST",)', '("www.etoday.co.kr",)'), "etoday.py state www.etoday.co.kr"),
    "raises": (("OUTLET = ", "OUTLET = 1 / 0 or "), "line 5: ZeroDivisionError: division by zero"),
    "none": (("OUTLET = ", "OUTLETS = "), "must define OUTLET = Outlet(name='none', …)"),
}


def test_a_broken_file_stops_its_outlet_alone(tmp_path: Path) -> None:
    workspace = project(tmp_path)
    package = tmp_path / "project" / "ourpaper_outlets"
    for name, ((old, new), _) in FAULTS.items():
        host = f"{name}.example"
        text = OUTLET.format(name=name, host=host)
        assert old.replace("HOST", host) in text, name
        text = text.replace(old.replace("HOST", host), new.replace("HOST", host), 1)
        (package / f"{name}.py").write_text(text, "utf-8")
    env = {"OUTLET_MODULES": "ourpaper_outlets"}
    said = workspace.run("list", env=env)
    assert (said.code, said.out.split()) == (0, sorted([*known_outlets(), "ourpaper"]))
    assert len(said.err.splitlines()) == len(FAULTS)
    for line, (name, (_, sentence)) in zip(said.sentences, sorted(FAULTS.items()), strict=True):
        origin = f"ourpaper_outlets.{name}, of OUTLET_MODULES"
        assert line.startswith(f"scrapy: outlet {name} is left out: {origin}")
        assert sentence.replace("HOST", f"{name}.example") in line
    said = workspace.run("crawl", "css", env=env)
    assert said.code == 2
    assert said.sentences[-1].endswith(FAULTS["css"][1])
    assert workspace.run("check", env=env).code == 1
    assert workspace.run("replay", SEEDS / "etoday", env=env).code == 0


def test_what_is_without_fault_is_checked_once_in_a_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Runs may share a process, and each asks for the outlets anew; what is broken may be mended."""
    checked = []

    def faults(outlet: Outlet) -> list[str]:
        checked.append(outlet.name)
        return ["title: odd"] if outlet.name == "etoday" else []

    monkeypatch.setattr(outlets, "faults", faults)
    monkeypatch.setattr(outlets, "_FAULTLESS", {})
    for _ in range(2):
        use_modules(())
        assert [*broken_outlets()] == ["etoday"]
    assert sorted(checked) == sorted([*known_outlets(), "etoday", "etoday"])
    use_modules(())
