"""Read ``jobs.toml``: its jobs, or every mistake in it with its line."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings

from archive.model.files import read_regular
from crawler.cli.configuration.setting_values import check_values
from crawler.jobs.allowed_commands import check_words
from crawler.jobs.job import BACKOFF, RETRIES, TIME_LIMIT, Job
from crawler.jobs.schedule import ScheduleError, cron, duration, every
from crawler.model.crawl_arguments import parse_arguments
from crawler.model.outlet import Outlet, OutletError
from crawler.model.site import site_at
from crawler.outlets import broken_outlets, new_site, outlet_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    from crawler.jobs.schedule import Schedule

_KEYS = (
    "name",
    "outlet",
    "site",
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
#: A name is also the name of a log folder and a label of metrics.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_MOST_RETRIES = 20
_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_JOB_HEADER = re.compile(r"\s*\[\[\s*job\s*\]\]")
_KEY = re.compile(r"""\s*["']?([\w.-]+)["']?\s*=""")


class JobsFileError(Exception):
    """The jobs file is invalid; ``sentences`` name every mistake with its line."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


#: Bytes of a jobs file.
_LONGEST = 2**20


#: Values of a setting that turn it off.
_OFF = frozenset({"", "0", "False", "false"})


class _MistakeError(Exception):
    """A value is invalid; the message says why."""


def read_jobs(path: Path, *, pictures: bool = False) -> list[Job]:
    """Return the jobs of a file, in its order.

    ``pictures`` is whether crawls whose settings do not say so archive pictures: they then need
    the hosts of these.

    :raises JobsFileError: the file can't be read or is invalid, with all its mistakes.
    """
    try:
        # some editors write a byte order mark
        text = read_regular(path, _LONGEST, follow=True).decode("utf-8-sig")
    except FileNotFoundError as error:
        sentence = (
            f"{path} does not exist: copy jobs.example.toml, or name another file with JOBS_FILE."
        )
        raise JobsFileError([sentence]) from error
    except UnicodeDecodeError as error:
        raise JobsFileError([f"{path}: not UTF-8 text (byte {error.start})."]) from error
    except OSError as error:
        raise JobsFileError([f"{path} can't be read ({error.strerror})."]) from error
    return parse_jobs(text, str(path), pictures=pictures)


def known_jobs(path: Path) -> tuple[list[Job], list[str]]:
    """Return the jobs of a file, and what is invalid in it; neither if there is no file."""
    if not path.exists():
        return [], []
    try:
        return read_jobs(path), []
    except JobsFileError as error:
        return [], error.sentences


def parse_jobs(text: str, path: str = "jobs.toml", *, pictures: bool = False) -> list[Job]:
    """Return the jobs of a file's text, in its order; see `read_jobs`.

    :raises JobsFileError: the text is invalid, with all its mistakes.
    """
    tables = _tables(text, path)
    file = _File(path, text)
    for key in tables.keys() - {"job"}:
        file.mistake(file.top(key), f"there is no {key!r} here: only [[job]] tables")
    entries = tables.get("job", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise JobsFileError([*file.sentences(), f"{path}: each job begins with a line [[job]]."])
    jobs = [
        _JobTable(file, number, entry, pictures=pictures).job()
        for number, entry in enumerate(entries)
    ]
    _check_names(file, entries)
    if file.mistakes:
        raise JobsFileError(file.sentences())
    if not jobs:
        raise JobsFileError([f"{path}: it names no job; jobs.example.toml shows how."])
    return [job for job in jobs if job is not None]


def _tables(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number with too many digits for Python
        raise JobsFileError([f"{path}: not valid TOML: {error}."]) from error


def _check_names(file: _File, entries: list[dict[str, Any]]) -> None:
    """Report each job whose name another job before it has."""
    first: dict[str, int] = {}
    for number, entry in enumerate(entries):
        name = entry.get("name", entry.get("outlet", _name_of_site(entry.get("site"))))
        if not isinstance(name, str):
            continue
        known = first.setdefault(name.casefold(), number)
        if known != number:
            sentence = f"name: there is a job {name!r} already, in line {file.line(known, 'name')}"
            file.mistake(file.line(number, "name"), sentence)


class _File:
    """The line of each key, which tomllib does not report, and the mistakes found."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self.mistakes: list[tuple[int, str]] = []
        self._top: dict[str, int] = {}
        self._jobs: list[dict[str, int]] = []
        self._inside = self._top
        self._prefix = ""
        for number, line in enumerate(text.splitlines(), 1):
            header = _HEADER.match(line)
            key = _KEY.match(line)
            if header is not None:
                self._enter(header[1], number, is_job=_JOB_HEADER.match(line) is not None)
            elif key is not None:
                self._inside.setdefault(self._prefix + key[1], number)

    def _enter(self, name: str, number: int, *, is_job: bool) -> None:
        """Note the line of a table's header; the keys that follow belong to the table."""
        self._prefix = ""
        if is_job:
            self._jobs.append({"": number})
            self._inside = self._jobs[-1]
        elif name.startswith("job.") and self._jobs:
            self._prefix = name.removeprefix("job.") + "."
            self._jobs[-1].setdefault(self._prefix[:-1], number)
        else:
            self._inside = self._top
            self._inside.setdefault(name, number)

    def top(self, key: str) -> int:
        """Return the line of a key outside the jobs."""
        return self._top.get(key, 1)

    def line(self, job: int, key: str) -> int:
        """Return the line of a job's key, or the job's first line."""
        lines = self._jobs[job] if job < len(self._jobs) else {"": 1}
        return lines.get(key, lines[""])

    def mistake(self, line: int, sentence: str) -> None:
        """Note a mistake."""
        self.mistakes.append((line, f"{self._path}, line {line}: {sentence}."))

    def sentences(self) -> list[str]:
        """Return all mistakes, by line."""
        return [sentence for _, sentence in sorted(self.mistakes)]


class _JobTable:
    """One [[job]] table. Every value is read, so that all its mistakes are found."""

    def __init__(self, file: _File, number: int, table: dict[str, Any], *, pictures: bool) -> None:
        self._file, self._number, self._table = file, number, table
        self._pictures = pictures
        self._valid = True

    def job(self) -> Job | None:
        """Return the job; None if anything is wrong, which is noted."""
        for key in self._table.keys() - set(_KEYS):
            self._wrong(key, f"there is no {key!r}; a job has {', '.join(_KEYS)}")
        outlet = self._take("outlet", lambda text: _outlet(_text(text)), None)
        outlet = self._take("site", lambda text: new_site(_text(text)), outlet)
        outlet_name = "" if outlet is None else outlet.name
        verb, words = self._command(outlet)
        settings = self._take("settings", _settings, ())
        values = {
            "name": self._take("name", _name, _name_of(outlet_name)),
            "time_limit": self._take("time_limit", _duration, TIME_LIMIT),
            "retries": self._take("retries", _retries, RETRIES),
            "backoff": self._take("backoff", _duration, BACKOFF),
            "alert": self._take("alert", _yes_or_no, True),
        }
        schedule = self._schedule(outlet)
        if not {"name", "outlet", "site"} & self._table.keys():
            self._wrong("", "a job without an outlet needs a name")
        if not self._valid or schedule is None:
            return None
        pictures = self._wants_pictures(settings)
        return Job(
            verb=verb,
            words=words,
            schedule=schedule,
            outlet=outlet_name,
            hosts=() if outlet is None else outlet.hosts_asked(pictures=pictures),
            settings=settings,
            **values,
        )

    def _wants_pictures(self, settings: Sequence[tuple[str, str]]) -> bool:
        """Return whether the job's crawls archive pictures."""
        stated = dict(settings).get("ARCHIVE_IMAGES")
        return self._pictures if stated is None else stated not in _OFF

    def _command(self, outlet: Outlet | None) -> tuple[str, tuple[str, ...]]:
        """Return the command and its arguments."""
        has_command = "command" in self._table
        if len({"outlet", "site", "command"} & self._table.keys()) != 1:
            key = "command" if has_command else ""
            self._wrong(key, "a job has either an outlet, a site or a command")
            return "", ()
        if not has_command:
            words = self._take("arguments", lambda table: _crawl_arguments(table, outlet), ())
            if "site" in self._table:
                return "crawl", ("--site", str(self._table["site"]), *words)
            return "crawl", ("" if outlet is None else outlet.name, *words)
        if "arguments" in self._table:
            sentence = "arguments are an outlet's; write a command's into the command"
            self._wrong("arguments", sentence)
        found: tuple[str, tuple[str, ...]] = self._take("command", _words, ("", ()))
        return found

    def _schedule(self, outlet: Outlet | None) -> Schedule | None:
        """Return the table's schedule, else the outlet's."""
        if "every" in self._table and "cron" in self._table:
            self._wrong("cron", "a job has either every or cron")
            return None
        schedule: Schedule | None = None if outlet is None else cron(outlet.cron)
        schedule = self._take("every", lambda text: every(_text(text)), schedule)
        schedule = self._take("cron", lambda text: cron(_text(text)), schedule)
        if not {"outlet", "site", "every", "cron"} & self._table.keys():
            self._wrong("", 'say when: every = "1h", or cron = "7 * * * *" (Asia/Seoul)')
        return schedule

    def _take(self, key: str, read: Callable[[Any], Any], default: Any) -> Any:
        if key not in self._table:
            return default
        try:
            return read(self._table[key])
        except (ScheduleError, OutletError, ValueError, _MistakeError) as error:
            self._wrong(key, str(error))
            return default

    def _wrong(self, key: str, sentence: str) -> None:
        self._valid = False
        self._file.mistake(
            self._file.line(self._number, key), f"{key}: {sentence}" if key else sentence
        )


def _name_of(outlet: str) -> str:
    """Return the name of an outlet's job that states none; a site's has no colon."""
    return outlet.replace(":", "-")


def _name_of_site(value: Any) -> str | None:
    """Return the same of a site; None if the value is no address of one."""
    try:
        return _name_of(site_at(value).name) if isinstance(value, str) else None
    except OutletError:
        return None


def _outlet(name: str) -> Outlet:
    """Return the outlet of that name; one whose file is broken as far as its job needs it.

    The job's runs fail and say why, and those of the other outlets go on.

    :raises OutletError: there is none.
    """
    if name in broken_outlets():
        return Outlet(name=name, title="", hosts=(), articles=(), canonical="", layouts=())
    return outlet_named(name)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _MistakeError(f"{value!r} must be a string; write it in quotes")
    if "\0" in value:
        raise _MistakeError(f"{value!r}: no command line takes the character \\0")
    return value


def _words(value: Any) -> tuple[str, tuple[str, ...]]:
    return check_words(shlex.split(_text(value)))


def _crawl_arguments(value: Any, outlet: Outlet | None) -> tuple[str, ...]:
    """Return a table of a crawl's arguments as ``-a NAME=VALUE``."""
    pairs = [f"{name}={one}" for name, one in _pairs(value)]
    if outlet is not None:
        parse_arguments(pairs, outlet)
    words: list[str] = []
    for pair in pairs:
        words += ["-a", pair]
    return tuple(words)


def _name(value: Any) -> str:
    name = _text(value)
    if not _NAME.fullmatch(name):
        raise _MistakeError(
            f"{name!r} is not a valid name: letters a to z, digits, . _ and -, at most "
            "64, a letter or digit first"
        )
    return name


def _duration(value: Any) -> timedelta:
    return duration(_text(value))


def _retries(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_RETRIES:
        raise _MistakeError(f"{value!r} must be a number from 0 to {_MOST_RETRIES}")
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _MistakeError(f"{value!r} must be true or false")
    return value


def _settings(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = tuple(_pairs(value))
    try:
        check_values(BaseSettings(dict(pairs)))
    except UsageError as error:
        raise _MistakeError(str(error)) from error
    return pairs


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a table as text; ``"1"`` and ``"0"`` for true and false."""
    if not isinstance(value, dict):
        raise _MistakeError(f'{value!r} must be a table; write {{ NAME = "VALUE" }}')
    for name, one in value.items():
        if isinstance(one, dict | list):
            raise _MistakeError(f"{name} = {one!r}: only single values")
        text = str(int(one)) if isinstance(one, bool) else str(one)
        yield _text(name), _text(text)
