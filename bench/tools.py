"""Files that other tools write, replayed: what became of each of their records.

    python -m bench.tools [--environment FOLDER] [--keep FOLDER]

Makes web archives with the tools themselves (wget, warcio, FastWARC, warcit, wacz, pywb, warcprox,
har2warc, scrapy-webarchive, warcio.js and others), which fetch pages of ours from a server on this
machine, as a proxy for the outlet's host or at its own address. Each file is replayed with ``--all``
into an archive of its own. Printed are the records that warcio counts in it, by what `replay` says
of them, and whether `verify` of that archive passes. A record of which nothing is said is lost.
What the tools need is installed into FOLDER, once; a tool that cannot be had is named and left out.
"""

from __future__ import annotations

import argparse
import http.server
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import venv
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from backports import zstd
from warcio.archiveiterator import ArchiveIterator

from tests.support.processes.cli import Workspace
from tests.support.readers.playback import UTF8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: The packages of each environment: those of one do not go with those of another.
ENVIRONMENTS = {
    "python": ("pywb==2.10.0", "wacz==0.6.0", "warcit==0.4.0", "har2warc==1.0.4", "setuptools<81"),
    "proxy": ("warcprox==2.13.1", "warctools==5.0.1", "setuptools<81"),
    "scrapy": ("scrapy-webarchive==0.5.3", "w3lib<2.3", "setuptools<81"),
}
NODE_PACKAGES = ("warcio@2",)
HOST = "http://www.etoday.co.kr"
#: This machine by an address that warcprox does not refuse.
LOOPBACK = "127.0.0.2"
ARTICLE = "/news/view/9000000002"
PICTURE = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
#: Path: status, media type, body, other fields.
SITE: dict[str, tuple[int, str, bytes, dict[str, str]]] = {
    ARTICLE: (200, "text/html; charset=utf-8", UTF8, {"ETag": '"a"'}),
    "/moved": (302, "text/html", b"", {"Location": ARTICLE}),
    "/pic.gif": (200, "image/gif", PICTURE, {}),
    "/style.css": (200, "text/css", b"p {}", {}),
    "/robots.txt": (200, "text/plain", b"User-agent: *\nAllow: /\n", {}),
}
PATHS = (ARTICLE, "/moved", "/pic.gif", "/style.css", "/gone")
#: Outcomes of documents that are not kept although everything is to be.
REFUSED = ("not_a_page", "no_original", "unknown_profile", "removed", "unknown_outlet")
_LINE = re.compile(r"^(\S+) records: (\d+) (.*)$", re.M)
_OUTCOME = re.compile(r"^\w+/(\w+) \S+: (\d+)$", re.M)


class _Site(http.server.BaseHTTPRequestHandler):
    """Answers for any host, as a proxy is asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        status, media_type, body, more = SITE.get(path, (404, "text/html", b"no", {}))
        if more.get("ETag") and self.headers.get("If-None-Match") == more["ETag"]:
            status, body = 304, b""
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site() -> Iterator[str]:
    """Serve the pages; yield the server's address."""
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()


def prepared(folder: Path) -> None:
    """Install what the tools need, where it is not there yet."""
    for name, packages in ENVIRONMENTS.items():
        if not (folder / name / "bin" / "pip").exists():
            print(f"installing {', '.join(packages)}", flush=True)
            venv.create(folder / name, with_pip=True, clear=True)
            pip = [str(folder / name / "bin" / "pip"), "install", "--quiet", *packages]
            subprocess.run(pip, check=False, stderr=subprocess.DEVNULL)
    node = folder / "node"
    if shutil.which("npm") and not (node / "node_modules").exists():
        node.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", *NODE_PACKAGES]
        subprocess.run(command, cwd=node, check=False, capture_output=True)


