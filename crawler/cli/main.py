"""The command ``sacho``: the project's verbs from any folder, without a scrapy.cfg."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from archive.model import program
from crawler import VERSION
from crawler.cli.output.printable import make_output_safe
from crawler.cli.output.standard_streams import discard_output
from crawler.cli.verb_list import print_verbs


def main() -> None:
    """Run the verb that the command line names, and exit with its status.

    :raises KeyboardInterrupt: Ctrl-C, while the verb was being prepared.
    """
    program.started_as("sacho")
    _look_for_modules_here()
    make_output_safe()
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        status = _output_failed(error)
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run the verb that the arguments name; return the exit status, 2 for invalid usage."""
    name = next((word for word in arguments if not word.startswith("-")), None)
    if name is None or name == "help":
        _print_about(version_only="--version" in arguments)
        return 0
    # Importing Scrapy takes ten times as long as printing the list of verbs does.
    from crawler.cli.verbs import run_verb

    arguments.remove(name)
    return run_verb(name, arguments)


def _print_about(*, version_only: bool) -> None:
    """Print the version, or the list of verbs."""
    if version_only:
        print(f"Sacho {VERSION}")
    else:
        print_verbs()


def _look_for_modules_here() -> None:
    """Let settings name modules of the current folder, as in a Scrapy project.

    It is the last place that is looked in: a folder of the name of ours must not be taken for it.
    """
    with suppress(FileNotFoundError):  # the folder was deleted
        sys.path.append(str(Path.cwd()))


def _output_failed(error: OSError) -> int:
    """Drop the rest of the output, and return the exit status.

    :raises OSError: it is an error of a file, not of the output.
    """
    if error.filename is not None:
        raise error
    discard_output()
    if isinstance(error, BrokenPipeError):  # head or less has read enough: not a failure
        return 0
    print(f"sacho: the output could not be written ({error.strerror})", file=sys.stderr)
    return 1
