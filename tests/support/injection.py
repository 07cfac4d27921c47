"""Strings that a terminal, a table or a reader obeys, put where strangers write (F17).

They are then looked for wherever we print: in what verbs say, logs, exports, metrics and alarms.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import threading
import unicodedata
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from archive.index.database import Index
from archive.runs.alarms import AlarmKind, Cause, raise_alarm
from tests.support.archives.foreign_archives import date, packed, rec
from tests.support.crawling.crawls import SETTLED, Crawls, site_of_today
from tests.support.documents import SEEDS

if TYPE_CHECKING:
    from asyncio import StreamWriter
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.mock_site.routes import Script
    from tests.support.processes.cli import CommandResult, Workspace

#: What is put in, by name.
STRINGS = {
    "title": "\x1b]0;owned\x07",
    "clear": "\x1b[2J",
    "link": "\x1b]8;;http://evil.example\x1b\\",
    "c1": "\x9b31m",
    "nul": "\x00",
    "backspace": "\x08\x08\x08",
    "delete": "\x7f",
    "override": "\u202eevil",
    "isolate": "\u2066evil\u2069",
    "mark": "\u200f\u061c",
    "tag": "\U000e0041\U000e0042\U000e007f",
    "surrogate": "\ud800",
    "newline": "a\nsacho: error: made up",
    "return": "a\rsacho: error: made up",
    "separator": "\u2028\u2029\x85",
    "bom": "\ufeff",
    "private": "\ue000\U0010fffd",
    "formula": "=HYPERLINK(1)",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(1)",
    "tab": "\t=1+1",
    "markup": "[red]evil[/red][link=http://evil.example]",
    "script": "<script>evil()</script>",
    "quote": '"},{"evil":"1"}\\',
    "percent": "%s%n%(name)s{0}",
    "metric": '"} 1\nevil 1\n{x="',
}
#: What no file and no message may hold.
SECRET = "CanarySecret0451"
#: Where strings go in.
PLACES = ("headline", "byline", "section", "caption", "address", "header", "file name", "software", "job name")  # fmt: skip
_PAGE = (SEEDS / "etoday" / "own-desktop-2020.html").read_text("utf-8")
_HEADLINE = "달빛마을도서관 '기록의 날'…주민 손글씨 3200쪽, 한자리에 모였다"
_HTTP = {"Content_Type": "application/http; msgtype=response"}
_ASKING = {"Content_Type": "application/http; msgtype=request"}
_INJECTED = re.compile(SECRET.encode() + rb"|[\r\n](?:sacho: error|evil)")
_HARMLESS = frozenset("\n\t\u200c\u200d")


@dataclass
class Injection:
    """A folder with an archive that was filled with strings of ``names``, and what was printed."""

    workspace: Workspace
    names: tuple[str, ...]
    run: Callable[..., CommandResult]
    said: dict[str, CommandResult] = field(default_factory=dict)
    #: Requests of a crawl that hold the secret of a response or a line that was put into an address,
    #: and what became of each article.
    sent: list[bytes] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)
    #: The alarms that were posted.
    alarms: list[bytes] = field(default_factory=list)

    def fill(self) -> None:
        """Replay pages, saved and in a web archive, that hold the strings."""
        folder = self.workspace.folder / "saved"
        folder.mkdir()
        for number, name in enumerate(self.names):
            self._save_page(folder, number, STRINGS[name])
        archive = self.workspace.folder / "made.warc.gz"
        archive.write_bytes(packed(*self._records()))
        self._say("replay", "replay", folder, archive)
        self._write_jobs()

    def speak(self) -> None:
        """Run every verb that prints or writes what was put in."""
        ids = [row["article_id"] for row in self.workspace.rows("articles")]
        folder = self.workspace.folder
        for article_id in ids:
            self._say("show", "show", f"etoday/{article_id}")
        self._say("show", "show", "etoday")
        self._say("search", "search", "달빛마을도서관")
        self._say("list", "list")
        for ending in ("jsonl", "csv", "cdxj", "wacz"):
            self._say("export", "export", folder / f"all.{ending}")
        jobs = ("-s", f"JOBS_FILE={folder / 'jobs.toml'}")
        metrics = ("-s", f"METRICS_FILE={folder / 'metrics.prom'}")
        logs = ("-s", f"LOG_FOLDER={folder / 'log'}")
        self._say("schedule", "schedule", "--list", *jobs)
        with listening() as heard:
            self._raise_alarms()
            alerts = ("-s", f"ALERT_URL={heard.url}")
            for _ in range(2):  # it posts 20 alarms at a time
                self._say("schedule", "schedule", "--once", *jobs, *metrics, *logs, *alerts)
            self.alarms = heard.bodies
        self._say("status", "status", *jobs)
        self._say("status --json", "status", "--json", *jobs)
        self._say("verify", "verify")
        self._say("backup", "backup", folder / "kept")
        self._say("reindex", "reindex")
        again = (
            "-s",
            f"ARCHIVE_URL={folder / 'again'}",
            "-s",
            f"INDEX_URL=sqlite:///{folder / 'again.sqlite3'}",
        )
        self._say("restore", "restore", folder / "kept", *again)

    def crawl(self) -> None:
        """Crawl a mock site whose pages, heads, addresses and redirects hold the strings."""
        names = [name for name in self.names if name != "surrogate"]
        with site_of_today("etoday", 2 * len(names), age=SETTLED) as site:
            ids = site.ids()
            for name, article_id, other in zip(names, ids[::2], ids[1::2], strict=True):
                site.edit(article_id, headline=f"{STRINGS[name]}도서관{STRINGS[name]}")
                site.fault(f"/news/view/{other}", "raw", script=_redirect(STRINGS[name]))
                site.plant(f"https://www.etoday.co.kr/news/view/{other}?a={STRINGS[name]}")
            crawls = Crawls.into(self.workspace.folder / "crawled", site)
            crawls.workspace.folder.mkdir()
            result = crawls.run("-L", "DEBUG")
            self.said["crawl"] = result
            self.sent = [entry.raw for entry in site.log if _INJECTED.search(entry.raw)]
            self.outcomes = crawls.outcomes()

    def _say(self, verb: str, *args: str | Path) -> None:
        result = self.run(*args)
        known = self.said.get(verb)
        if known is not None:
            out, err = known.out + result.out, known.err + result.err
            result = type(result)(max(known.code, result.code), out, err)
        self.said[verb] = result

    def _save_page(self, folder: Path, number: int, text: str) -> None:
        """Save a page whose parts and file name hold the text."""
        stem = os.fsencode(text.translate(_NO_NAME) + f"-{number}")
        path = os.fsencode(folder) + b"/" + stem
        with open(path + b".html", "wb") as file:  # noqa: PTH123 (its name is no text)
            file.write(page_with(text, 9200000000 + number))
        beside = {"captured_at": f"{date()}", "url": _address(9200000000 + number)}
        with open(path + b".json", "w") as file:  # noqa: PTH123 (its name is no text)
            json.dump(beside, file)

    def _records(self) -> Iterator[bytes]:
        """Yield records whose addresses, heads and origin hold the strings, and secrets of a user."""
        for number, name in enumerate(self.names):
            text = STRINGS[name].replace("\ud800", "\udced\udca0\udc80")
            page = page_with(STRINGS[name], 9300000000 + number)
            line = text.replace("\n", "\r\n ").encode("utf-8", "surrogateescape")
            about = b"software: Made/" + line + b"\r\nformat: WARC File Format 1.1\r\n"
            yield rec("1.1", "warcinfo", f"i{number}", about, WARC_Date=date())
            head = (
                b'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nETag: "'
                + line
                + b'"\r\n'
                b"Server: "
                + line
                + b"\r\nX-Note: "
                + line
                + b"\r\nContent-Length: %d\r\n\r\n" % len(page)
            )
            url = _address(9300000000 + number)
            facts = {"WARC_Target_URI": url, "WARC_Date": date()}
            yield rec("1.1", "response", f"r{number}", head + page, **facts, **_HTTP)
            yield rec(
                "1.1",
                "request",
                f"q{number}",
                _request(number),
                **facts,
                WARC_Concurrent_To=f"<urn:uuid:r{number}>",
                **_ASKING,
            )
            odd = rec(
                "1.1",
                "response",
                f"o{number}",
                head + page,
                WARC_Date=date(),
                WARC_Target_URI="@",
                **_HTTP,
            )
            yield odd.replace(b": @\r\n", b": " + url.encode() + b"?a=" + line + b"\r\n")

    def _raise_alarms(self) -> None:
        """Raise an alarm for each string, as of a folder that is named so."""
        texts = [STRINGS[name].replace("\ud800", "\ufffd") for name in self.names]
        now = datetime.now(UTC)
        with (
            Index(self.workspace.index_url) as index,
            index.writing() as connection,
        ):
            for number, text in enumerate(texts):
                cause = Cause(
                    kind=AlarmKind.UNVERIFIED,
                    # A number, too: two texts are one where a NUL is no character of a text.
                    subject=f"/archive/{number}{text}",
                    sentence=f"{text}: findings",
                    began_at=now,
                )
                assert raise_alarm(connection, cause)

    def _write_jobs(self) -> None:
        names = (json.dumps(f"j{STRINGS[name]}{number}") for number, name in enumerate(self.names))
        # No verification: the alarms would end with it.
        good = '[[job]]\nname = "sound"\ncommand = "recover"\nevery = "1h"\n'
        self.workspace.folder.joinpath("jobs.toml").write_text(good)
        for number, name in enumerate(names):
            path = self.workspace.folder / f"jobs-{number}.toml"
            path.write_text(f'[[job]]\nname = {name}\ncommand = "verify"\nevery = "1h"\n')
            self._say("schedule", "schedule", "--list", "-s", f"JOBS_FILE={path}")


@dataclass
class Heard:
    """What an address got: whole requests, their bodies."""

    url: str
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Heard]:
    """Give an address that takes alarms."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard = Heard(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


