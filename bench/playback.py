"""Play every kind of record back by other tools: warcio, FastWARC, pywb, Chromium (F11).

    python -m bench.playback [--environment FOLDER]

Makes an archive of every kind of record, hands it over as WACZ, and asks: does ``wacz validate``
pass; is each payload the same, by SHA-256, in our reader, in warcio, in FastWARC and as pywb serves
it; are our sort keys those of ``surt``; does Chromium, led through pywb, show the headline. pywb
2.10 pins another brotli than Scrapy needs, so it and wacz are installed into an environment of
their own, kept for the next time in the user's cache or in FOLDER.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastwarc.warc import ArchiveIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from archive.http.message import dechunk
from archive.warc.reader import Record, iterate
from archive.warc.wacz.surt import url_key
from tests.archive.warc.wacz.test_surt import addresses
from tests.support.processes.cli import Workspace
from tests.support.readers.playback import HEADLINE, HEADLINE_URL, archive_of_every_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("pywb==2.10.0", "wacz==0.6.0", "setuptools<81")  # pywb asks for pkg_resources
COLLECTION = "sacho"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def environment(folder: Path) -> Path:
    """Return the folder of the environment's programs; create it the first time."""
    programs = folder / "bin"
    if not (programs / "wayback").exists():
        print(f"installing {', '.join(PACKAGES)}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [programs / "pip", "install", "--quiet", *PACKAGES],
            check=True,
            stderr=subprocess.DEVNULL,
        )
    return programs


def ours(path: Path) -> dict[str, str]:
    """Map record id to payload digest, read by our reader."""
    found = [item for item in iterate(path) if isinstance(item, Record)]
    return {
        item.record_id: item.payload_digest
        for item in found
        if item.kind in ("response", "resource")
    }


def by_warcio(path: Path) -> dict[str, str]:
    """Map record id to payload digest, read by warcio; chunk framing is removed here."""
    read: dict[str, str] = {}
    with path.open("rb") as file:
        for record in WarcioIterator(file):
            if record.rec_type in ("response", "resource"):
                payload = record.raw_stream.read()
                if (
                    record.http_headers
                    and record.http_headers.get_header("Transfer-Encoding") == "chunked"
                ):
                    payload = dechunk(payload)
                read[record.rec_headers.get_header("WARC-Record-ID").strip("<>")] = digest(payload)
    return read


def by_fastwarc(path: Path) -> dict[str, str]:
    """Map record id to payload digest, read by FastWARC, which removes chunk framing itself."""
    read: dict[str, str] = {}
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=True, auto_decode="transfer"):
            if record.headers["WARC-Type"] in ("response", "resource"):
                read[record.record_id.removeprefix("<").removesuffix(">")] = digest(
                    record.reader.read()
                )
    return read


@contextmanager
def pywb(programs: Path, folder: Path, package: Path) -> Iterator[int]:
    """Serve the WACZ from a pywb collection on this machine; yield its port."""
    for command in (["init", COLLECTION], ["add", "--unpack-wacz", COLLECTION, str(package)]):
        subprocess.run(
            [programs / "wb-manager", *command], cwd=folder, check=True, capture_output=True
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [
        programs / "wayback",
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--directory",
        str(folder),
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as server,
    ):
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)  # pywb says nowhere that it listens
            yield port
        finally:
            server.terminate()


