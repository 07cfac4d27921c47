"""The wheel as a user has it: installed in an environment of its own, used outside any checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawler import VERSION
from crawler.outlets import known_outlets
from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.package_sources import copy_sources
from tests.support.processes.cli import ROOT

SEEDS = ROOT / "seeds"


@dataclass(frozen=True)
class Installed:
    """An installed Sacho."""

    command: Path

    def run(self, folder: Path, *words: str | Path, **environment: str) -> tuple[int, str, str]:
        """Run ``sacho`` in a folder, in that environment alone; return status, stdout, stderr."""
        own = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONWARNINGS": "error"}
        command = [os.fspath(self.command), *map(os.fspath, words)]
        done = subprocess.run(command, cwd=folder, env=own | environment, capture_output=True)
        result = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        return done.returncode, *result


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, without the network."""
    source = tmp_path_factory.mktemp("source")
    copy_sources(source)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return next(source.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel; the packages it needs are those of this environment."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, symlinks=True)
    packages = next(place.glob("lib/python*/site-packages"))
    theirs = [path for path in _site_packages().iterdir() if not _is_ours(path.name)]
    for path in theirs:
        (packages / path.name).symlink_to(path)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(place),
        "install",
        "--no-deps",
        "--no-index",
    ]
    done = subprocess.run([*pip, wheel], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Installed(place / "bin" / "sacho")


def _site_packages() -> Path:
    return Path(sysconfig.get_path("purelib"))


def _is_ours(name: str) -> bool:
    return "sacho" in name.lower()


def test_the_wheel_holds_all_that_is_not_python_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{package}/py.typed" for package in ("archive", "crawler", "pipelines")} <= names
    assert {"archive/index/migrations/env.py", "archive/index/search/hanja_readings.txt"} <= names
    assert any(name.startswith("archive/index/migrations/versions/v") for name in names)
    assert not [name for name in names if name.startswith(("tests", "bench", "seeds", "docs"))]


def test_a_users_install_brings_no_test_tools(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
    lines = archive.read(metadata).decode().splitlines()
    needed = [line for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert needed
    assert not [line for line in needed if any(tool in line for tool in ("pytest", "ruff", "mypy"))]
    assert f"Version: {VERSION}" in lines


def test_version(installed: Installed, tmp_path: Path) -> None:
    assert installed.run(tmp_path, "--version") == (0, f"Sacho {VERSION}\n", "")


def test_help_names_the_command_that_was_typed(installed: Installed, tmp_path: Path) -> None:
    code, out, err = installed.run(tmp_path, "export", "--help")
    assert (code, err) == (0, "")
    assert "sacho export" in out
    assert "scrapy" not in out
    code, out, err = installed.run(tmp_path)
    assert code == 0
    assert "  replay " in out


def test_an_unknown_verb_is_named_with_what_is_like_it(
    installed: Installed, tmp_path: Path
) -> None:
    code, out, err = installed.run(tmp_path, "exprt")
    assert (code, out) == (2, "")
    assert "unknown command exprt; did you mean export?" in err


def test_output_that_is_not_taken_ends_without_a_traceback(
    installed: Installed, tmp_path: Path
) -> None:
    lines = [f'"{installed.command}" | head -c 5', f'"{installed.command}" list >/dev/full']
    for line, code, result in zip(lines, (0, 1), ("", "could not be written"), strict=True):
        done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code
        assert result in done.stderr
        assert "Traceback" not in done.stderr


def test_replay_search_and_export_from_any_folder(installed: Installed, tmp_path: Path) -> None:
    """The data is in the user's data folder, and what is exported where the user is."""
    code, out, err = installed.run(tmp_path, "replay", SEEDS / "etoday", SEEDS / "newspim")
    assert (code, err) == (0, ""), out
    assert (tmp_path / ".local" / "share" / "sacho" / "index.sqlite3").exists()
    code, out, err = installed.run(tmp_path, "search", "푸틴")
    assert (code, err) == (0, "")
    assert "푸틴" in out
    code, out, err = installed.run(tmp_path, "export", "articles.csv")
    assert (code, err) == (0, "")
    assert (tmp_path / "articles.csv").exists()


@pytest.mark.parametrize("name", ["한 글%20'b\"?c=d#e", b"\xff".decode(errors="surrogateescape")])
def test_sacho_home_may_have_any_name(installed: Installed, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    code, out, err = installed.run(tmp_path, "replay", SEEDS / "etoday", SACHO_HOME=str(home))
    assert (code, err) == (0, ""), out
    assert {path.name for path in home.iterdir()} >= {"archive", "index.sqlite3"}
    code, out, err = installed.run(tmp_path, "show", SACHO_HOME=str(home))
    assert (code, err) == (0, "")


def test_another_scrapy_project_is_not_taken_for_ours(installed: Installed, tmp_path: Path) -> None:
    """Not its settings, not its package ``crawler``, and no data in it."""
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = crawler.settings\n")
    (tmp_path / "crawler").mkdir()
    (tmp_path / "crawler" / "__init__.py").write_text("raise SystemExit('the other project')\n")
    home = tmp_path / "home"
    home.mkdir()
    code, out, err = installed.run(tmp_path, "replay", SEEDS / "etoday", HOME=str(home))
    assert (code, err) == (0, ""), out
    assert not (tmp_path / "var").exists()


def test_a_checkout_that_one_is_in_is_used(installed: Installed, tmp_path: Path) -> None:
    shutil.copy(ROOT / "scrapy.cfg", tmp_path)
    (tmp_path / "crawler" / "outlets").mkdir(parents=True)
    folder = tmp_path / "seeds"
    folder.mkdir()
    code, out, err = installed.run(folder, "replay", SEEDS / "etoday")
    assert (code, err) == (0, ""), out
    assert (tmp_path / "var" / "index.sqlite3").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_data_folder_without_rights_is_named(installed: Installed, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    _refused(installed, tmp_path, home)


def test_a_data_folder_that_cannot_be_made_is_named(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _refused(installed, tmp_path, tmp_path / "file" / "home")


def test_a_folder_that_was_deleted_is_no_obstacle(installed: Installed, tmp_path: Path) -> None:
    gone = f'mkdir gone && cd gone && rmdir ../gone && "{installed.command}" list'
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(["sh", "-c", gone], cwd=tmp_path, env=own, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (
        0,
        "".join(f"{name}\n" for name in known_outlets()),
    ), done.stderr


def _refused(installed: Installed, folder: Path, home: Path) -> None:
    code, _, err = installed.run(folder, "replay", SEEDS / "etoday", SACHO_HOME=str(home))
    assert code == 1
    assert str(home) in err
    assert "Traceback" not in err


def test_a_jobs_process_is_the_installed_command(installed: Installed, tmp_path: Path) -> None:
    jobs = '[[job]]\nname = "recover"\ncommand = "recover"\nevery = "1m"\n'
    (tmp_path / "jobs.toml").write_text(jobs)
    installed.run(tmp_path, "replay", SEEDS / "etoday", SACHO_HOME=str(tmp_path))
    code, out, err = installed.run(tmp_path, "schedule", "--once", SACHO_HOME=str(tmp_path))
    assert code == 0, out + err
    (log,) = (tmp_path / "log" / "recover").iterdir()
    assert "sacho recover" in log.read_text()


def test_a_crawl(installed: Installed, tmp_path: Path) -> None:
    with site_of_today("newspim", 20) as site:
        crawls = Crawls.into(tmp_path, site)
        code, out, err = installed.run(tmp_path, *crawls.command(), **crawls.workspace.settings)
    assert code == 0, err
    assert tally(out)["stored"] == 20
    assert (tmp_path / ".local" / "share" / "sacho" / "archive").is_dir()


SHELLS = {
    "bash": 'eval "$(sacho completion bash)"; COMP_WORDS=(sacho exp); COMP_CWORD=1; '
    '_shtab_sacho; echo "${COMPREPLY[@]}"',
    "zsh": "autoload -Uz compinit; compinit -u -D; "
    'eval "$(sacho completion zsh)"; echo ${_comps[sacho]} export',
    "fish": "sacho completion fish | source; complete -C 'sacho exp'",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_its_completion(installed: Installed, tmp_path: Path, shell: str) -> None:
    code, script, err = installed.run(tmp_path, "completion", shell)
    assert (code, err) == (0, "")
    assert "--revisions" in script
    assert "newspim" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = f"{installed.command.parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path)}
    done = subprocess.run(
        [shell, "-c", SHELLS[shell]], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert "export" in done.stdout, done.stderr


def test_outlets_of_the_current_folder_are_found(installed: Installed, tmp_path: Path) -> None:
    package = tmp_path / "mypaper" / "outlets"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    named = {"OUTLET_MODULES": "mypaper.outlets"}
    words = ("genspider", "mypaper", "https://www.mypaper.example/")
    code, out, err = installed.run(tmp_path, *words, **named)
    assert (code, err) == (0, ""), out
    (tmp_path / "crawler").mkdir()  # a folder of the name of ours is not taken for it
    (tmp_path / "crawler" / "__init__.py").write_text("raise SystemExit('theirs')")
    code, out, err = installed.run(tmp_path, "list", **named)
    assert (code, err) == (0, "")
    assert out.split() == sorted([*known_outlets(), "mypaper"])


def test_the_documented_script_crawls(installed: Installed, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scrapy.md").read_text("utf-8")
    (script,) = (part.partition("```")[0] for part in page.split("```python\n")[1:2])
    with site_of_today("etoday", 3) as site:
        crawls = Crawls.into(tmp_path, site)
        given = dict(word.split("=", 1) for word in crawls.command()[2:] if word != "-s")
        led = script.replace("process =", f"settings.setdict({given!r}, priority=80)\nprocess =")
        assert led != script
        (tmp_path / "script.py").write_text(led)
        env = crawls.workspace.environment()
        del env["PYTHONPATH"]
        python = installed.command.with_name("python")
        done = subprocess.run(
            [python, "script.py"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "'item_scraped_count': 3," in done.stderr
    assert "'finish_reason': 'finished'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_project_of_a_users_own_uses_its_settings(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = myproject.settings\n")
    (tmp_path / "myproject").mkdir()
    (tmp_path / "myproject" / "__init__.py").touch()
    lines = "from crawler.settings import *\nCONTACT = 'desk@example.org'\n"
    (tmp_path / "myproject" / "settings.py").write_text(lines)
    scrapy = [installed.command.with_name("python"), "-m", "scrapy"]
    done = subprocess.run(
        [*scrapy, "settings", "--get", "CONTACT"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "desk@example.org\n")
    done = subprocess.run([*scrapy, "list"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, sorted(known_outlets()))


#: What a user writes, and the types that mypy is to see.
TYPED = """
from datetime import date

from archive import open_archive
from archive.reading.errors import ArticleRemovedError

with open_archive() as archive:
    reveal_type(archive)
    for article in archive.articles("푸틴", outlet="etoday", since=date(2023, 9, 1)):
        reveal_type(article)
        reveal_type(article.published_at)
        reveal_type(article.authors)
        reveal_type(article.revisions)
        reveal_type(article.captures[0].content)
        reveal_type(article.history[0].classes)
    reveal_type(archive.search("푸틴")[0].snippet)
    reveal_type(archive.frame(library="polars"))
    reveal_type(archive.frame())
    try:
        archive.article("etoday", "1")
    except ArticleRemovedError as error:
        reveal_type(error.removal.at)
    archive.article("etoday", 1)
"""
REVEALED = [
    "archive.reading.archive.Archive",
    "archive.reading.articles.ArchivedArticle",
    "datetime.datetime | None",
    "tuple[archive.model.article.Author, ...]",
    "tuple[archive.reading.articles.ArchivedArticle, ...]",
    "bytes",
    "tuple[archive.differences.changes.ChangeClass, ...]",
    "str",
    "polars.dataframe.frame.DataFrame",
    "Any",  # pandas ships no types; with pandas-stubs it is its DataFrame
    "datetime.datetime",
]


def _bring_what_mypy_knows(folder: Path) -> None:
    """Copy what mypy remembers of the checkout, if it was run there, to a folder in which it is run.

    It takes from there only what it would find itself: modules of the same content, checked with
    the same options, which is why the options are those of pyproject.toml. That spares it the
    packages that we use, which are the same.
    """
    known = ROOT / ".mypy_cache"
    if known.is_dir():
        shutil.copytree(known, folder / known.name)


def test_a_users_script_is_checked_by_mypy(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(TYPED, "utf-8")
    _bring_what_mypy_knows(tmp_path)
    python = installed.command.with_name("python")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    done = subprocess.run(
        [*command, "--warn-unreachable", "--no-error-summary", "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    revealed, errors = [], []
    for line in done.stdout.splitlines():
        (revealed if "Revealed type is" in line else errors).append(line)
    assert [line.split('"')[1] for line in revealed] == REVEALED
    (error,) = errors
    assert 'Argument 2 to "article" of "Archive" has incompatible type "int"' in error
