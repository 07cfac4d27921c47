"""Measure what `verify` finds (mutations, F5; index drift, F10) and its speed.

    python -m bench.verify mutations [--random 10000]   designed mutations by the command itself, then random damage
    python -m bench.verify drift [--changes 100]        seeded changes of an archive's rows and bytes
    python -m bench.verify speed [--count 5000]         against warcio check and fastwarc check, on one archive

Each exits 1 if anything was missed. ``--repair COMMAND`` of drift is run after each change, with
ARCHIVE_URL and INDEX_URL set, and what it leaves must verify: a place for `scrapy reindex`.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from archive.segments import manifest as fixity
from archive.segments.store import FolderStore
from archive.verify.archive import Verification
from archive.verify.selection import SegmentSelection
from archive.verify.warc_file.findings import Severity
from bench import pages
from bench.replay import measure
from tests.support.archives.random_damage import changed_copy
from tests.support.faults.warc_mutations import MUTATIONS, by_fastwarc, by_warcio, ours, split

#: RELIABILITY's bounds of one file: seconds and MiB.
SECONDS, MEBIBYTES = 5, 200
EITHER = frozenset({0, 1})


def verify_file(path: Path) -> bool:
    """Return whether anything is found in a file, by the code the command calls."""
    with Verification() as verification:
        return any(found.severity is Severity.ERROR for found in verification.files([path]))


def environment(folder: Path) -> dict[str, str]:
    return {
        "ARCHIVE_URL": str(folder / "archive"),
        "INDEX_URL": f"sqlite:///{folder / 'index.sqlite3'}",
    }


def command(path: Path, where: dict[str, str]) -> tuple[bool, float, int]:
    """Return whether `scrapy verify FILE` exits 1, its CPU seconds and peak memory in MiB."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scrapy", "verify", str(path)],
        env=os.environ | where,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in EITHER:
        raise SystemExit(f"verify {path} ended with {process.returncode}")
    return process.returncode == 1, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def mutations(count: int, seed: int) -> int:
    """Print how many designed mutations, random flips, cuts and losses are flagged (F5)."""
    missed, slowest, largest = [], 0.0, 0
    with tempfile.TemporaryDirectory() as place:
        path, where = Path(place, "a.warc.gz"), environment(Path(place))
        for name, mutate in MUTATIONS.items():
            path.write_bytes(mutate(split(ours())))
            flagged, seconds, memory = command(path, where)
            slowest, largest = max(slowest, seconds), max(largest, memory)
            if not flagged:
                missed.append(name)
        print(
            f"designed: {len(MUTATIONS) - len(missed)} of {len(MUTATIONS)} flagged {missed}",
            flush=True,
        )
        alarms = [
            data
            for data in (ours(), by_warcio(), by_warcio("1.1"), by_fastwarc())
            if false_alarm(path, data, where)
        ]
        print(
            f"false alarms on good files (ours, warcio 1.0 and 1.1, FastWARC): {len(alarms)}",
            flush=True,
        )
        print(
            f"slowest command {slowest:.2f} CPU s, largest {largest} MiB (at most {SECONDS} s, {MEBIBYTES} MiB)",
            flush=True,
        )
        random_missed = random_damage(Path(place, "random"), count, seed)
    bounded = slowest < SECONDS and largest < MEBIBYTES
    return 0 if not (missed or alarms or random_missed) and bounded else 1


def false_alarm(path: Path, data: bytes, where: dict[str, str]) -> bool:
    path.write_bytes(data)
    return command(path, where)[0]