def played(port: int, moment: str, url: str) -> tuple[int, str]:
    """Return status and payload digest as pywb serves a capture, not rewritten."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Accept-Encoding": "gzip, br"}  # else pywb undoes the coding
        connection.request("GET", f"/{COLLECTION}/{moment}id_/{url}", headers=headers)
        answer = connection.getresponse()
        return answer.status, digest(answer.read())
    finally:
        connection.close()


def shown(port: int, moment: str, folder: Path) -> bool | None:
    """Return whether Chromium shows the headline of a page from pywb; None without Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        return None
    page = f"http://127.0.0.1:{port}/{COLLECTION}/{moment}mp_/{HEADLINE_URL}"
    common = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'browser'}",
    ]
    picture = folder / "page.png"
    subprocess.run(
        [*common, f"--screenshot={picture}", page], capture_output=True, timeout=120, check=False
    )
    if picture.exists():
        kept = Path(tempfile.gettempdir()) / "sacho-playback.png"
        shutil.copy(picture, kept)
        print(f"a picture of the page: {kept}")
    done = subprocess.run(
        [*common, "--dump-dom", page], capture_output=True, timeout=120, check=False
    )
    return HEADLINE in done.stdout.decode("utf-8", "replace")


def surts(programs: Path, urls: list[str]) -> list[str]:
    """Return the SURT keys of addresses as the library makes them."""
    code = "import json, sys, surt; print(json.dumps([surt.surt(u) for u in json.load(sys.stdin)]))"
    command = [programs / "python", "-W", "ignore", "-c", code]
    done = subprocess.run(
        command, input=json.dumps(urls), capture_output=True, text=True, check=True
    )
    keys: list[str] = json.loads(done.stdout)
    return keys


def main() -> int:
    """Print the figures; return 1 if a tool read another payload or failed."""
    parser = argparse.ArgumentParser(
        prog="bench.playback", description="Play every kind of record back by others."
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--environment", type=Path, default=cache / "sacho" / "playback")
    programs = environment(parser.parse_args().environment)
    good = True

    def say(what: str, right: int, of: int) -> None:
        nonlocal good
        good = good and right == of > 0
        print(f"{what:58} {right}/{of}", flush=True)

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        workspace = Workspace(folder)
        archive_of_every_kind(workspace)
        package = folder / "out.wacz"
        assert workspace.call("export", package).code == 0
        done = subprocess.run(
            [programs / "wacz", "validate", "-f", package],
            capture_output=True,
            text=True,
            check=False,
        )
        say(
            "wacz validate passes",
            int(done.returncode == 0 and "Validation succeeded" in done.stdout),
            1,
        )
        (segment,) = workspace.archive.glob("*.warc.gz")
        mine = ours(segment)
        for name, theirs in (("warcio", by_warcio(segment)), ("FastWARC", by_fastwarc(segment))):
            say(
                f"payload sha256 equal in our reader and {name}",
                sum(theirs.get(k) == v for k, v in mine.items()),
                len(mine),
            )
        rows = workspace.rows("captures")
        kinds: dict[str, list[int]] = {}
        with pywb(programs, folder, package) as port:
            for row in rows:
                moment = "".join(c for c in str(row["captured_at"])[:19] if c.isdigit())
                status, found = played(port, moment, row["url"])
                kind = (
                    f"{row['record_type']} {row['status'] or ''} {row['source'].rpartition('#')[2]}"
                )
                wanted = (
                    200 if row["status"] in (None, 304) else row["status"]
                )  # a 304 shows the copy that was good still
                right = found == row["payload_digest"] and status == wanted
                if not right:
                    print(
                        f"  {row['url']}: status {status}, payload {found}, not {row['payload_digest']}"
                    )
                figures = kinds.setdefault(" ".join(kind.split()), [0, 0])
                figures[0] += right
                figures[1] += 1
            for kind, (right, number) in sorted(kinds.items()):
                say(f"pywb: {kind}", right, number)
            first = next(row for row in rows if row["url"] == HEADLINE_URL)
            moment = "".join(c for c in str(first["captured_at"])[:19] if c.isdigit())
            seen = shown(port, moment, folder)
            if seen is None:
                print(
                    "Chromium is not installed (apt-get install chromium), so nobody looked at the page"
                )
                good = False
            else:
                say("Chromium shows the headline", int(seen), 1)
        urls = addresses(5000)
        say(
            "sort keys equal to surt's",
            sum(map(str.__eq__, map(url_key, urls), surts(programs, urls))),
            len(urls),
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
