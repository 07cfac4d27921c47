"""``sacho completion``: a script by which a shell completes verbs, options, outlets and files."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from crawler.cli.base import Verb, usage_error
from crawler.cli.verbs import each_verb
from crawler.outlets import known_outlets

if TYPE_CHECKING:
    import argparse

_SHELLS = ("bash", "zsh", "fish")


class Command(Verb):
    """Prints a completion script made from the options of all verbs. Reads no settings."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return f"{{{','.join(_SHELLS)}}}"

    def long_desc(self) -> str:
        """Return the description for --help."""
        return (
            "Print a completion script for bash, zsh or fish, made from the options of all verbs. "
            "A shell reads it when it starts: in ~/.bashrc or ~/.zshrc by eval, in "
            "~/.config/fish/config.fish by: sacho completion fish | source. "
            'Example, in ~/.bashrc: eval "$(sacho completion bash)"'
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (Verb's)
        """Print the script."""
        if len(args) != 1 or args[0] not in _SHELLS:
            raise usage_error(f"name one shell: {', '.join(_SHELLS)}")
        import shtab  # only this verb needs it

        print(shtab.complete(_all_verbs(), shell=args[0]))
        return 0


def _all_verbs() -> ArgumentParser:
    """Return one parser that has a subparser for each verb, for shtab to read."""
    parser = ArgumentParser(prog="sacho")
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers()
    for name, command in each_verb():
        verb = verbs.add_parser(
            name, help=command.short_desc(), description=name, conflict_handler="resolve"
        )
        command.add_options(verb)
        _complete_arguments(verb, command.syntax())
    return parser


def _complete_arguments(verb: ArgumentParser, syntax: str) -> None:
    """Say what a verb's arguments are completed with, by the words of its syntax."""
    import shtab

    outlets = tuple(known_outlets())
    for action in verb._actions:  # argparse has no public list of them
        if action.dest == "outlet":
            action.choices = outlets
    argument = verb.add_argument("arguments", nargs="*")
    if "OUTLET" in syntax:
        argument.choices = outlets
    elif any(word in syntax for word in ("FILE", "PATH", "FOLDER")):
        argument.complete = shtab.FILE  # type: ignore[attr-defined]  # read by shtab
    elif syntax.startswith("{"):
        argument.choices = _SHELLS
