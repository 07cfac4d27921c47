"""The results as tables, as a plot, and as JSON; docs/performance.md holds what was measured last."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.growth.measures import Measure
    from bench.growth.peers import Compared

BEGIN, END = "<!-- written by bench.growth -->", "<!-- end of what bench.growth wrote -->"
_NONE = "–"
#: The verbs of the plot: those whose time a user waits for, and those that handle every article.
_DRAWN = (
    "search, newest first",
    "show",
    "status",
    "crawl, nothing new",
    "export .jsonl",
    "backup again",
    "remove one article",
)


@dataclass
class Results:
    """What was measured: by size the verbs, and the bytes of the index by part; and the peers."""

    sizes: dict[int, dict[str, Measure]] = field(default_factory=dict)
    parts: dict[int, dict[str, int]] = field(default_factory=dict)
    peers: list[Compared] = field(default_factory=list)

    @property
    def verbs(self) -> list[str]:
        """The verbs that were measured at any size, in their order."""
        return list(dict.fromkeys(name for found in self.sizes.values() for name in found))

    def as_json(self) -> str:
        """Return all figures."""
        values: dict[str, Any] = {
            "machine": machine(),
            "sizes": {
                str(size): {
                    "index_bytes": self.parts.get(size),
                    "verbs": {name: taken.values() for name, taken in found.items()},
                }
                for size, found in self.sizes.items()
            },
            "peers": [asdict(one) | {"ratio": one.ratio} for one in self.peers],
        }
        return json.dumps(values, indent=1, ensure_ascii=False) + "\n"

    def rows(self) -> list[list[str]]:
        """Return the table of times and memory, its head first."""
        head = ["verb", *(f"{size:,}" for size in self.sizes)]
        rows = [
            [name, *(_cell(found.get(name)) for found in self.sizes.values())]
            for name in self.verbs
        ]
        return [head, *rows]

    def size_rows(self) -> list[list[str]]:
        """Return the table of bytes an article, its head first; the smallest parts as one."""
        largest = self.parts[max(self.parts)]
        total = sum(largest.values())
        named = [part for part, size in largest.items() if size >= total / 200]
        rows = [[part, *(self._each(size, [part]) for size in self.sizes)] for part in named]
        others = [part for found in self.parts.values() for part in found if part not in named]
        rows.append(["others", *(self._each(size, set(others)) for size in self.sizes)])
        rows.append(["all", *(self._each(size, self.parts[size]) for size in self.sizes)])
        return [["part of the index", *(f"{size:,}" for size in self.sizes)], *rows]

    def _each(self, size: int, parts: Iterable[str]) -> str:
        found = self.parts[size]
        return f"{sum(found.get(part, 0) for part in parts) / size:,.0f}"

    def peer_rows(self) -> list[list[str]]:
        """Return the table of the comparisons, its head first."""
        head = ["work", "peer", "Sacho, CPU ms", "peer, CPU ms", "Sacho / peer"]
        return [
            head,
            *(
                [one.work, one.peer, f"{one.ours:.2f}", f"{one.theirs:.2f}", f"{one.ratio:.2f}"]
                for one in self.peers
            ),
        ]


def _cell(taken: Measure | None) -> str:
    """Return the middle and the longest time, or the rate of what is counted; CPU time, memory."""
    if taken is None:
        return _NONE
    memory = f"{taken.memory / 1024:,.0f} MiB"
    if taken.items >= 1000:
        by_cpu = f", {taken.items / taken.cpu:,.0f}/CPU s" if taken.cpu else ""
        return f"{taken.items / taken.p50:,.0f}/s{by_cpu}, {memory}"
    cpu = f", CPU {_time(taken.cpu)}" if taken.cpu else ""
    return f"{_time(taken.p50)} / {_time(taken.p95)}{cpu}, {memory}"


def _time(seconds: float) -> str:
    if seconds < 0.1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:,.0f} s"


def machine() -> str:
    """Return what was measured on: processors, Python, SQLite, the day and the commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPUs ({platform.machine()}), load {load} "
        f"at the end, CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
        f"{f', commit {commit}' if commit else ''}"
    )


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table of Markdown."""
    head, *others = rows
    lines = [head, ["---", *("---:" for _ in head[1:])], *others]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def printed(rows: Iterable[Sequence[str]]) -> str:
    """Return rows with their columns aligned, for a terminal."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def write_page(path: Path, results: Results, *, has_plot: bool) -> None:
    """Replace what stands between the marks of the page by the results."""
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{path} lacks the marks {BEGIN!r} and {END!r}")
    parts = [f"Measured: {machine()}.\n", markdown(results.rows())]
    if has_plot:
        parts.append("![Seconds by the number of articles](performance.svg)\n")
    parts += [
        "Bytes of the index for each article, after all of this:\n",
        markdown(results.size_rows()),
    ]
    if results.peers:
        parts += ["CPU time beside other tools, in the same run:\n", markdown(results.peer_rows())]
    path.write_text(f"{before}{BEGIN}\n\n" + "\n".join(parts) + f"\n{END}{after}", "utf-8")


def plot(path: Path, results: Results) -> bool:
    """Draw seconds over articles; return False if there is nothing to draw with."""
    try:
        from matplotlib import rcParams
        from matplotlib.figure import Figure
    except ImportError:
        return False
    rcParams["svg.hashsalt"] = "sacho"  # the same figures, the same file
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log")
    for name in _DRAWN:
        points = [(size, found[name].p95) for size, found in results.sizes.items() if name in found]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set_xlabel("articles in the index")
    axes.set_ylabel("seconds, 95th percentile")
    axes.grid(visible=True, which="major", alpha=0.4)
    axes.legend(fontsize="small")
    figure.savefig(path, format="svg", metadata={"Date": None})
    return True