#: What no file's name can hold, and what is no text in one.
_NO_NAME = {0: None, ord("/"): None, 0xD800: "\udced"}


def _address(number: int) -> str:
    return f"https://www.etoday.co.kr/news/view/{number}"


def _request(number: int) -> bytes:
    return (
        f"GET /news/view/{9300000000 + number} HTTP/1.1\r\nHost: www.etoday.co.kr\r\n"
        f"Cookie: sid={SECRET}\r\nCookie2: a\r\n {SECRET}\r\nAuthorization: Basic {SECRET}\r\n"
        f"X-Api-Key: {SECRET}\r\nX-Auth\x01-Token: {SECRET}\r\nProxy-Authorization: {SECRET}\r\n\r\n"
    ).encode()


def _redirect(text: str) -> Script:
    """Return what answers with a redirect whose fields hold a text, and with a cookie."""
    line = text.encode()
    head = (
        b"HTTP/1.1 302 Found\r\nLocation: /news/view/1?a=" + line + b"\r\nETag: " + line + b"\r\n"
        b"Server: "
        + line
        + b"\r\nSet-Cookie: a="
        + SECRET.encode()
        + b"\r\nContent-Length: 0\r\n\r\n"
    )

    async def script(writer: StreamWriter) -> None:
        writer.write(head)
        await writer.drain()

    return script


