"""Print the figures of the source tree: sizes, complexity, typing, docstrings.

``python -m bench.figures [FOLDER …]`` prints one column a checkout, so that two states of the tree
can be compared: the first is usually this one, the second an older clone.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from radon.complexity import cc_visit
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("archive", "crawler", "pipelines")
#: A line longer than this counts as long; a block of higher complexity counts as complex.
LINE = 100
COMPLEXITY = 10

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass
class Figures:
    """What was counted in the packages of one checkout."""

    files: Counter[str] = field(default_factory=Counter)
    module_lines: list[int] = field(default_factory=list)
    function_lines: list[int] = field(default_factory=list)
    long_lines: int = 0
    complexities: list[int] = field(default_factory=list)
    conditionals: int = 0
    nested_conditionals: int = 0
    one_word_names: int = 0
    typed: int = 0
    documented: int = 0
    public: int = 0

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield each figure's name and its value as text."""
        lines = sum(self.module_lines)
        functions = len(self.function_lines)
        complex_blocks = sum(value > COMPLEXITY for value in self.complexities)
        widest, most = self.files.most_common(1)[0]
        yield "modules", str(len(self.module_lines))
        yield "lines", str(lines)
        yield "folders", str(len(self.files))
        yield "widest folder (modules)", f"{most} ({widest})"
        yield "median module (lines)", f"{median(self.module_lines):.0f}"
        yield "longest module (lines)", str(max(self.module_lines))
        yield "functions", str(functions)
        yield "median function (lines)", f"{median(self.function_lines):.0f}"
        yield "longest function (lines)", str(max(self.function_lines))
        yield "mean complexity", f"{sum(self.complexities) / len(self.complexities):.2f}"
        yield f"blocks over CC {COMPLEXITY}", str(complex_blocks)
        yield "  per 1,000 lines", f"{1000 * complex_blocks / lines:.2f}"
        yield "blocks over CC 20", str(sum(value > 20 for value in self.complexities))
        yield f"lines over {LINE} characters", f"{100 * self.long_lines / lines:.2f} %"
        yield "conditional expressions per 1,000 lines", f"{1000 * self.conditionals / lines:.1f}"
        yield "  nested in another", str(self.nested_conditionals)
        yield "one-word function names", f"{100 * self.one_word_names / functions:.0f} %"
        yield "functions fully typed", f"{100 * self.typed / functions:.1f} %"
        yield "public names with a docstring", f"{100 * self.documented / self.public:.1f} %"

    def add(self, path: Path, root: Path) -> None:
        """Count one module."""
        text = path.read_text("utf-8")
        if not text.strip():
            return
        tree = ast.parse(text)
        lines = text.splitlines()
        if path.name != "__init__.py":
            self.files[path.parent.relative_to(root).as_posix()] += 1
        self.module_lines.append(len(lines))
        self.long_lines += sum(len(line) > LINE for line in lines)
        self.complexities += [block.complexity for block in cc_visit(text)]
        for node in ast.walk(tree):
            self._add_node(node)

    def _add_node(self, node: ast.AST) -> None:
        if isinstance(node, ast.IfExp):
            self.conditionals += 1
            inner = (child for part in ast.iter_child_nodes(node) for child in ast.walk(part))
            self.nested_conditionals += any(isinstance(child, ast.IfExp) for child in inner)
        if isinstance(node, Function):
            self.function_lines.append((node.end_lineno or node.lineno) - node.lineno + 1)
            self.one_word_names += "_" not in node.name.strip("_")
            self.typed += is_typed(node)
        if isinstance(node, Definition) and not node.name.startswith("_"):
            self.public += 1
            self.documented += ast.get_docstring(node) is not None


def is_typed(function: Function) -> bool:
    """Whether the return and every parameter but ``self`` and ``cls`` carry an annotation."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    annotated = [one for one in [*named, *starred] if one.arg not in ("self", "cls")]
    return function.returns is not None and all(one.annotation for one in annotated)


def count(root: Path) -> Figures:
    """Return the figures of the packages below a checkout's top folder."""
    figures = Figures()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            figures.add(path, root)
    return figures


def main() -> int:
    """Print the table; 2 where a folder holds no packages of ours."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, default=[Path()], metavar="FOLDER")
    roots: list[Path] = parser.parse_args().folders
    for root in roots:
        if not all((root / package).is_dir() for package in PACKAGES):
            print(f"{root} is no checkout of Sacho: {', '.join(PACKAGES)} are expected in it")
            return 2
    columns = [dict(count(root).rows()) for root in roots]
    table = Table("figure", *(str(root) for root in roots))
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
