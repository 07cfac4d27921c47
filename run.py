"""Set up and run Sacho with nothing but Python 3.11+ and git: ``python3 run.py demo``.

Everything is installed into ``.venv`` beside this file, once, and again when pyproject.toml or
constraints.txt change.
"""

from __future__ import annotations

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

USAGE = """usage: python3 run.py COMMAND
  demo          replay pages of seeds/, list the articles, search them
  test [ARGS]   run the tests, one process for each core (ARGS go to pytest; -n0: a single process)
  check         format, lint, types, tests: what a change must pass
  docs          write the generated pages and build the documentation into build/site
  bench         measure speed, as ratios
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

#: At most 8 processes, each with whole files: what is costly to set up is shared by a file's tests,
#: and more processes gain little, since the longest file ends last.
TESTS = ["pytest", "-n", "auto", "--maxprocesses", "8", "--dist", "loadscope"]

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
    if command not in (*STEPS, "player"):
        print(USAGE, file=sys.stderr)
        return 2
    if not set_up():
        return 1
    if command == "player":
        return fetch_player()
    for step in STEPS[command]:
        if command == "demo":
            print(f"$ sacho {' '.join(step[1:])}", flush=True)
        status = run([*step, *rest] if command in WITH_ARGUMENTS else step)
        if status:
            return status
    if command == "demo":
        print(NEXT)
    return 0


def run(module: list[str]) -> int:
    """Run a Python module of the environment with arguments, and return its exit status."""
    command = [str(PYTHON), "-m", *module]
    # MkDocs is pinned; what its next version will be like is no news for a build.
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
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
    print("Setting up .venv (once; a minute or two) …", file=sys.stderr, flush=True)
    try:
        venv.create(PLACE, with_pip=True, clear=PLACE.exists())
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f"No virtual environment can be made ({error}). On Debian: apt install python3-venv",
            file=sys.stderr,
        )
        return False
    install = ["pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt"]
    if run([*install, "-e", ".[dev,docs]"]):
        print("The packages could not be installed; the lines above say why.", file=sys.stderr)
        return False
    STAMP.write_text(wanted.hexdigest())
    return True


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(1)
