"""Write the generated parts of the documentation: ``python -m docs.generate``.

A page holds a part between ``<!-- generated: NAME -->`` and ``<!-- end -->``; all else on it is
written by hand. What the parts are made from is the code: the commands' parsers, the settings,
the tables of the index, the keys of the JSON objects, docstrings, and a run of the demo.
What no code says, the meaning of a column or key, is in ``meanings.toml``; a name without a meaning
there, and a meaning without a name, are errors.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.index.schema import DERIVED, metadata
from archive.model import outcome
from crawler.cli.verbs import each_verb, parser_of
from crawler.model import channels, layout, outlet
from crawler.model.outlet_facts import basis, basis_of_layout, rated
from crawler.outlets import known_outlets
from crawler.spider.void_settings import VOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.S)
#: Pages that are made while the documentation is built (hooks.py).
BUILT = ("outlets-known.md",)
#: The verbs of the demo whose output is shown.
_DEMO = (("replay", "seeds/etoday", "seeds/newspim"), ("search", "--limit", "1", "푸틴"))


def main() -> None:
    """Write every page whose generated parts are not current, and print its name."""
    for path in pages():
        old = path.read_text("utf-8")
        new = generated(old)
        if new != old:
            path.write_text(new, "utf-8")
            print(path.relative_to(ROOT))


def pages() -> list[Path]:
    """Return the pages that may have generated parts."""
    return [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def generated(text: str) -> str:
    """Return a page with its generated parts replaced by current ones.

    :raises KeyError: a part has no function here, or a name has no meaning.
    """
    return _PART.sub(lambda part: f"{part[1]}\n{_part(part[2])}\n\n{part[3]}", text)


@cache
def _part(name: str) -> str:
    return _PARTS[name]().strip("\n")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    """Return a text as a table's cell takes it: one line, without markup of our docstrings."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


def _layers() -> str:
    """Return the layers that import-linter's contracts state, crawler and archive side by side."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    columns = [
        [contract["containers"][0], *(layer.replace(" |", ",") for layer in contract["layers"])]
        for contract in contracts
        if "containers" in contract and contract["type"] == "layers"
    ]
    crawler, archive = sorted(columns, key=lambda column: column[0], reverse=True)
    lines = [
        f"{left:<30}{right}".rstrip() for left, right in zip_longest(crawler, archive, fillvalue="")
    ]
    lines.insert(1, "-" * 24 + " " * 6 + "-" * 24)
    return "\n".join(["```text", *lines, "```"])


def _packages() -> str:
    rows = []
    for top in ("archive", "pipelines", "crawler"):
        folders = [path.parent for path in sorted((ROOT / top).rglob("__init__.py"))]
        for folder in folders:
            text = (folder / "__init__.py").read_text("utf-8")
            purpose = ast.get_docstring(ast.parse(text)) or ""
            name = _code(folder.relative_to(ROOT).as_posix())
            rows.append((name, _cell(purpose.partition("\n\n")[0])))
    return _table(("package", "purpose"), rows)


def known_outlets_page() -> str:
    """Return the page of the outlets that are known; it is made when the documentation is built.

    No copy is kept, so that an outlet is added by its file and its fixtures alone.
    """
    parts = [_KNOWN.format(count=len(known_outlets()))]
    parts += [_outlet_part(value) for value in known_outlets().values()]
    return "\n\n".join(parts) + "\n"


_KNOWN = """# Outlets we know