@dataclass
class Tools:
    """The tools, each of which makes files in a folder of its own."""

    environment: Path
    server: str
    folder: Path
    made: dict[str, list[Path]] = field(default_factory=dict)

    def run(self, *command: str | Path, where: Path, **more: str) -> None:
        """Run a program that must succeed; ``more`` are variables of its environment."""
        own = {"PATH": os.environ["PATH"], "HOME": str(where), **more}
        done = subprocess.run(
            [str(word) for word in command], cwd=where, env=own, capture_output=True, timeout=120
        )
        if done.returncode not in (0, 8):  # wget's 8: one of the answers was an error
            said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
            raise OSError(f"{Path(str(command[0])).name} exits {done.returncode}: {said[-300:]}")

    def program(self, environment: str, name: str) -> Path:
        """Return the path of an installed program."""
        path = self.environment / environment / "bin" / name
        if not path.exists():
            raise OSError(f"{name} is not installed")
        return path

    def make(self, name: str, by: Callable[[Path], None]) -> None:
        """Let a tool make its files, or say why it made none."""
        where = self.folder / re.sub(r"\W+", "-", name)
        where.mkdir()
        try:
            by(where)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"left out: {name}: {error}", flush=True)
            return
        endings = (".warc", ".warc.gz", ".warc.zst", ".wacz", ".arc", ".arc.gz")
        found = [path for path in sorted(where.rglob("*")) if path.name.endswith(endings)]
        if found:
            self.made[name] = found
        else:
            print(f"left out: {name}: it wrote no file", flush=True)

    def first(self, name: str) -> Path:
        """Return the first file that a tool has made."""
        if name not in self.made:
            raise OSError(f"there is no file of {name}")
        return self.made[name][0]

    def wget(self, *more: str, again: bool = False) -> Callable[[Path], None]:
        """Return wget with options; ``again``: a second time, deduplicated by the first."""

        def by(where: Path) -> None:
            through = ["-e", "use_proxy=yes", "-e", f"http_proxy={self.server}"]
            common = ["wget", "-q", "--no-config", *through, "-O", "x", "--warc-cdx", *more]
            urls = [HOST + path for path in PATHS]
            self.run(*common, "--warc-file=one", *urls, where=where)
            if again:
                self.run(*common, "--warc-file=two", "--warc-dedup=one.cdx", *urls, where=where)

        return by

    def warcio(self, version: str, ending: str) -> Callable[[Path], None]:
        """Return warcio's `capture_http` in a process of its own, which it changes."""
        code = f"""
from warcio.capture_http import capture_http
import http.client, sys
from urllib.parse import urlsplit
address = urlsplit({self.server!r}).netloc
with capture_http("one{ending}", warc_version={version!r}, gzip={ending.endswith("gz")}):
    for path in {PATHS!r}:
        connection = http.client.HTTPConnection(address)
        connection.request("GET", path, headers={{"Host": "www.etoday.co.kr"}})
        connection.getresponse().read()
        connection.close()
"""
        return lambda where: self.run(sys.executable, "-c", code, where=where)

    def command(self, environment: str, *words: str | Path) -> Callable[[Path], None]:
        """Return a program of an environment with its arguments."""
        name, *rest = words
        return lambda where: self.run(self.program(environment, str(name)), *rest, where=where)

    def of_file(
        self, source: str, *words: str | Path, environment: str = ""
    ) -> Callable[[Path], None]:
        """Return a program that makes a file of another's; ``{}`` is that file."""

        def by(where: Path) -> None:
            name, *rest = [str(word).replace("{}", str(self.first(source))) for word in words]
            path = (
                self.program(environment, name)
                if environment
                else Path(sys.executable).with_name(name)
            )
            self.run(path, *rest, where=where)

        return by

    def zstandard(self, source: str, *, is_one: bool) -> Callable[[Path], None]:
        """Return Zstandard: one frame for a file, or one for each record."""

        def by(where: Path) -> None:
            data = self.first(source).read_bytes()
            parts = [data]
            if not is_one:
                starts = [found.start() for found in re.finditer(rb"WARC/1\.\d\r\nWARC-Type", data)]
                parts = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
            (where / "one.warc.zst").write_bytes(b"".join(map(zstd.compress, parts)))

        return by

    def warcit(self, *more: str, packed: bool = False) -> Callable[[Path], None]:
        """Return warcit over a folder, or a zip file, of saved pages."""

        def by(where: Path) -> None:
            pages = where / "pages" / ARTICLE[1:]
            pages.parent.mkdir(parents=True)
            pages.write_bytes(UTF8)
            (where / "pages" / "style.css").write_bytes(b"p {}")
            given = where / "pages"
            if packed:
                given = Path(shutil.make_archive(str(where / "pages"), "zip", where / "pages"))
            name = ["--name", "one", *more]
            self.run(self.program("python", "warcit"), *name, HOST + "/", given, where=where)

        return by

    def har(self, where: Path) -> None:
        """Let har2warc convert an HTTP archive of the site's answers."""
        entries = [_har_entry(path) for path in PATHS]
        log = {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": entries}
        log["pages"] = []
        (where / "one.har").write_text(json.dumps({"log": log}), "utf-8")
        program = self.program("python", "har2warc")
        self.run(program, "one.har", "one.warc.gz", where=where)

    def pywb(self, where: Path) -> None:
        """Let pywb record while it is asked for the pages."""
        self.run(self.program("python", "wb-manager"), "init", "test", where=where)
        port = _free_port()
        command: list[str | Path] = [self.program("python", "wayback"), "--record", "--live"]
        command += ["-p", str(port), "-b", "127.0.0.1"]
        with _running(command, where, port):
            for path in PATHS:
                _get(f"http://127.0.0.1:{port}/test/record/id_/{self.server}{path}")

    def warcprox(self, *more: str, times: int = 1) -> Callable[[Path], None]:
        """Return warcprox, through which the pages are fetched so many times."""

        def by(where: Path) -> None:
            port = _free_port()
            command: list[str | Path] = [self.program("proxy", "warcprox"), "-p", str(port)]
            command += ["-b", "127.0.0.1", "-d", str(where), "--prefix", "one", *more]
            with _running(command, where, port):
                for path in PATHS * times:
                    through = ["-e", "use_proxy=yes", "-e", f"http_proxy=http://127.0.0.1:{port}"]
                    url = f"{self.server}{path}"
                    self.run("wget", "-q", "--no-config", *through, "-O", "x", url, where=where)

        return by

    def scrapy(self, where: Path) -> None:
        """Let scrapy-webarchive export a crawl."""
        spider = f"""
import scrapy
class S(scrapy.Spider):
    name = "s"
    custom_settings = {{
        "EXTENSIONS": {{"scrapy_webarchive.extensions.WaczExporter": 543}},
        "SW_EXPORT_URI": "file://{where}/", "ROBOTSTXT_OBEY": False,
        "HTTPERROR_ALLOW_ALL": True, "TELNETCONSOLE_ENABLED": False,
    }}
    start_urls = [{self.server!r} + path for path in {PATHS!r}]
    def parse(self, response):
        pass
"""
        (where / "spider.py").write_text(spider, "utf-8")
        python = self.program("scrapy", "python")
        self.run(python, "-m", "scrapy", "runspider", "spider.py", where=where)

    def warcio_js(self, version: str, *, is_packed: bool) -> Callable[[Path], None]:
        """Return warcio.js, which writes records of its own making."""

        def by(where: Path) -> None:
            node = self.environment / "node"
            if not (node / "node_modules" / "warcio").exists():
                raise OSError("warcio.js is not installed")
            name = where / ("one.warc.gz" if is_packed else "one.warc")
            script = node / "write.mjs"
            script.write_text(_WRITE_JS, "utf-8")
            words = [
                "node",
                str(script),
                str(name),
                version,
                str(is_packed).lower(),
                HOST + ARTICLE,
            ]
            self.run(*words, where=where)

        return by


_WRITE_JS = """
import { WARCRecord, WARCSerializer } from "warcio";
import { createWriteStream } from "node:fs";
const [name, version, gzip, url] = process.argv.slice(2);
const body = async function* () { yield new TextEncoder().encode("<html>x</html>"); };
const warcVersion = `WARC/${version}`, date = "2024-03-01T03:04:05Z";
const info = await WARCRecord.createWARCInfo({filename: "one", warcVersion}, {software: "warcio.js"});
const httpHeaders = {"Content-Type": "text/html"};
const response = await WARCRecord.create(
  {url, date, type: "response", warcVersion, httpHeaders, statusline: "HTTP/1.1 200 OK"}, body());
const request = await WARCRecord.create({url, date, type: "request", warcVersion,
  httpHeaders: {Accept: "*/*"}, statusline: "GET / HTTP/1.1", warcHeaders: {
  "WARC-Concurrent-To": response.warcHeader("WARC-Record-ID")}}, (async function* () {})());
const resource = await WARCRecord.create({url: "urn:text:" + url, date, type: "resource",
  warcVersion, warcHeaders: {"Content-Type": "text/plain"}}, body());
const out = createWriteStream(name);
for (const record of [info, response, request, resource])
  out.write(await WARCSerializer.serialize(record, {gzip: gzip === "true"}));
out.end();
"""


def _har_entry(path: str) -> dict[str, Any]:
    status, media_type, body, more = SITE.get(path, (404, "text/html", b"no", {}))
    headers = [{"name": name, "value": value} for name, value in more.items()]
    headers.append({"name": "Content-Type", "value": media_type})
    text = body.decode("utf-8", "replace")
    answer = {
        "status": status,
        "statusText": "OK",
        "httpVersion": "HTTP/1.1",
        "headers": headers,
        "content": {"size": len(body), "mimeType": media_type, "text": text},
        "redirectURL": more.get("Location", ""),
    }
    asked: dict[str, Any] = {
        "method": "GET",
        "url": HOST + path,
        "httpVersion": "HTTP/1.1",
        "headers": [],
    }
    asked["bodySize"] = 0
    return {
        "startedDateTime": "2024-03-01T03:04:05.000Z",
        "time": 1,
        "request": asked,
        "response": answer,
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _running(command: Sequence[str | Path], where: Path, port: int) -> Iterator[None]:
    """Run a server until it is not needed; it is told to end, and ends its files."""
    env = {"PATH": os.environ["PATH"], "HOME": str(where)}
    with (
        (where / "log").open("wb") as log,
        subprocess.Popen(
            list(map(str, command)), cwd=where, env=env, stdout=log, stderr=log
        ) as server,
    ):
        try:
            _wait_for(lambda: _listens(port) or server.poll() is not None, "it does not listen")
            if server.poll() is not None:
                raise OSError(f"it ended: {(where / 'log').read_text('utf-8')[-300:]}")
            yield
            _wait_until_written(where)
        finally:
            server.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(60)
            server.kill()


def _listens(port: int) -> bool:
    """Return whether a server accepts connections at the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for(is_so: Callable[[], bool], otherwise: str) -> None:
    """Wait for a minute until it is so.

    :raises OSError: it did not become so; the message is ``otherwise``.
    """
    end = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > end:
            raise OSError(otherwise)
        time.sleep(0.05)  # how often it is asked; nothing relies on its length


def _wait_until_written(where: Path) -> None:
    """Wait until there are web archives and none has grown for a second.

    A recorder writes behind its answers, and says nowhere that its last record is written.
    """
    seen: list[tuple[int, float]] = []

    def is_written() -> bool:
        size = sum(path.stat().st_size for path in where.rglob("*.warc*"))
        if not seen or seen[-1][0] != size:
            seen.append((size, time.monotonic()))
        return size > 0 and time.monotonic() - seen[-1][1] > 1

    _wait_for(is_written, "it wrote no web archive")


def _get(url: str) -> None:
    with suppress(OSError):  # an answer that is an error is one as well
        subprocess.run(
            ["wget", "-q", "--no-config", "-O", os.devnull, url], check=False, timeout=60
        )


def make_all(tools: Tools) -> None:
    """Let each tool make its files."""
    make = tools.make
    make("wget", tools.wget())
    make("wget, not packed", tools.wget("--no-warc-compression"))
    make("wget, deduplicated", tools.wget(again=True))
    make("wget, without digests", tools.wget("--no-warc-digests"))
    make("wget, in parts", tools.wget("--warc-max-size=3000"))
    make("warcio, capture_http 1.0", tools.warcio("1.0", ".warc.gz"))
    make("warcio, capture_http 1.1", tools.warcio("1.1", ".warc"))
    make("warcio, recompress", tools.of_file("wget", "warcio", "recompress", "{}", "one.warc.gz"))
    make(
        "FastWARC, recompress", tools.of_file("wget", "fastwarc", "recompress", "{}", "one.warc.gz")
    )
    make("Zstandard, a frame a record", tools.zstandard("wget, not packed", is_one=False))
    make("Zstandard, one frame", tools.zstandard("wget, not packed", is_one=True))
    make("warcit, of a folder", tools.warcit())
    make("warcit, of a zip file", tools.warcit("--no-gzip", packed=True))
    make("har2warc", tools.har)
    make("pywb, recorder", tools.pywb)
    make("warcprox", tools.warcprox("--gzip"))
    make("warcprox, not packed", tools.warcprox())
    make("warcprox, deduplicated", tools.warcprox("--gzip", times=2))
    make("scrapy-webarchive", tools.scrapy)
    make("warcio.js 1.0", tools.warcio_js("1.0", is_packed=True))
    make("warcio.js 1.1", tools.warcio_js("1.1", is_packed=False))
    wacz = ("wacz", "create", "-o", "one.wacz")
    make("wacz, of wget's", tools.of_file("wget", *wacz, "{}", environment="python"))
    detect = ("-f", "{}", "--detect-pages", "--text")
    make(
        "wacz, pages found",
        tools.of_file("warcio, capture_http 1.0", *wacz, *detect, environment="python"),
    )
    make("warctools, warcfilter", _warcfilter(tools))


def _warcfilter(tools: Tools) -> Callable[[Path], None]:
    def by(where: Path) -> None:
        program = tools.program("proxy", "warcfilter")
        done = subprocess.run(
            [program, "-T", "response", tools.first("wget")], capture_output=True, timeout=60
        )
        (where / "one.warc").write_bytes(done.stdout)
        if not done.stdout:
            raise OSError(done.stderr.decode("utf-8", "replace")[-200:])

    return by


def records_in(path: Path) -> int:
    """Return how many records warcio counts in a file, or in those of a WACZ."""
    if path.suffix == ".wacz":
        with zipfile.ZipFile(path) as package:
            names = [name for name in package.namelist() if re.search(r"\.warc(\.gz)?$", name)]
            return sum(_count(io.BytesIO(package.read(name))) for name in names)
    if path.suffix == ".zst":
        return _count(io.BytesIO(zstd.decompress(path.read_bytes())))
    with path.open("rb") as file:
        return _count(file)


def _count(file: Any) -> int:
    return sum(1 for _ in ArchiveIterator(file, arc2warc=False, no_record_parse=True))


@dataclass
class Row:
    """What became of the records of one tool's files."""

    name: str
    files: int
    given: int = 0
    kept: int = 0
    joined: int = 0
    passed: int = 0
    is_verified: bool = False

    @property
    def lost(self) -> int:
        """The records of which nothing was said."""
        return self.given - self.kept - self.joined - self.passed

    def cells(self) -> list[str]:
        """Return the row as it is printed."""
        numbers = (self.files, self.given, self.kept, self.joined, self.passed, self.lost)
        return [self.name, *map(str, numbers), "passes" if self.is_verified else "FAILS"]


def replayed(name: str, paths: list[Path], folder: Path) -> Row:
    """Replay a tool's files into an archive of their own."""
    workspace = Workspace(folder)
    folder.mkdir()
    row = Row(name, len(paths), sum(map(records_in, paths)))
    said = workspace.call("replay", "--all", *paths)
    refused = sum(int(number) for reason, number in _OUTCOME.findall(said.out) if reason in REFUSED)
    rows = workspace.rows("captures")
    foreign = sum(not one["outlet"] for one in rows)  # kept, and named by that reason
    for kind, number, fate in _LINE.findall(said.out):
        count = int(number)
        if fate.startswith("joined") or kind == "warcinfo":
            row.joined += count
        elif fate == "taken":
            row.kept += count
        else:
            row.passed += count
    row.kept -= refused - foreign
    row.passed += refused - foreign
    checked = workspace.call("verify")
    row.is_verified = checked.code == 0 and "Traceback" not in said.err + checked.err
    if not row.is_verified or row.lost:
        print(said.out, said.err, checked.out, checked.err, sep="\n")
    return row


def main() -> int:
    """Print the table; return 1 if a record was lost or an archive does not verify."""
    parser = argparse.ArgumentParser(prog="bench.tools", description="Replay other tools' files.")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--environment", type=Path, default=cache / "sacho" / "tools")
    parser.add_argument("--keep", type=Path, help="where the files are left")
    asked = parser.parse_args()
    prepared(asked.environment)
    titles = ["tool", "files", "in", "kept", "joined", "passed over", "lost", "verify"]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place, site() as server:
        folder = asked.keep or Path(place) / "files"
        folder.mkdir(parents=True)
        tools = Tools(asked.environment.absolute(), server, folder)
        make_all(tools)
        print("| " + " | ".join(titles) + " |")
        print("| --- |" + " ---: |" * (len(titles) - 2) + " --- |")
        for number, (name, paths) in enumerate(tools.made.items()):
            row = replayed(name, paths, Path(place) / f"archive-{number}")
            rows.append(row)
            print("| " + " | ".join(row.cells()) + " |", flush=True)
    files = sum(row.files for row in rows)
    given, lost = sum(row.given for row in rows), sum(abs(row.lost) for row in rows)
    print(f"{len(rows)} tools' files, {files} files, {given} records, {lost} lost")
    return int(lost > 0 or not rows or not all(row.is_verified for row in rows))


if __name__ == "__main__":
    sys.exit(main())
