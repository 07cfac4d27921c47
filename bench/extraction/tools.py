"""The other tools: what each is, its environment, and its process."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import venv
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.extraction.measures import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.extraction.cases import Case

_FOLDER = Path(__file__).parent
_SCRIPT = _FOLDER / "tool_process.py"
_REQUIREMENTS = _FOLDER / "requirements"
#: Seconds for a package to install, and for a page to be read.
_INSTALLING, _READING = 1200, 60


class ToolError(Exception):
    """A tool cannot be installed or run; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name, which is its package's, and how it is used.

    ``by_outlet`` is whether it knows single outlets, as we do, and is not generic.
    """

    name: str
    use: str
    by_outlet: bool = False

    @property
    def requirements(self) -> Path:
        """The file that pins the version of it and of each package that it needs."""
        return _REQUIREMENTS / f"{self.name}.txt"

    @property
    def version(self) -> str:
        """The version that is pinned."""
        lines = self.requirements.read_text("utf-8").lower().split()
        return dict(line.split("==") for line in lines)[self.name]


TOOLS = (
    Tool(
        "trafilatura",
        "`bare_extraction` with metadata, without comments; its description is taken for the deck",
    ),
    Tool(
        "newspaper4k",
        "language `ko`; its Korean words are split without NLTK's data, which it would download; "
        "its description is taken for the deck",
    ),
    Tool("readability-lxml", "`short_title` and the lines of `summary`"),
    Tool(
        "news-please",
        "`NewsPlease.from_html`; it asks newspaper4k, whose Korean words are split as above; its "
        "description is taken for the deck",
    ),
    Tool("justext", "its Korean stop words, all else as it comes"),
    Tool("goose3", "its Korean stop words; its description is taken for the deck"),
    Tool("resiliparse", "`extract_plain_text` with `main_content`, and the page's title"),
    Tool(
        "fundus",
        "the parsers of its Korean publishers, whichever version reads the page, on their pages alone",
        by_outlet=True,
    ),
)


class ToolProcess:
    """A tool in a process of its own, which reads one page after another."""

    def __init__(self, tool: Tool, python: Path) -> None:
        self.tool = tool
        self._nothing = Reading()
        self._command = [str(python), str(_SCRIPT), tool.name]
        self._start()

    def _start(self) -> None:
        """Start the process.

        :raises ToolError: it does not say that it is ready.
        """
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=_pump, args=(self._process, self._lines))
        self._reader.start()
        if self._answer() is None:
            self.close()
            raise ToolError(f"{self.tool.name} does not start: {self._why()}")

    def _why(self) -> str:
        """Return the last line of what it complains of, where it is started and asked nothing."""
        done = subprocess.run(
            self._command, input="", capture_output=True, text=True, timeout=_READING, check=False
        )
        return (done.stderr.strip() or f"it exits {done.returncode}").splitlines()[-1]

    def read(self, case: Case) -> Reading | None:
        """Return what the tool reads on a page, nothing if it fails; None if it reads no such page.

        A process that takes too long, or dies, is replaced. Nothing has the fields of the page that
        it read last: where it fails, they are wrong.
        """
        assert self._process.stdin is not None, "it is a pipe"
        asked = json.dumps({"url": case.url, "html": case.html})
        try:
            print(asked, file=self._process.stdin, flush=True)
            found = self._answer()
        except BrokenPipeError:
            found = None
        if found is None:
            self.close()
            self._start()
            return self._nothing
        if "unsupported" in found:
            return None
        if "error" in found:
            return self._nothing
        reading = _reading(found)
        self._nothing = _without_values(reading)
        return reading

    def _answer(self) -> dict[str, Any] | None:
        """Return the next line that it writes; None if it takes too long or ends."""
        try:
            line = self._lines.get(timeout=_READING)
        except queue.Empty:
            return None
        return cast("dict[str, Any]", json.loads(line)) if line else None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None, "it is a pipe"
            with suppress(BrokenPipeError):  # what was not taken any more
                stream.close()


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    """Pass on each line that a process writes, and an empty one at its end."""
    assert process.stdout is not None, "it is a pipe"
    for line in process.stdout:
        lines.put(line)
    lines.put("")


def _reading(found: dict[str, Any]) -> Reading:
    for name in ("body", "deck", "authors", "captions"):
        if name in found:
            found[name] = tuple(found[name])
    return Reading(**found)


def _without_values(reading: Reading) -> Reading:
    """Return a reading of the same fields, with nothing in them."""
    values = {each.name: getattr(reading, each.name) for each in fields(reading)}
    return Reading(
        **{name: value if value is None else type(value)() for name, value in values.items()}
    )


def prepare(tool: Tool, folder: Path) -> ToolProcess:
    """Return a process of a tool, whose packages are installed into a folder if need be.

    :raises ToolError: they cannot be installed, or it does not start.
    """
    place = folder / tool.name
    python = place / "bin" / "python"
    marker = place / "installed.txt"
    wanted = tool.requirements.read_text("utf-8")
    if not marker.exists() or marker.read_text("utf-8") != wanted:
        print(f"installing {tool.name} {tool.version} into {place}", file=sys.stderr, flush=True)
        venv.create(place, with_pip=True, clear=True)
        _install(tool, python)
        marker.write_text(wanted, "utf-8")
    return ToolProcess(tool, python)


def _install(tool: Tool, python: Path) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--requirement", str(tool.requirements)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALLING, check=False
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"{tool.name} takes longer than {_INSTALLING} s to install") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise ToolError(f"{tool.name} cannot be installed: {(errors or ['pip fails'])[-1]}")


def prepared(
    folder: Path, names: tuple[str, ...]
) -> Iterator[tuple[Tool, ToolProcess | ToolError]]:
    """Yield each tool with its process, or with why there is none."""
    for tool in TOOLS:
        if tool.name not in names:
            continue
        try:
            process = prepare(tool, folder)
        except ToolError as error:
            yield tool, error
            continue
        try:
            yield tool, process
        finally:
            process.close()
