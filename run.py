"""Set up and run Sacho with nothing but Python 3.11+ and git: ``python3 run.py demo``.

Everything is installed into ``.venv`` beside this file, once, and again when pyproject.toml or
constraints.txt change.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE / ".venv"
PYTHON = PLACE / ("Scripts" if os.name == "nt" else "bin") / "python"
STAMP = PLACE / "installed-for"

#: ReplayWeb.page: AGPL, so no part of the repository; its npm package, and what is taken of it.
PLAYER_PACKAGE = "replaywebpage@2"
PLAYER = PLACE / "share" / "replaywebpage"
PLAYER_FILES = ("LICENSE", "package.json", "sw.js", "ui.js")

CORES = os.cpu_count() or 1
if hasattr(os, "sched_getaffinity"):  # not on a Mac
    CORES = len(os.sched_getaffinity(0))

USAGE = """usage: python3 run.py COMMAND
  demo          replay pages of seeds/, list the articles, search them
  test [ARGS]   run the tests, three processes for two cores (ARGS go to pytest; -n0: a single one);
                unless ARGS name some, those of the index on PostgreSQL, too
                (all of them: SACHO_TEST_INDEX=postgres)
  check         format, lint, types, tests: what a change must pass
  docs          write the generated pages and build the documentation into build/site
  bench         measure speed, as ratios
  install ARGS  install more packages into .venv
  player        fetch ReplayWeb.page, in which the reading room opens captures (needs npm)
  audit         list the dependencies with licences, and check them if pip-audit is installed
  sacho ARGS    run a verb: python3 run.py sacho search 푸틴
  scrapy ARGS   run a verb by Scrapy's own command"""

#: The last lines of the demo.
NEXT = """
Next:
  .venv/bin/sacho show newspim/20230915999901   one article with its revisions and captures
  .venv/bin/sacho export articles.jsonl         all articles as JSON, one a line
  .venv/bin/sacho --help                        all verbs; docs/ describes them
  CONTACT=you@example.org .venv/bin/sacho crawl etoday -a limit=20   a first live crawl"""

#: More than there are cores, as many tests wait for processes of theirs; more than 8 gain little.
AT_ONCE = min(8, CORES + CORES // 2 + CORES % 2)
#: Each process has whole files: what is costly to set up is shared by a file's tests. They begin in
#: the order of tests/conftest.py: what takes long must not begin last.
TESTS = ["pytest", "-n", str(AT_ONCE), "--dist", "loadscope", "--no-loadscope-reorder"]

#: The tests of what is in the index, which are run on PostgreSQL, too; see tests/conftest.py.
OF_INDEX = [
    "tests/archive/articles",
    "tests/archive/captures",
    "tests/archive/events",
    "tests/archive/frontier",
    *(f"tests/archive/index/test_search{name}.py" for name in ("", "_marks", "_query")),
    "tests/archive/reading/test_articles.py",
    "tests/archive/reindex/test_comparison.py",
    "tests/crawler/alarms/test_silence_and_drift.py",
    "tests/pipelines/test_deposit_removals.py",
]
#: But for these, which use PostgreSQL wherever the others have their index.
ON_POSTGRES_ANYWAY = "--ignore-glob=*_postgres.py"
#: Options of pytest that choose tests.
CHOOSING = ("-k", "-m", "--lf", "--last-failed", "--collect-only", "--co")
#: What lets the tests make their indexes in PostgreSQL.
ON_POSTGRES = {"SACHO_TEST_INDEX": "postgres"}

#: Settings of pip that say where packages come from, and uv's names for them.
OPTIONS_OF_UV = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraints",
    "trusted-host": "--allow-insecure-host",
}

SACHO = "crawler"
#: The modules that each command runs, one after the other, with their arguments.
STEPS = {
    "demo": [
        [SACHO, "replay", "seeds/etoday", "seeds/newspim"],
        [SACHO, "show"],
        [SACHO, "search", "푸틴"],
    ],
    "test": [TESTS],
    "check": [["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"], TESTS],
    "docs": [
        ["docs.generate"],
        ["docs.notebooks.make"],
        ["mkdocs", "build", "--strict", "--quiet"],
    ],
    "bench": [
        ["bench.replay"],
        ["bench.warc"],
        ["bench.rows"],
        ["bench.wire"],
        ["bench.crawl"],
        ["bench.reindex"],
        ["bench.dry_run"],
    ],
    "audit": [["bench.audit"]],
    "sacho": [[SACHO]],
    "scrapy": [["scrapy"]],
}
#: The commands that take arguments, for the module they run.
WITH_ARGUMENTS = ("test", "sacho", "scrapy")


def main(arguments: list[str]) -> int:
    """Set up if needed, run the command, and return its exit status."""
    if sys.version_info < (3, 11):  # noqa: UP036  (an older Python gets a message, no traceback)
        version = sys.version.split()[0]
        print(f"Sacho needs Python 3.11 or newer; this is {version}.", file=sys.stderr)
        return 2
    command, rest = (arguments or [""])[0], arguments[1:]
    if command in ("-h", "--help"):
        print(USAGE)
        return 0
    if command not in (*STEPS, "player", "install"):
        if command:
            print(f"run.py has no command {command!r}.", file=sys.stderr)
        print(USAGE, file=sys.stderr)
        return 2
    if not set_up():
        return 1
    if command == "player":
        return fetch_player()
    if command == "install":
        return install(rest)
    return run_steps(command, rest)