{count} outlets. **Seen on real pages** says on how many saved pages of the outlet its layout was
checked, and of which days; **facts only** that no page of it was at hand, and that its layout
rests on what others found. Each fact is rated. A: two or more independent sources, one of them
recent. B: one good source or several older ones. C: one old or weak source, or an inference.
`sacho list --long` prints the same."""


def _outlet_part(value: outlet.Outlet) -> str:
    parts = [f"## {value.name}", f"{value.title}, `{value.hosts[0]}`: **{basis(value)}**."]
    rows = [(f"`{one.name}`", _use(one), basis_of_layout(one), rated(one)) for one in value.layouts]
    parts.append(_table(("layout", "in use", "checked", "fields"), rows))
    channels = [
        (f"`{one.name}`", one.confidence, ", ".join(map(_source, one.sources)) or "ids")
        for one in value.channels
    ]
    if channels:
        parts.append(_table(("channel", "confidence", "sources"), channels))
    else:
        parts.append("No channel is known.")
    if value.unknown:
        parts.append(f"Not known: {', '.join(value.unknown)}.")
    return "\n\n".join(parts)


def _use(value: layout.Layout) -> str:
    return f"{value.since or ''} to {value.until or ''}" if value.since or value.until else ""


def _source(value: channels.Source) -> str:
    return f"{type(value).__name__} `{value.url}`"


def _fields_of(*classes: type) -> str:
    parts = []
    for value in classes:
        parts.append(f"### {value.__name__}\n\n{_prose(value)}")
        fields = dataclasses.fields(value)
        rows = [(_code(field.name), _code(_type(field.type)), _default(field)) for field in fields]
        parts.append(_table(("field", "type", "default"), rows))
    return "\n\n".join(parts)


def _prose(value: Any) -> str:
    return (inspect.getdoc(value) or "").replace("``", "`").replace("<", "&lt;")


def _type(annotation: Any) -> str:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return str(name).replace("|", "\\|")


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return _code(repr(field.default))
    if field.default_factory is not dataclasses.MISSING:
        return _code(f"{getattr(field.default_factory, '__name__', '')}()")
    return "required"


def _verbs() -> str:
    rows = [(f"[`{name}`](#{name})", _cell(verb.short_desc())) for name, verb in each_verb()]
    sections = [_verb(name, verb) for name, verb in each_verb()]
    return "\n\n".join([_table(("verb", "what it does"), rows), *sections])


def _verb(name: str, command: Any) -> str:
    parser = parser_of(name, command)
    own = [action for action in _actions(parser) if action.dest != "help"]
    text = command.long_desc()
    prose, _, example = text.partition("Example")
    parts = [f"## {name}", f"    sacho {name} {command.syntax()}".rstrip(), prose.strip()]
    if example:
        how, _, line = example.partition(":")
        parts.append(f"Example{how}: `{line.strip()}`")
    if own:
        rows = [(_option(action), _cell(_help(action))) for action in own]
        parts.append(_table(("option", "meaning"), rows))
    return "\n\n".join(parts).replace("scrapy ", "sacho ")


def _actions(parser: Any) -> Iterator[Any]:
    """Yield a verb's own options; those that all verbs have are described once."""
    for group in parser._action_groups:  # argparse has no public list of them
        if group.title != "Global Options":
            yield from group._group_actions


def _option(action: Any) -> str:
    value = action.metavar or "|".join(action.choices or ()) or action.dest.upper()
    takes = "" if action.nargs == 0 else f" {value}"
    return ", ".join(f"`{name}{takes}`" for name in action.option_strings).replace("|", "\\|")


def _help(action: Any) -> str:
    # The number of processes is that of the cores of the machine that this runs on.
    default = "N" if action.dest == "processes" else str(action.default)
    return (action.help or "").replace("%(default)s", default).replace("%%", "%")


def _settings() -> str:
    defaults = _setting_defaults()
    known = _meanings()["settings"]
    _meant("settings", [name for name in defaults if name in known])
    rows = [
        (_code(name), default, known[name]) for name, default in defaults.items() if name in known
    ]
    return _table(("setting", "default", "meaning"), rows)


def _internal_settings() -> str:
    names = [name for name in _setting_defaults() if name not in _meanings()["settings"]]
    return ", ".join(map(_code, names))


def _void_settings() -> str:
    return _table(
        ("setting", "why it has no effect"),
        [(_code(name), one.why) for name, one in VOID.items()],
    )


@cache
def _setting_defaults() -> dict[str, str]:
    source = (ROOT / "crawler" / "settings.py").read_text("utf-8")
    assigned = (_assigned(node) for node in ast.parse(source).body)
    return {name: _default_of(value) for name, value in assigned if name}


def _assigned(node: ast.stmt) -> tuple[str, ast.expr | None]:
    target: ast.expr | None = None
    value: ast.expr | None = None
    if isinstance(node, ast.Assign):
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign):
        target, value = node.target, node.value
    if isinstance(target, ast.Name) and target.id.isupper() and not target.id.startswith("_"):
        return target.id, value
    return "", None