def random_damage(folder: Path, count: int, seed: int) -> int:
    """Flip, cut, drop and overwrite; return how many were missed even with the manifest."""
    folder.mkdir()
    path = folder / "a.warc.gz"
    path.write_bytes(ours())
    fixity.record_segment(FolderStore(path.parent), path.name)
    manifest = (folder / fixity.NAME).read_bytes()
    data, dice = ours(), random.Random(seed)
    alone = missed = 0
    slowest = 0.0
    for _ in range(count):
        damaged = bytearray(data)
        at = dice.randrange(len(data))
        how = dice.choice(("flip", "flip", "flip", "flips", "cut", "cut", "drop", "overwrite"))
        if how.startswith("flip"):
            for place in {
                at,
                *(
                    dice.randrange(len(data))
                    for _ in range(dice.randint(1, 9) if how == "flips" else 0)
                ),
            }:
                damaged[place] ^= 1 << dice.randrange(8)
        elif how == "cut":
            del damaged[at:]
        elif how == "drop":
            del damaged[at : at + dice.randint(1, 500)]
        else:
            damaged[at : at + 9] = dice.randbytes(9)
        path.write_bytes(damaged)
        (folder / fixity.NAME).unlink(missing_ok=True)
        began = time.perf_counter()
        flagged = verify_file(path)
        slowest = max(slowest, time.perf_counter() - began)
        if not flagged:
            alone += 1
            (folder / fixity.NAME).write_bytes(manifest)
            missed += not verify_file(path)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"random: {count - missed} of {count} flagged ({alone} of them only by the manifest: cuts between records), "
        f"slowest {slowest * 1000:.0f} ms, this process {memory} MiB"
    )
    return missed + (memory >= MEBIBYTES) + (slowest >= SECONDS)


def drift(changes: int, seed: int, repair: str) -> int:
    """Print how many seeded changes of rows and bytes are found, and repaired (F10)."""
    from crawler.offline.article_reader import read_article

    def findings(folder: Path) -> int:
        with Verification(reader=read_article) as verification:
            found = verification.archive(
                folder / "archive", environment(folder)["INDEX_URL"], SegmentSelection()
            )
            return sum(one.severity is Severity.ERROR for one in found)

    missed: list[str] = []
    unmended: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        good, changed = Path(place, "good"), Path(place, "changed")
        for outlet in ("etoday", "newspim"):
            measure(
                [sys.executable, "-m", "scrapy", "replay", f"seeds/{outlet}"], environment(good)
            )
        if findings(good):
            raise SystemExit("the good archive is not good")
        for number in range(changes):
            what = changed_copy(good, changed, seed + number)
            if not findings(changed):
                missed.append(what)
            if repair and "byte" not in what:
                subprocess.run(
                    shlex.split(repair), env=os.environ | environment(changed), check=True
                )
                if findings(changed):
                    unmended.append(what)
    print(f"drift: {changes - len(missed)} of {changes} changes found {missed}")
    if repair:
        print(f"mended by {repair!r}: all but {len(unmended)} {unmended}")
    return 1 if missed or unmended else 0


def speed(count: int) -> int:
    """Print records per CPU second of verify and of two other checkers on one segment."""
    with tempfile.TemporaryDirectory() as place:
        folder, source = Path(place), Path(place, "pages.warc.gz")
        with source.open("wb") as out:
            pages.write(out, count)
        measure(
            [sys.executable, "-m", "scrapy", "replay", str(source)], environment(folder), EITHER
        )
        segments = sorted((folder / "archive").glob("*.warc.gz"))
        scripts = Path(sys.executable).parent
        runs = {
            "verify": [sys.executable, "-m", "scrapy", "verify"],
            "verify --skip-reading": [sys.executable, "-m", "scrapy", "verify", "--skip-reading"],
            "verify FILE": [sys.executable, "-m", "scrapy", "verify", *map(str, segments)],
            "warcio check": [str(scripts / "warcio"), "check", *map(str, segments)],
            "fastwarc check": [str(scripts / "fastwarc"), "check", "-q", *map(str, segments)],
        }
        with Verification() as verification:
            found = list(verification.files(segments))
            records = verification.tally.records
        print(
            f"{records} records, {sum(path.stat().st_size for path in segments) / 1e6:.1f} MB, {len(found)} findings"
        )
        for name, arguments in runs.items():
            if not shutil.which(arguments[0]):
                print(f"{name}: not installed")
                continue
            seconds, memory = measure(arguments, environment(folder), EITHER)
            print(
                f"{name:22} {records / seconds:8,.0f} records per CPU s (start-up included), {memory // 1024} MiB"
            )
    return 0


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("mutations", "drift", "speed"))
    parser.add_argument("--random", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repair", default="", metavar="COMMAND")
    options = parser.parse_args()
    if options.what == "mutations":
        return mutations(options.random, options.seed)
    if options.what == "drift":
        return drift(options.changes, options.seed, options.repair)
    return speed(options.count)


if __name__ == "__main__":
    raise SystemExit(main())
