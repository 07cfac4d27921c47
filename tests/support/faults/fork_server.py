"""Verbs that begin at once: a process that has everything imported forks one for each line it reads.

Each is a process of its own to be killed; only the second that Python needs to import Scrapy is
saved. On request strace looks on, from the verb's first line to its end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from tests.support.processes.cli import ROOT
from tests.support.processes.forked_verbs import import_ahead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import NoReturn

#: Seconds after which something hangs that shouldn't.
PATIENCE = 120


#: Bytes of a full segment: a few of them to a crawl, so that kills meet one being closed.
_SEGMENT = 50_000


class RequestLog(list[Any]):
    """A mock site's log that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()

    def append(self, entry: Any) -> None:
        with self.changed:
            super().append(entry)
            self.changed.notify_all()


class ForkServer:
    """Forks crawls, one at a time; use as a context manager."""

    def __init__(self, request_log: RequestLog) -> None:
        self._request_log = request_log
        self._code: int | None = None
        self._pid = 0
        environment = {
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.faults.fork_server"],
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        said: Path,
        wait: float,
        *,
        batch: int = 500,
        segment: int = _SEGMENT,
        trace: Sequence[str] = (),
        acks: Path | None = None,
    ) -> None:
        """Start ``scrapy`` with what comes after it; it says all to a file, and writes its batches so often.

        ``trace`` is a command that ``-p`` and the process's number are added to. To ``acks`` goes a
        line for each result as it is reported: what the verb has promised.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job: dict[str, Any] = {
            "command": list(command),
            "environment": dict(environment),
            "said": str(said),
        }
        job |= {
            "wait": wait,
            "batch": batch,
            "segment": segment,
            "trace": list(trace),
            "acks": str(acks or ""),
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        self._pid, self._code = int(self._process.stdout.readline()), None
        threading.Thread(target=self._watch, daemon=True).start()

    def arrived(self, number: int) -> bool:
        """Wait until the mock site has got so many requests, or the crawl has ended; whether it goes on."""
        with self._request_log.changed:
            done = self._request_log.changed.wait_for(
                lambda: len(self._request_log) >= number or self._code is not None, PATIENCE
            )
            assert done, (
                f"after {PATIENCE} s there are {len(self._request_log)} requests, not {number}"
            )
            return self._code is None

    def over(self, seconds: float = PATIENCE) -> bool:
        """Wait so long for the crawl to end; whether it has."""
        with self._request_log.changed:
            return self._request_log.changed.wait_for(lambda: self._code is not None, seconds)

    def kill(self, number: int) -> None:
        """Send the crawl a signal; one that has ended is not yet buried, so it meets nobody else."""
        os.kill(self._pid, number)

    def code(self) -> int:
        """Wait for the crawl's end; its exit status, or minus the signal it died of."""
        assert self.over()
        assert self._code is not None
        return self._code

    def _watch(self) -> None:
        assert self._process.stdout is not None
        code = int(self._process.stdout.readline())
        with self._request_log.changed:
            self._code = code
            self._request_log.changed.notify_all()


def main() -> None:
    """Fork a crawl for each line, say its process id and then how it ended; bury it when the next line comes."""
    import_ahead()
    before = 0
    for line in sys.stdin:
        if before:
            os.waitpid(before, 0)
        job = json.loads(line)
        ready, begin = os.pipe()
        before = os.fork()
        if not before:
            os.close(begin)
            os.read(ready, 1)
            os.close(ready)
            _become(job)
        os.close(ready)
        tracer = _watched(job["trace"], before)
        os.close(begin)
        print(before, flush=True)
        ended = os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        if tracer is not None:
            tracer.communicate()
        print(ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status, flush=True)


def _watched(trace: Sequence[str], pid: int) -> subprocess.Popen[bytes] | None:
    """The tracer of a process, once it has taken hold of it."""
    if not trace:
        return None
    tracer = subprocess.Popen([*trace, "-p", str(pid)], stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    result = tracer.stderr.readline()
    assert b"attached" in result, result
    return tracer


def _become(job: dict[str, Any]) -> NoReturn:
    from scrapy.cmdline import execute

    import archive.segments.writer
    import crawler.spider.session
    import pipelines.deposit

    code: Any = 70
    try:
        os.environ.clear()
        os.environ.update(job["environment"])
        sys.path[:0] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        result = os.open(job["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(result, stream)
        assert archive.segments.writer.SegmentWriter.__init__.__kwdefaults__ is not None
        archive.segments.writer.SegmentWriter.__init__.__kwdefaults__["max_bytes"] = job["segment"]
        pipelines.deposit.WAIT = crawler.spider.session._TICK = job["wait"]  # type: ignore[misc]  # constants, here set
        pipelines.deposit.BATCH = job["batch"]  # type: ignore[misc]
        if job["acks"]:
            _tell(
                os.open(job["acks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            )
        execute(["scrapy", *job["command"]])
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell(fd: int) -> None:
    """Write a line for each result that a report is told of, at once."""
    from crawler.cli.output.summary import Report

    add = Report.add

    def told(report: Report, result: Any) -> None:
        os.write(fd, f"{result.source}\t{result.verdict}\n".encode())
        add(report, result)

    Report.add = told  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main()
