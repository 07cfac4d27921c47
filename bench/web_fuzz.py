"""Random addresses and queries at the reading room and playback: none may be answered by a 500.

    python -m bench.web_fuzz [--requests 10000] [--seed 1]

The archive has the seeds of two outlets, one article of which was removed. A real server is asked,
by bytes that no browser would send, too. Every answer has to come, with a status below 500 or 501
or 503; none may hold a word of the removed article, and the server's log no traceback.
"""

from __future__ import annotations

import argparse
import random
import re
import socket
import subprocess
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from archive.index.search.query import FIELDS
from tests.support.readers.reading_room import replayed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.processes.cli import Workspace

#: The article that is removed, and words that only it has.
REMOVED = "newspim/20230915999901"
CANARY = "드미트리 페스코프 크렘린궁"
_PATHS = (
    "/",
    "/index.json",
    "/search",
    "/search.json",
    "/search.atom",
    "/search.jsonl",
    "/search.csv",
    "/search.parquet",
    "/articles/newspim/20230915999901",
    "/articles/etoday/2640992",
    "/articles/etoday/2640992.json",
    "/articles/etoday/2640992.bib",
    "/articles/etoday/2640992/history",
    "/outlets",
    "/outlets/etoday",
    "/runs",
    "/changes.json",
    "/changes.atom",
    "/language",
    "/static/style.css",
    "/openapi.json",
)
_ARCHIVED = "https://www.newspim.com/news/view/20230915999901"
_OTHER = "https://www.etoday.co.kr/news/view/2640992"
_PLAYBACK = (
    *(f"/web/20241105060000{form}/{_ARCHIVED}" for form in ("", "id_", "mp_", "im_", "cs_", "xx_")),
    *(
        f"/web/{stamp}/{_OTHER}"
        for stamp in ("2024", "20241105060000mp_", "99999999999999", "*", "")
    ),
    f"/timegate/{_ARCHIVED}",
    f"/timegate/{_OTHER}",
    f"/timemap/link/{_OTHER}",
    f"/timemap/json/{_ARCHIVED}",
    *(
        f"/captures/{number}/{form}"
        for number in (1, 9, 10**12)
        for form in ("record.warc.gz", "capture.wacz")
    ),
    "/player/1",
    "/player/ui.js",
    "/player/../app.py",
    "/static/playback.css",
)
_NAMES = (
    *(
        "q",
        "before",
        "limit",
        "order",
        "at",
        "from",
        "to",
        "view",
        "back",
        "page",
        "since",
        "until",
    ),
    *FIELDS,
)
_VALUES = (
    *("푸틴", "가", "OR", "-", '"', "(", "*", "outlet:etoday", "since:2023-09-01", "edited:yes"),
    *("2023-09-15", "9999-12-31", "0001-01-01", "none-1", "20240507T030000Z-12", "best", "0", "-1"),
    *(
        "99999999999999999999",
        "%00",
        "%ff",
        "\u202e",
        "\x00",
        "\ud83d",
        "../..",
        "<script>",
        "NEAR",
    ),
    *(
        "²",
        "１",
        "author:김",
        "{",
        "}",
        "%",
        "&",
        ";",
        "' OR 1=1 --",
        "ﬁ",
        "a" * 3000,
        "金正恩",
        "\r\n",
    ),
)


class Fuzzer:
    """Makes requests, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def is_playback(self) -> bool:
        """Whether the next request is for playback."""
        return self._dice.random() < 0.3

    def target(self, paths: Sequence[str]) -> bytes:
        """Return the target of a request: mostly one of these addresses, a little damaged."""
        dice = self._dice
        path = dice.choice(paths)
        if dice.random() < 0.3:
            path = self._damaged(path)
        query = "&".join(self._parameter() for _ in range(dice.randrange(4)))
        target = path.encode("utf-8", "surrogatepass")
        if query:
            target += b"?" + query.encode("utf-8", "surrogatepass")
        # A target with these would be another request.
        return re.sub(rb"[\x00-\x20\x7f]", lambda found: b"%%%02X" % found[0][0], target)

    def _parameter(self) -> str:
        dice = self._dice
        value = " ".join(dice.choice(_VALUES) for _ in range(dice.choice((1, 1, 2, 3))))
        if dice.random() < 0.2:
            value = self._damaged(value)
        if dice.random() < 0.8:
            value = quote(value.encode("utf-8", "surrogatepass"))
        return f"{dice.choice(_NAMES)}={value}"

    def _damaged(self, text: str) -> str:
        dice = self._dice
        at = dice.randrange(len(text) + 1)
        change = dice.choice(("cut", "add", "double", "sign"))
        if change == "cut":
            return text[:at]
        if change == "double":
            return text + text[at:]
        added = dice.choice(_VALUES) if change == "add" else chr(dice.randrange(0x11000))
        return text[:at] + added + text[at:]


def asked(port: int, target: bytes) -> tuple[int, bytes]:
    """Return status and answer of a request with these bytes as its target; 0 without an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(
            b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % target
        )
        answer = b"".join(iter(lambda: connection.recv(2**16), b""))
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else 0, answer


class Ports(NamedTuple):
    """The ports of a reading room and of its playback."""

    room: int
    playback: int


@contextmanager
def served(workspace: Workspace, log: Path) -> Iterator[Ports]:
    """Yield the ports of a reading room over a workspace, a process of its own."""
    options = ("serve", "--port", "0", "--searches", "0")
    with (
        log.open("wb") as file,
        workspace.start(*options, stdout=subprocess.PIPE, stderr=file) as process,
    ):
        try:
            assert process.stdout is not None
            said = b"".join(process.stdout.readline() for _ in Ports._fields).decode()
            ports = re.findall(r"http://127\.0\.0\.1:(\d+)/", said)
            yield Ports(*map(int, ports))
        finally:
            process.terminate()


def trial(folder: Path, requests: int, seed: int) -> tuple[Counter[int], list[str]]:
    """Make so many requests; return how many had each status, and what was wrong."""
    workspace = replayed(folder)
    assert CANARY in workspace.run("show", REMOVED).out
    removed = workspace.run("remove", REMOVED, "--reason", "test", "--yes")
    assert removed.code == 0, removed.err
    fuzzer, statuses, wrong = Fuzzer(seed), Counter[int](), list[str]()
    log = folder / "log"
    with served(workspace, log) as ports:
        for _ in range(requests):
            is_playback = fuzzer.is_playback()
            target = fuzzer.target(_PLAYBACK if is_playback else _PATHS)
            status, answer = asked(ports.playback if is_playback else ports.room, target)
            statuses[status] += 1
            if not 200 <= status < 500 and status not in (501, 503):
                wrong.append(f"{status}: {target!r}")
            if CANARY.encode() in answer:
                wrong.append(f"the removed article: {target!r}")
    if "Traceback" in log.read_text("utf-8", "replace"):
        wrong.append("a traceback in the log")
    return statuses, wrong


def main() -> int:
    """Make the requests, and print what was answered and what was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.web_fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--requests", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        statuses, wrong = trial(Path(folder), options.requests, options.seed)
    shown = ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items()))
    print(f"{sum(statuses.values()):,} requests; {shown}; wrong: {len(wrong)}")
    for sentence in wrong[:20]:
        print(sentence)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
