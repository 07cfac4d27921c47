"""Run every verb with odd terminals and streams: closed, full, broken, narrow, other character sets.

    python -m bench.terminal [--on "20 columns"]

Each verb has to end with 0, 1 or 2 and without a traceback. Exit status 1 if one does not.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace
from tests.support.processes.terminals import TERMINALS, run_under

#: What each verb is given; ``{out}`` is a folder. Those that need a terminal or a host only refuse.
VERBS = (
    "",
    "--help",
    "--version",
    "backup {out}/backup",
    "bench",
    "check",
    "close",
    "completion bash",
    "crawl",
    "crawl nobody",
    "export -",
    "export -:csv",
    "export {out}/all.csv",
    "export {out}/all.wacz",
    "fetch",
    "genspider",
    "list",
    "list --json",
    "list --long",
    "nosuch",
    "parse nothing",
    "recover",
    "reindex",
    "remove newspim/20230915999901 --dry-run",
    "replay {seeds}",
    "restore",
    "runspider",
    "schedule --list",
    "search 푸틴",
    "search 푸틴 --json",
    "settings --get BOT_NAME",
    "shell http://[::1",
    "show",
    "show --json",
    "show newspim/20230915999901",
    "status",
    "status --json",
    "verify",
    "verify --json",
    "view",
)


def main() -> int:
    """Print the table; return 1 if a verb ended in a traceback or by another status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--on", help="only this terminal", choices=[one.name for one in TERMINALS])
    options = parser.parse_args()
    table = Table("terminal", "verbs", "exit 0", "exit 1", "exit 2", "wrong")
    wrong = []
    for terminal in TERMINALS:
        if options.on not in (None, terminal.name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            workspace = Workspace(Path(folder, "place"))
            if workspace.call("replay", SEEDS).code:
                raise SystemExit("the seeds could not be replayed")
            verbs = [line.format(out=folder, seeds=SEEDS).split() for line in VERBS]
            endings = list(run_under(terminal, workspace, verbs, Path(folder)))
        unsound = [one for one in endings if not one.is_sound]
        wrong += unsound
        counts = [sum(one.code == code for one in endings) for code in (0, 1, 2)]
        table.add_row(terminal.name, str(len(endings)), *map(str, counts), str(len(unsound)))
    Console(width=100).print(table)
    for one in wrong:
        print(f"{one.terminal}: sacho {one.words}: exit {one.code}\n{one.err[-600:]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