def run_steps(command: str, rest: list[str]) -> int:
    """Run the modules of a command until one fails; return its exit status."""
    for step in STEPS[command]:
        if command == "demo":
            print(f"$ sacho {' '.join(step[1:])}", flush=True)
        status = run([*step, *rest] if command in WITH_ARGUMENTS else step)
        if status:
            return status
    if command == "demo":
        print(NEXT)
    if command in ("test", "check") and is_whole(rest):
        print("Again on PostgreSQL, the tests of what is in the index:", flush=True)
        return run([*TESTS, *OF_INDEX, ON_POSTGRES_ANYWAY, *rest], ON_POSTGRES)
    return 0


def is_whole(arguments: list[str]) -> bool:
    """Return whether all tests are run, on SQLite: pytest's arguments choose none."""
    chosen = any(word.partition("=")[0] in CHOOSING or word[0] != "-" for word in arguments)
    return not chosen and not ON_POSTGRES.keys() & os.environ.keys()


def run(module: list[str], environment: dict[str, str] | None = None) -> int:
    """Run a Python module of ``.venv`` with arguments, and return its exit status.

    ``environment`` are variables that it gets besides.
    """
    command = [str(PYTHON), "-m", *module]
    # MkDocs is pinned; what its next version will be like is no news for a build.
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1", **(environment or {})}
    done = subprocess.run(command, cwd=HERE, env=quiet, check=False)  # noqa: S603  (our own)
    return done.returncode


def fetch_player() -> int:
    """Unpack the npm package of ReplayWeb.page, once; return the exit status."""
    if all((PLAYER / name).is_file() for name in PLAYER_FILES):
        print(f"ReplayWeb.page is in {PLAYER}")
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not installed; on Debian: apt install npm", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as place:
        command = [npm, "pack", "--silent", "--pack-destination", place, PLAYER_PACKAGE]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)  # noqa: S603  (npm's own)
        packed = next(Path(place).glob("*.tgz"), None)
        if done.returncode or packed is None:
            said = (done.stderr.strip().splitlines() or ["npm says nothing more"])[-1]
            print(f"npm could not fetch {PLAYER_PACKAGE}: {said}", file=sys.stderr)
            return 1
        PLAYER.mkdir(parents=True, exist_ok=True)
        with tarfile.open(packed) as archive:
            for name in PLAYER_FILES:
                file = archive.extractfile(f"package/{name}")
                assert file is not None, "npm packs files"
                (PLAYER / name).write_bytes(file.read())
    print(f"ReplayWeb.page is in {PLAYER}")
    return 0


def set_up() -> bool:
    """Install what pyproject.toml asks for into ``.venv``; return whether it is there."""
    wanted = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        wanted.update((HERE / name).read_bytes())
    if STAMP.exists() and STAMP.read_text() == wanted.hexdigest():
        return True
    print("Setting up .venv (once) …", file=sys.stderr, flush=True)
    try:
        venv.create(PLACE, with_pip=True, clear=PLACE.exists())
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f"No virtual environment can be made ({error}). On Debian: apt install python3-venv",
            file=sys.stderr,
        )
        return False
    if install(["-e", ".[dev,docs]"]):
        print("The packages could not be installed; the lines above say why.", file=sys.stderr)
        return False
    STAMP.write_text(wanted.hexdigest())
    return True


def install(packages: list[str]) -> int:
    """Install packages into ``.venv``; return the exit status.

    By uv, which takes a tenth of pip's time; where it can't be had, or fails, by pip.
    """
    # Python compiles what is imported; of all that is installed it is a small part.
    compiled = sys.dont_write_bytecode
    pip = ["pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt"]
    if not compiled:
        pip.append("--no-compile")
    options, environment = of_pip()
    uv = ["uv", "pip", "install", "--quiet", "--python", str(PYTHON), "-c", "constraints.txt"]
    if compiled:
        uv.append("--compile-bytecode")
    if not run([*pip, "uv"]) and not run([*uv, *options, *packages], environment):
        return 0
    print("uv could not install the packages; pip tries it now …", file=sys.stderr, flush=True)
    return run([*pip, *packages])


def of_pip() -> tuple[list[str], dict[str, str]]:
    """Return what pip is set to as options and variables of uv, which reads no settings of pip."""
    command = [str(PYTHON), "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own)
    # As pip does: the newest release that any of the indexes has.
    options, environment = ["--index-strategy", "unsafe-best-match"], {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        setting = name.rpartition(".")[2]
        if setting == "cert":
            environment["SSL_CERT_FILE"] = ast.literal_eval(value)
        elif setting in OPTIONS_OF_UV:
            for word in ast.literal_eval(value).split():
                options += [OPTIONS_OF_UV[setting], word]
    return options, environment


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(1)
