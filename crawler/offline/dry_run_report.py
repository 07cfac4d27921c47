"""The report of a dry run of a reindex: tables and examples, or one JSON object."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from archive.model.program import PROGRAM
from archive.reindex.comparison import FIELDS
from archive.reindex.trial import Change
from crawler.cli.output.plural import counted
from crawler.cli.output.printable import print_json, printable
from crawler.cli.output.tables import print_table

if TYPE_CHECKING:
    from archive.reindex.builder import ReindexFinding
    from archive.reindex.trial import Example
    from crawler.offline.dry_run import DryRun

#: What may become of a field.
_KINDS = ("filled", "emptied", "changed")


def dry_run_object(result: DryRun) -> dict[str, Any]:
    """Return what a reindex would change as a JSON object."""
    layouts = sorted(result.other_layouts.items())
    return {
        "captures": result.captures,
        "outcomes": [_outcome_object(result, change) for change in _outcomes(result)],
        "fields": [_field_object(result, *field) for field in _fields(result)],
        "other_layouts": [_layout_object(*key, number) for key, number in layouts],
        "failed": result.failed,
        "findings": [_finding_object(finding) for finding in result.findings],
    }


def print_dry_run(result: DryRun, *, as_json: bool) -> None:
    """Print what a reindex would change; what could not be read goes to stderr."""
    for finding in result.findings:
        print(f"{finding.source}: {finding.reason}: {finding.sentence}", file=sys.stderr)
    if result.failed > len(result.findings):
        print(f"… and {result.failed - len(result.findings)} more", file=sys.stderr)
    if as_json:
        print_json(dry_run_object(result))
    else:
        _print_tables(result)


def _print_tables(result: DryRun) -> None:
    outcomes = _outcomes(result)
    rows = [
        (one.outlet or "–", one.before, one.after, str(result.changes[one])) for one in outcomes
    ]
    print_table(("outlet", "outcome before", "after", "captures"), rows, figures=1)
    fields = _fields(result)
    figures = [(outlet, name, *map(str, numbers)) for outlet, name, numbers in fields]
    print_table(("outlet", "field", *_KINDS), figures, figures=len(_KINDS))
    for one in outcomes:
        _print_examples(f"{one.outlet} {one.before} -> {one.after}", result.examples[one])
    for outlet, name, _ in fields:
        for kind in _KINDS:
            change = _field_change(outlet, name, kind)
            _print_examples(f"{outlet} {name} {kind}", result.examples.get(change, []))
    for (outlet, layout), number in sorted(result.other_layouts.items()):
        print(f"read by layout {layout} of another date: {number} ({outlet})")
    if not result.changes:
        print("nothing would change")
    rate = result.captures / result.seconds if result.seconds else 0.0
    print(
        f"{counted(result.captures, 'capture')} read in {result.seconds:.1f} s by "
        f"{counted(result.processes, 'process', 'processes')}: {rate:.0f} per second; "
        f"nothing was written ({PROGRAM} reindex makes the new index)"
    )


def _print_examples(title: str, examples: list[Example]) -> None:
    if not examples:
        return
    print(f"{title}, for example:")
    for one in examples:
        values = f": {one.before or '(empty)'} -> {one.after or '(empty)'}"
        print(f"  {printable(one.url)}{printable(values) if one.before or one.after else ''}")


def _outcomes(result: DryRun) -> list[Change]:
    """Return the changes of outcomes, by outlet, those of most captures first."""
    found = [change for change in result.changes if change.what == "outcome"]
    return sorted(found, key=lambda one: (one.outlet, -result.changes[one], one.before, one.after))


def _fields(result: DryRun) -> list[tuple[str, str, list[int]]]:
    """Return outlets and fields, in the order of the index, with the number of each kind."""
    names = {(change.outlet, change.what) for change in result.changes if change.what in FIELDS}
    ordered = sorted(names, key=lambda name: (name[0], FIELDS.index(name[1])))
    return [
        (outlet, name, [result.changes[_field_change(outlet, name, kind)] for kind in _KINDS])
        for outlet, name in ordered
    ]


def _field_change(outlet: str, name: str, kind: str) -> Change:
    return Change(outlet, name, "", kind)


def _outcome_object(result: DryRun, change: Change) -> dict[str, Any]:
    return {
        "outlet": change.outlet,
        "before": change.before,
        "after": change.after,
        "captures": result.changes[change],
        "examples": [one.url for one in result.examples[change]],
    }


def _field_object(result: DryRun, outlet: str, name: str, numbers: list[int]) -> dict[str, Any]:
    filled, emptied, changed = numbers
    examples = [
        _example_object(kind, one)
        for kind in _KINDS
        for one in result.examples.get(_field_change(outlet, name, kind), [])
    ]
    return {
        "outlet": outlet,
        "field": name,
        "filled": filled,
        "emptied": emptied,
        "changed": changed,
        "examples": examples,
    }


def _example_object(kind: str, example: Example) -> dict[str, str]:
    return {
        "change": kind,
        "url": example.url,
        "before": example.before,
        "after": example.after,
    }


def _layout_object(outlet: str, layout: str, number: int) -> dict[str, Any]:
    return {"outlet": outlet, "layout": layout, "captures": number}


def _finding_object(finding: ReindexFinding) -> dict[str, str]:
    return {"source": finding.source, "reason": finding.reason, "sentence": finding.sentence}
