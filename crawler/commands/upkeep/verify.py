"""``scrapy verify``: check the archive against its manifest and index, or single files."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError, index_exists
from archive.model.program import PROGRAM
from archive.runs.recorder import RunRecorder
from archive.segments.store import store_at
from archive.verify.selection import SegmentSelection, sample_of
from crawler import VERSION
from crawler.cli.base import Verb, day_option, usage_error
from crawler.cli.output.findings import Findings, JsonFindings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from archive.segments.store import Store


class Command(Verb):
    """Verify the archive, or files. Reads ARCHIVE_URL and INDEX_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] [FILE …]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read every segment of the archive strictly and check it against the fixity manifest, "
            "every row of the index against its record and every record against the index, and "
            "every article against what is read from its captures now. With FILEs, read only "
            "these WARC files and WACZs, whatever wrote them. Prints one line for each finding; "
            "exit status 1 if there is an error. "
            f"Example: {PROGRAM} verify --sample 10%"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --since, --sample, --seed, --skip-reading, --witness, --json."""
        super().add_options(parser)
        parser.add_argument(
            "--since",
            type=day_option,
            metavar="YYYY-MM-DD",
            help="only segments closed on this day (KST) or later",
        )
        parser.add_argument(
            "--sample",
            default="",
            metavar="N|N%%",
            help="only N segments, or N %% of them, chosen at random",
        )
        parser.add_argument(
            "--skip-reading",
            action="store_true",
            help="do not read the articles from their captures again",
        )
        parser.add_argument(
            "--witness",
            action="store_true",
            help="compare each record with how warcio reads it, too",
        )
        parser.add_argument(
            "--seed",
            type=int,
            metavar="N",
            help="choose the same sample as the run that printed this seed",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Verify; return 1 if there is an error."""
        # Scrapy imports all commands for each of them: what verifies is not imported by the others.
        from archive.verify.archive import Verification
        from crawler.offline.article_reader import read_article

        _check_options(args, opts)
        paths = list(dict.fromkeys(map(Path, args)))
        store = store_at(self.text_setting("ARCHIVE_URL"))
        if not paths:
            if store.spool.exists() and not store.spool.is_dir():
                print(
                    f"{PROGRAM} verify: {store.place()} is a file; ARCHIVE_URL names the folder of "
                    "the archive.",
                    file=sys.stderr,
                )
                return 1
            self._record_start(opts)
        seed = opts.seed if opts.seed is not None else secrets.randbelow(10**6)
        findings = JsonFindings() if opts.json else Findings()
        read = None if opts.skip_reading else read_article
        with Verification(findings.advance, read, witness=opts.witness) as verification:
            findings.start(_size_of(paths) if paths else _size_of_segments(store))
            try:
                if paths:
                    found = verification.files(paths)
                else:
                    selection = SegmentSelection(opts.since, opts.sample, seed)
                    found = verification.archive(store, self.text_setting("INDEX_URL"), selection)
                for finding in found:
                    findings.add(finding)
            finally:
                findings.finish()
            findings.summary(verification.tally, seed=seed if opts.sample else None)
        return findings.exit_code

    def _record_start(self, opts: argparse.Namespace) -> None:
        """Write the start of the verification to the history of runs, if there is an index."""
        if not index_exists(self.text_setting("INDEX_URL")):
            return
        words = []
        if opts.since:
            words.append(f"--since={opts.since}")
        if opts.sample:
            words.append(f"--sample={opts.sample}")
        if opts.skip_reading:
            words.append("--skip-reading")
        if opts.witness:
            words.append("--witness")
        run = RunRecorder("verify", arguments=words, version=VERSION)
        try:
            self.enter(run)
        except IndexUnusableError as error:
            # An archive whose index can only be read can be verified all the same.
            print(
                f"{PROGRAM} verify: this run could not be recorded in the run history: {error}",
                file=sys.stderr,
            )


def _size_of(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())


def _size_of_segments(store: Store) -> int:
    """Return the bytes of the closed segments, 0 if they cannot be examined: reading says why."""
    try:
        return sum(one.size for one in store.segments() if not one.is_open)
    except OSError:
        return 0


def _check_options(args: list[str], opts: argparse.Namespace) -> None:
    """Check the options against each other.

    :raises UsageError: they do not go together, or the sample is not a number.
    """
    if args and (opts.since or opts.sample):
        raise usage_error("--since and --sample select segments of the archive; name no files")
    if opts.seed is not None and not opts.sample:
        raise usage_error("--seed needs --sample")
    if opts.sample:
        try:
            sample_of(opts.sample)
        except ValueError as error:
            raise usage_error(f"--sample {opts.sample}: {error}") from error