def _default_of(value: ast.expr | None) -> str:
    """Return a default as the table shows it; where the environment is read, the variable too."""
    source = ast.unparse(value) if value is not None else ""
    variable = re.search(r"os\.environ\.get\('(\w+)'", source)
    if variable:
        place = next((name for word, name in _PLACES.items() if word in source), "empty")
        return f"{place}; environment variable `{variable[1]}`"
    if source.startswith(("{", "[")) and len(source) > 40:
        return "see the file"
    if "VERSION" in source:
        return "`Sacho/VERSION (+CONTACT)`"
    return _code(source.replace("|", "\\|"))


#: Defaults in the data folder, by what stands in the expression.
_PLACES = {
    "default_archive_url()": "`archive` in the data folder",
    "default_index_url()": "`index.sqlite3` in the data folder",
    "_DATA / 'log'": "`log` in the data folder",
    "jobs_file()": "`jobs.toml` in the data folder",
    "not in ('', '0')": "off",
}


@cache
def _meanings() -> dict[str, dict[str, str]]:
    return tomllib.loads((DOCS / "meanings.toml").read_text("utf-8"))


def _meant(group: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return each name with its meaning.

    :raises KeyError: a name has none, or a meaning is of no name.
    """
    known = _meanings()[group]
    given = list(names)
    lacking = [name for name in given if name not in known]
    left_over = [name for name in known if name not in given and name != "_"]
    if lacking or left_over:
        raise KeyError(
            f"docs/meanings.toml [{group}]: lacks {lacking}, has without use {left_over}"
        )
    return [(name, known[name]) for name in given]


def _keys(group: str, names: Iterable[str]) -> str:
    rows = [(_code(name), meaning) for name, meaning in _meant(group, names)]
    return _table(("key", "meaning"), rows)


def _export_keys() -> str:
    return _keys("export", _demo().article)


def _event_keys() -> str:
    return _keys("event", _literal_keys(ROOT / "archive/export/events.py", "event_values"))


def _object_keys(group: str, module: str) -> str:
    """Return a table of keys for each JSON object that a module makes."""
    parts = []
    for name, function in _meanings()[f"{group}-objects"].items():
        keys = _literal_keys(ROOT / module, function)
        title = name.replace("-", " ").capitalize()
        parts.append(f"### {title}\n\n{_keys(f'{group}-{name}', keys)}")
    return "\n\n".join(parts)


def _literal_keys(path: Path, function: str) -> list[str]:
    """Return the keys of the dict that a function returns, those of a nested literal as ``a.b``."""
    tree = ast.parse(path.read_text("utf-8"))
    (found,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    returned = [node.value for node in ast.walk(found) if isinstance(node, ast.Return)]
    literal = next(value for value in reversed(returned) if isinstance(value, ast.Dict))
    return list(_nested(literal, ""))


def _nested(literal: ast.Dict, above: str) -> Iterator[str]:
    for key, value in zip(literal.keys, literal.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            continue
        name = above + key.value
        yield name
        if isinstance(value, ast.Dict):
            yield from _nested(value, f"{name}.")


def _metrics() -> str:
    tree = ast.parse((ROOT / "crawler" / "status" / "prometheus.py").read_text("utf-8"))
    rows = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_gauge(node):
            name, meaning = (ast.literal_eval(argument) for argument in node.args[:2])
            rows.append((node.lineno, _code(f"sacho_{name}"), _labels(node), f"{meaning}."))
    return _table(("metric", "labels", "meaning"), [row[1:] for row in sorted(rows)])


def _is_gauge(call: ast.Call) -> bool:
    named = isinstance(call.func, ast.Attribute) and call.func.attr == "set"
    texts = [
        isinstance(word, ast.Constant) and isinstance(word.value, str) for word in call.args[:2]
    ]
    return named and len(texts) == 2 and all(texts)


def _labels(call: ast.Call) -> str:
    names = [word.arg for word in call.keywords if word.arg]
    if not names and call.keywords:  # **labels
        names = list(_meanings()["metric-labels"][ast.literal_eval(call.args[0])].split())
    return ", ".join(map(_code, names))


def _schema() -> str:
    parts = []
    for table in metadata.sorted_tables:
        kind = "from the archive" if table in DERIVED else "the index's own memory"
        columns = [column.name for column in table.columns]
        meanings = dict(_meant(table.name, columns))
        rows = [
            (_code(column.name), _column_type(column), meanings[column.name])
            for column in table.columns
        ]
        parts.append(f"### {table.name}\n\n{_meanings()[table.name]['_']} ({kind})")
        parts.append(_table(("column", "type", "meaning"), rows))
    return "\n\n".join(parts)


def _column_type(column: Any) -> str:
    name = type(column.type).__name__.lower()
    key = ", key" if column.primary_key else ""
    to = "".join(f", → {key.target_fullname}" for key in column.foreign_keys)
    return f"{name}{' or null' if column.nullable else ''}{key}{to}"


def _reasons() -> str:
    """Return the reasons by the comments that group them in their class."""
    source = inspect.getsource(outcome.Reason)
    groups: list[tuple[str, list[str]]] = []
    for line in source.splitlines():
        text = line.strip()
        if text.startswith("# "):
            groups.append((text[2:], []))
        elif " = " in text and groups:
            groups[-1][1].append(text.partition(" = ")[2].strip('"'))
    rows = [(meaning, ", ".join(map(_code, names))) for meaning, names in groups]
    return _table(("outcome", "reasons"), rows)


@dataclasses.dataclass(frozen=True)
class _Demo:
    """What the demo printed, and one article as the export gives it."""

    printed: str
    article: dict[str, Any]


@cache
def _demo() -> _Demo:
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "SACHO_HOME": home,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
        }

        def sacho(*words: str) -> str:
            command = [sys.executable, "-m", "crawler", *words]
            done = subprocess.run(  # noqa: S603  (our own command)
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
            )
            return done.stdout

        parts = [f"$ sacho {' '.join(words)}\n{sacho(*words)}" for words in _DEMO]
        export = Path(home) / "articles.jsonl"
        sacho("export", str(export))
        lines = export.read_text("utf-8").splitlines()
    articles = [json.loads(line) for line in lines]
    article = next(one for one in articles if one["authors"] and "푸틴" in one["headline"])
    return _Demo("\n".join(part.rstrip() for part in parts), article)


def _demo_output() -> str:
    return f"```text\n{_demo().printed}\n```"


def _article() -> str:
    short = {name: _shortened(value) for name, value in _demo().article.items() if value}
    chosen = {name: short[name] for name in _SHOWN if name in short}
    # These differ from run to run.
    chosen["warc"] = {"file": "sacho-….warc.gz", "offset": 46040, "length": 3454}
    return f"```json\n{json.dumps(chosen, ensure_ascii=False, indent=2)}\n```"


_SHOWN = (
    "outlet",
    "article_id",
    "headline",
    "authors",
    "published_at",
    "body",
    "revision",
    "status",
)


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 70:
        return f"{value[:60].strip()} …".replace("\n\n", " ")
    if isinstance(value, list):
        return [_shortened(one) for one in value[:1]]
    if isinstance(value, dict):
        return {name: _shortened(one) for name, one in value.items()}
    return value


_PARTS: dict[str, Callable[[], str]] = {
    "article": _article,
    "article-keys": lambda: _object_keys("article", "archive/export/article_json.py"),
    "channel-fields": lambda: _fields_of(
        channels.Channel,
        channels.Feed,
        channels.Sitemap,
        channels.ListPage,
        channels.RisingIds,
        channels.DailyIds,
    ),
    "demo": _demo_output,
    "dry-run-keys": lambda: _object_keys("dry-run", "crawler/offline/dry_run_report.py"),
    "event-keys": _event_keys,
    "export-keys": _export_keys,
    "layers": _layers,
    "layout-fields": lambda: _fields_of(
        outlet.Outlet, layout.Layout, layout.Figure, layout.TextForm
    ),
    "metrics": _metrics,
    "packages": _packages,
    "reasons": _reasons,
    "schema": _schema,
    "internal-settings": _internal_settings,
    "void-settings": _void_settings,
    "settings": _settings,
    "status-keys": lambda: _object_keys("status", "crawler/status/json_report.py"),
    "verbs": _verbs,
    "verify-keys": lambda: _object_keys("verify", "crawler/cli/output/findings.py"),
}

if __name__ == "__main__":
    main()