def page_with(text: str, number: int) -> bytes:
    """Return a page in whose headline, byline, section and caption a text stands."""
    marked = escape(text, quote=False)
    page = _PAGE.replace(_HEADLINE, f"{marked}도서관 {number}{marked}")
    page = page.replace("한누리 기자 <button>", f"{marked}한누리{marked} 기자 <button>")
    page = page.replace("2일 달빛마을도서관에서", f"{marked}2일 달빛마을도서관에서")
    page = page.replace(
        "</head>", f'<meta property="article:section" content="{escape(text)}"></head>'
    )
    return page.replace("9000000002", str(number)).encode("utf-8", "surrogatepass")


def unsafe(text: str) -> list[str]:
    """Return the characters of printed text that a terminal obeys or that have no shape."""
    found = {c for c in text if c not in _HARMLESS and not c.isprintable()}
    return sorted(hex(ord(c)) for c in found if unicodedata.category(c) != "Zs")


def leaks(injection: Injection) -> dict[str, list[str]]:
    """Return what is wrong, by sink; each sink that was looked at is in it."""
    folder = injection.workspace.folder
    found: dict[str, list[str]] = {}
    for verb, result in injection.said.items():
        text = result.out + result.err
        wrong = [f"unsafe: {unsafe(text)}"] if unsafe(text) else []
        wrong += ["a traceback"] if "Traceback" in text else []
        wrong += [line for line in text.splitlines() if line.startswith("sacho: error: made up")]
        found[f"terminal: {verb}"] = wrong
    found["log files"] = [
        f"{path.name}: {unsafe(text)}"
        for path in sorted((folder / "log").rglob("*"))
        if path.is_file() and unsafe(text := path.read_text("utf-8", "replace"))
    ]
    found["status --json"] = _not_json([injection.said["status --json"].out])
    articles = len({row["article"] for row in injection.workspace.rows("revisions")})
    found["export .jsonl"] = _jsonl((folder / "all.jsonl").read_bytes(), articles)
    found["export .csv"] = _csv((folder / "all.csv").read_text("utf-8"), articles)
    found["export .cdxj"] = _cdxj((folder / "all.cdxj").read_bytes())
    found["WACZ pages.jsonl"] = _pages(folder / "all.wacz")
    metrics = (folder / "metrics.prom").read_text("utf-8")
    found["Prometheus"] = _metrics(metrics)
    if metrics.count("sacho_alarm_open{") != len(injection.names):
        found["Prometheus"].append("alarms are missing")
    found["alarm JSON"] = _not_json([body.decode() for body in injection.alarms])
    if len(injection.alarms) != len(injection.names):
        found["alarm JSON"].append(f"{len(injection.alarms)} of {len(injection.names)} arrived")
    found["secrets"] = list(secrets(folder, injection.said))
    found["requests"] = [repr(raw[:80]) for raw in injection.sent]
    found["outcomes"] = [name for name, outcome in injection.outcomes.items() if not outcome]
    return found


