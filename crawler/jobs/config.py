"""``jobs.toml``: the jobs as data, or all that is wrong with it, each with its line."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import TYPE_CHECKING, Any

from crawler.jobs.allowed_commands import check_words
from crawler.jobs.job import BACKOFF, RETRIES, TIME_LIMIT, Job
from crawler.jobs.schedule import ScheduleError, cron, duration, every
from crawler.model.crawl_arguments import checked
from crawler.model.outlet import OutletError
from crawler.outlets import outlet_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from pathlib import Path

    from crawler.jobs.schedule import Schedule
    from crawler.model.outlet import Outlet

_KEYS = (
    "name",
    "outlet",
    "command",
    "every",
    "cron",
    "arguments",
    "settings",
    "time_limit",
    "retries",
    "backoff",
    "alert",
)
#: A name is a folder of logs, a label of metrics and a word on a terminal.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_MOST_RETRIES = 20


class JobsFileError(Exception):
    """The jobs can't be used; ``sentences`` name every mistake with its line."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class _MistakeError(Exception):
    """A value that can't be; the message says why."""


def read_jobs(path: Path) -> list[Job]:
    """The jobs of a file, in its order.

    :raises JobsFileError: it can't be read, or anything in it is wrong: then all of that.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors put a mark before it
    except FileNotFoundError as error:
        sentence = (
            f"{path} is not there: copy jobs.example.toml, or name another file with JOBS_FILE."
        )
        raise JobsFileError([sentence]) from error
    except UnicodeDecodeError as error:
        raise JobsFileError([f"{path}: it is not UTF-8 text (byte {error.start})."]) from error
    except OSError as error:
        raise JobsFileError([f"{path} can't be read ({error.strerror})."]) from error
    return parse_jobs(text, str(path))


def parse_jobs(text: str, path: str = "jobs.toml") -> list[Job]:
    """The jobs that a file's text tells.

    :raises JobsFileError: anything in it is wrong: then all of that.
    """
    try:
        table = tomllib.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # TOMLDecodeError is one; a number too long for Python another
        raise JobsFileError([f"{path}: it is no TOML: {error}."]) from error
    file = _File(path, text)
    for key in table.keys() - {"job"}:
        file.mistake(file.top(key), f"there is no {key!r} here: only [[job]] tables")
    entries = table.get("job", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise JobsFileError(
            [*(said for _, said in file.mistakes), f"{path}: each job begins with a line [[job]]."]
        )
    jobs = [
        job for n, entry in enumerate(entries) if (job := _Entry(file, n, entry).job()) is not None
    ]
    names: dict[str, int] = {}
    for n, entry in enumerate(entries):
        name = entry.get("name", entry.get("outlet"))
        if isinstance(name, str) and names.setdefault(name.casefold(), n) != n:
            first = file.line(names[name.casefold()], "name")
            file.mistake(
                file.line(n, "name"), f"name: there is a job {name!r} already, in line {first}"
            )
    if file.mistakes:
        raise JobsFileError([sentence for _, sentence in sorted(file.mistakes)])
    if not jobs:
        raise JobsFileError([f"{path}: it names no job; jobs.example.toml shows how."])
    return jobs


class _File:
    """Where the keys of each job stand, which the parser does not tell."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self.mistakes: list[tuple[int, str]] = []
        self._top: dict[str, int] = {}
        self._jobs: list[dict[str, int]] = []
        inside = self._top
        prefix = ""
        for number, line in enumerate(text.splitlines(), 1):
            header = re.match(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$", line)
            if header is not None:
                name, prefix = header[1], ""
                if re.match(r"\s*\[\[\s*job\s*\]\]", line):
                    self._jobs.append({"": number})
                    inside = self._jobs[-1]
                elif name.startswith("job.") and self._jobs:
                    prefix = name.removeprefix("job.") + "."
                    self._jobs[-1].setdefault(prefix[:-1], number)
                else:
                    inside = self._top
                    inside.setdefault(name, number)
                continue
            key = re.match(r"""\s*["']?([\w.-]+)["']?\s*=""", line)
            if key is not None:
                inside.setdefault(prefix + key[1], number)

    def top(self, key: str) -> int:
        """The line of a key outside the jobs."""
        return self._top.get(key, 1)

    def line(self, job: int, key: str) -> int:
        """The line of a job's key, or its first."""
        lines = self._jobs[job] if job < len(self._jobs) else {"": 1}
        return lines.get(key, lines[""])

    def mistake(self, line: int, sentence: str) -> None:
        """Note a mistake."""
        self.mistakes.append((line, f"{self._path}, line {line}: {sentence}."))


class _Entry:
    """One [[job]], read value by value, so that one mistake hides no other."""

    def __init__(self, file: _File, number: int, entry: dict[str, Any]) -> None:
        self._file, self._number, self._entry = file, number, entry
        self._sound = True

    def job(self) -> Job | None:
        """The job; None where anything was wrong, which is noted."""
        for key in self._entry.keys() - set(_KEYS):
            self._wrong(key, f"there is no {key!r}; a job has {', '.join(_KEYS)}")
        outlet = self._take("outlet", lambda text: outlet_named(_text(text)), None)
        verb, words = self._command(outlet)
        settings = self._take("settings", lambda table: tuple(_pairs(table)), ())
        job = {
            "name": self._take("name", _name, outlet.name if outlet is not None else ""),
            "time_limit": self._take("time_limit", _duration, TIME_LIMIT),
            "retries": self._take("retries", _retries, RETRIES),
            "backoff": self._take("backoff", _duration, BACKOFF),
            "alert": self._take("alert", _yes_or_no, True),
        }
        schedule = self._rhythm(outlet)
        if not {"name", "outlet"} & self._entry.keys():
            self._wrong("", "a job without an outlet needs a name")
        if not self._sound or schedule is None:
            return None
        name = outlet.name if outlet is not None else ""
        return Job(verb=verb, words=words, schedule=schedule, outlet=name, settings=settings, **job)

    def _command(self, outlet: Outlet | None) -> tuple[str, tuple[str, ...]]:
        """The verb and its words."""
        if ("outlet" in self._entry) == ("command" in self._entry):
            self._wrong(
                "command" if "command" in self._entry else "",
                "a job has either an outlet or a command",
            )
            return "", ()
        if "command" in self._entry:
            if "arguments" in self._entry:
                self._wrong(
                    "arguments", "arguments are an outlet's; write a command's into the command"
                )
            found: tuple[str, tuple[str, ...]] = self._take("command", _words, ("", ()))
            return found

        def arguments(table: Any) -> tuple[str, ...]:
            pairs = [f"{name}={value}" for name, value in _pairs(table)]
            if outlet is not None:
                checked(pairs, outlet)
            return tuple(word for pair in pairs for word in ("-a", pair))

        words = self._take("arguments", arguments, ())
        return "crawl", (outlet.name if outlet is not None else "", *words)

    def _rhythm(self, outlet: Outlet | None) -> Schedule | None:
        """When it falls due: as it says, else as its outlet does."""
        if "every" in self._entry and "cron" in self._entry:
            self._wrong("cron", "a job has either every or cron")
            return None
        schedule: Schedule | None = cron(outlet.cron) if outlet is not None else None
        schedule = self._take("every", lambda text: every(_text(text)), schedule)
        schedule = self._take("cron", lambda text: cron(_text(text)), schedule)
        if not {"outlet", "every", "cron"} & self._entry.keys():
            self._wrong("", 'say when: every = "1h", or cron = "7 * * * *" (Asia/Seoul)')
        return schedule

    def _take(self, key: str, read: Callable[[Any], Any], default: Any) -> Any:
        if key not in self._entry:
            return default
        try:
            return read(self._entry[key])
        except (ScheduleError, OutletError, ValueError, _MistakeError) as error:
            self._wrong(key, str(error))
            return default

    def _wrong(self, key: str, sentence: str) -> None:
        self._sound = False
        self._file.mistake(
            self._file.line(self._number, key), f"{key}: {sentence}" if key else sentence
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _MistakeError(f"{value!r} is no text; write it in quotes")
    if "\0" in value:
        raise _MistakeError(f"{value!r}: no command line takes the character \\0")
    return value


def _words(value: Any) -> tuple[str, tuple[str, ...]]:
    return check_words(shlex.split(_text(value)))


def _name(value: Any) -> str:
    name = _text(value)
    if not _NAME.fullmatch(name):
        raise _MistakeError(
            f"{name!r} is no name: letters, digits, . _ and -, at most 64, a letter or digit first"
        )
    return name


def _duration(value: Any) -> timedelta:
    return duration(_text(value))


def _retries(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_RETRIES:
        raise _MistakeError(f"{value!r} is no number from 0 to {_MOST_RETRIES}")
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _MistakeError(f"{value!r} is neither true nor false")
    return value


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        raise _MistakeError(f'{value!r} is no table; write {{ NAME = "VALUE" }}')
    for name, one in value.items():
        if isinstance(one, dict | list):
            raise _MistakeError(f"{name} = {one!r}: only single values")
        yield (
            _text(name),
            {True: "1", False: "0"}[one] if isinstance(one, bool) else _text(str(one)),
        )
