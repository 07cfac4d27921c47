"""The list of verbs that --help prints: it is of the verbs that there are, and takes no import."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

from crawler.cli.verb_list import VERBS
from crawler.cli.verbs import each_verb, parser_of

if TYPE_CHECKING:
    import pytest


def test_each_verb_is_listed_with_its_own_description() -> None:
    assert {name: verb.short_desc() for name, verb in each_verb()} == VERBS
    assert list(VERBS) == sorted(VERBS)


def test_help_imports_no_verb_and_not_scrapy() -> None:
    code = (
        "import sys; sys.argv = ['sacho', '--help']\n"
        "from crawler.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'scrapy', 'sqlalchemy', 'twisted', 'crawler.commands'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {name} " in done.stdout for name in VERBS)


def test_only_sections_have_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    """At any width: a line of an option's help may end in a colon."""
    for width in range(60, 100, 5):
        monkeypatch.setenv("COLUMNS", str(width))
        for name, verb in each_verb():
            lines = parser_of(name, verb).format_help().splitlines()
            above = {one for one, below in pairwise(lines) if re.fullmatch("=+|-{4,}", below)}
            assert above <= {"Usage", "Options", "Positional Arguments", "Global Options"}, name
