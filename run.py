"""Set up and run Sacho with nothing but Python 3.11+ and git: ``python3 run.py demo`` or ``python3 run.py test``.

Everything is installed into ``.venv`` beside this file, once, and again when pyproject.toml or
constraints.txt change.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE / ".venv"
PYTHON = PLACE / ("Scripts" if os.name == "nt" else "bin") / "python"
STAMP = PLACE / "installed-for"

USAGE = """usage: python3 run.py COMMAND
  demo          replay the seeds, list the articles, search once
  test [ARGS]   run the tests, one process a core (ARGS go to pytest; -n0: one process in all)
  check         format, lint, types, tests: what a change must pass
  docs          write the generated pages and build the documentation into build/site
  bench         measure speed, printing ratios
  sacho ARGS    run a verb: python3 run.py sacho search 푸틴
  scrapy ARGS   the same by Scrapy's own command"""

SACHO = "crawler.cli.main"
#: What a demo ends with: what to type next.
NEXT = """
Next:
  .venv/bin/sacho show newspim/20230915999901        one article with its revisions and captures
  .venv/bin/sacho export articles.jsonl              all articles as JSON, one a line
  CONTACT=you@example.org .venv/bin/sacho crawl etoday -a limit=20    a first live crawl
  .venv/bin/sacho --help                             all verbs; docs/ describes them"""

#: A process a core, each with whole files, as what is costly to set up is shared by a file's tests.
#: More than this gain little: the longest file ends last.
TESTS = ["pytest", "-n", "auto", "--maxprocesses", "8", "--dist", "loadscope"]


def main(arguments: list[str]) -> int:
    """Set up if needed, run the command, give its exit status."""
    if sys.version_info < (3, 11):  # noqa: UP036  (an older Python must be told, not fail)
        print(
            f"Sacho needs Python 3.11 or newer; this is {sys.version.split()[0]}.", file=sys.stderr
        )
        return 2
    command, rest = (arguments or [""])[0], arguments[1:]
    steps = {
        "demo": [[SACHO, "replay", "seeds"], [SACHO, "show"], [SACHO, "search", "푸틴"]],
        "docs": [["docs.generate"], ["mkdocs", "build", "--strict", "--quiet"]],
        "test": [[*TESTS, *rest]],
        "check": [["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"], TESTS],
        "bench": [
            ["bench.replay"],
            ["bench.warc"],
            ["bench.rows"],
            ["bench.wire"],
            ["bench.crawl"],
            ["bench.reindex"],
        ],
        "sacho": [[SACHO, *rest]],
        "scrapy": [["scrapy", *rest]],
    }.get(command)
    if steps is None:
        print(USAGE, file=sys.stderr)
        return 2
    if not set_up():
        return 1
    for step in steps:
        if command == "demo":
            print(f"$ sacho {' '.join(step[1:])}", flush=True)
        status = run(step)
        if status:
            return status
    if command == "demo":
        print(NEXT)
    return 0


def run(module: list[str]) -> int:
    """Run a Python module of the environment with arguments; its exit status."""
    command = [str(PYTHON), "-m", *module]
    return subprocess.run(command, cwd=HERE, check=False).returncode  # noqa: S603  (our own commands)


def set_up() -> bool:
    """Make ``.venv`` hold what pyproject.toml and constraints.txt ask for; whether it does now."""
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