def _not_json(texts: list[str]) -> list[str]:
    wrong: list[str] = []
    for text in texts:
        try:
            json.loads(text)
        except ValueError as error:
            wrong.append(f"{error}: {text[:80]!r}")
    return wrong


def _jsonl(data: bytes, count: int) -> list[str]:
    """Return what is wrong with lines of JSON, however a reader splits lines."""
    lines = data.decode("utf-8").split("\n")[:-1]
    wrong = _not_json(lines)
    if not len(lines) == len(data.splitlines()) == len(data.decode().splitlines()) == count:
        wrong.append(f"{len(data.decode().splitlines())} lines, not {count}")
    controls = [f"{c:#x}" for c in set(data) if c < 32 and c != 10]
    return wrong + controls


def _csv(text: str, count: int) -> list[str]:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    wrong = [f"{len(rows) - 1} rows, not {count}"] if len(rows) - 1 != count else []
    wrong += [f"a row of {len(row)} cells" for row in rows if len(row) != len(rows[0])]
    return wrong + [cell[:60] for row in rows for cell in row if re.match(r"\s*[=+\-@]", cell)]


def _cdxj(data: bytes) -> list[str]:
    lines = data.splitlines()
    wrong = _not_json([line.split(b" ", 2)[2].decode() for line in lines if line.count(b" ") > 1])
    wrong += [repr(line[:80]) for line in lines if not re.match(rb"[!-~]+ \d{14,17} \{", line)]
    wrong += [repr(line[:80]) for line in lines if re.search(rb"[^\x20-\x7e]", line)]
    return wrong if lines == sorted(lines) else [*wrong, "not sorted"]


def _pages(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as package:
        wrong = _not_json([package.read("datapackage.json").decode()])
        for name in package.namelist():
            wrong += [f"a member {name!r}"] if unsafe(name) or ".." in name else []
            if name.endswith(".jsonl"):
                data = package.read(name)
                wrong += _jsonl(data, len(data.split(b"\n")) - 1)
    return wrong


def _metrics(text: str) -> list[str]:
    try:
        names = {family.name for family in text_string_to_metric_families(text)}
    except ValueError as error:
        return [str(error)]
    return sorted(name for name in names if not name.startswith("sacho_")) + unsafe(text)


def secrets(folder: Path, said: dict[str, CommandResult]) -> Iterator[str]:
    """Yield the files of ours and the verbs that hold the secret."""
    for verb, result in said.items():
        if SECRET in result.out + result.err:
            yield f"{verb} prints it"
    secret = SECRET.encode()
    for path in sorted(folder.rglob("*")):
        is_ours = path.name != "made.warc.gz" and "crawled" not in path.parts  # what servers sent
        if path.is_file() and is_ours and secret in _unpacked(path):
            yield path.name


def _unpacked(path: Path) -> bytes:
    """Return a file's bytes, and those that are compressed in it."""
    data = path.read_bytes()
    if path.suffix == ".wacz":
        with zipfile.ZipFile(path) as package:
            members = [package.read(name) for name in package.namelist()]
        return data + b"".join(
            gzip.decompress(one) if one[:2] == b"\x1f\x8b" else one for one in members
        )
    return data + (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else b"")
