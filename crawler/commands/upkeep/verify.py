"""``scrapy verify``: check the archive against its manifest and index, or single files."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from archive.captures.rows import check_archive
from archive.index.address import is_postgres_url
from archive.index.database import IndexUnusableError, index_exists
from archive.model.program import PROGRAM
from archive.runs.recorder import RunRecorder
from archive.verify.selection import MOST_PARTS, SegmentSelection, part_of, sample_of
from crawler import VERSION
from crawler.cli.base import Verb, day_option, number_option, usage_error
from crawler.cli.output.findings import Findings, JsonFindings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from archive.segments.store import Store
    from crawler.jobs.queue.verify_parts import VerificationOfPart


class Command(Verb):
    """Verify the archive, or files. Reads ARCHIVE_URL and INDEX_URL."""

    outlasts_reader = True

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
        """Add the options."""
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
        parser.add_argument(
            "--part",
            default="",
            metavar="K/N",
            help="only the Kth of N ranges of segments, without links to other segments; of 0/N no "
            "segments, but the manifest, the index by itself and the articles",
        )
        parser.add_argument(
            "--of",
            default="",
            metavar="MARK",
            help="with --part: leave what is found to the command that waits for it, by its mark "
            "(--workers sets it)",
        )
        parser.add_argument(
            "--workers",
            type=number_option,
            metavar="N",
            help="let workers verify N ranges of segments, and the rest here",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Verify; return 1 if there is an error."""
        # Scrapy imports all commands for each of them: what verifies is not imported by the others.
        from archive.verify.archive import Verification
        from crawler.offline.article_reader import read_article

        _check_options(args, opts)
        if opts.workers:
            self._check_queue()
            # No worker takes the parts of an archive that is not there; those of one that is empty
            # would be waited for as long as none runs.
            if self.archive_store().names()[0]:
                return self._with_workers(opts)
        paths = list(dict.fromkeys(map(Path, args)))
        store = self.archive_store()
        if not paths:
            if _is_file(store):
                return 1
            self._record_start(opts)
            if opts.sample or opts.since:
                self._check_there_is_any(store)
        seed = opts.seed if opts.seed is not None else secrets.randbelow(10**6)
        findings = _findings(opts)
        read = None if opts.skip_reading else read_article
        part = self._part_of(opts)
        is_left = part is not None
        with Verification(findings.advance, read, witness=opts.witness, joined=is_left) as checked:
            findings.start(_size_of(paths) if paths else _size_of_segments(store))
            try:
                if paths:
                    found = checked.files(paths)
                else:
                    selection = part.selection() if part is not None else _selection(opts, seed)
                    found = checked.archive(store, self.text_setting("INDEX_URL"), selection)
                for finding in found:
                    findings.add(finding)
            finally:
                findings.finish()
            sampled = seed if opts.sample else None
            findings.summary(checked.tally, seed=sampled, is_part=bool(opts.part))
            if part is not None:
                part.leave(checked, findings.found)
        return findings.exit_code

    def _part_of(self, opts: argparse.Namespace) -> VerificationOfPart | None:
        """Return the part that another process waits for, None if this is none."""
        if not opts.of:
            return None
        from crawler.jobs.queue.verify_parts import VerificationOfPart

        return VerificationOfPart(self.text_setting("INDEX_URL"), opts.of, part_of(opts.part))

    def _check_queue(self) -> None:
        """Check that there can be workers.

        :raises UsageError: the index is in a file, or what a queue needs is not installed.
        """
        from crawler.jobs.queue.procrastinate_queue import check_installed

        if not is_postgres_url(self.text_setting("INDEX_URL")):
            raise usage_error("--workers needs workers, and so an index in PostgreSQL")
        check_installed()

    def _with_workers(self, opts: argparse.Namespace) -> int:
        """Let workers verify the segments, and verify the rest; return 1 if there is an error."""
        from crawler.jobs.queue.verify_parts import VerificationByWorkers
        from crawler.offline.article_reader import read_article

        store = self.archive_store()
        if _is_file(store):
            return 1
        self._record_start(opts)
        findings = _findings(opts)
        # One JSON object is all that goes to stdout.
        output = sys.stderr if opts.json else sys.stdout
        with self.open_index(read_only=False, brief=True) as index:
            verification = VerificationByWorkers(
                index, store, opts.workers, lambda line: print(line, file=output, flush=True)
            )
            read = None if opts.skip_reading else read_article
            tally = verification.run(findings, read, witness=opts.witness)
        findings.summary(tally, seed=None)
        return findings.exit_code

    def _check_there_is_any(self, store: Store) -> None:
        """Check that segments are in the store if the index refers to some.

        Of no segments none is selected, which would pass for an archive without findings.

        :raises SegmentError: none is.
        """
        if index_exists(self.text_setting("INDEX_URL")):
            with self.open_index() as index, index.reading() as connection:
                check_archive(store, connection)

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
        if opts.part:
            words.append(f"--part={opts.part}")
        if opts.workers:
            words.insert(0, f"--workers={opts.workers}")
        run = RunRecorder("verify", arguments=words, version=VERSION)
        try:
            self.enter(run)
        except IndexUnusableError as error:
            # An archive whose index can only be read can be verified all the same.
            print(
                f"{PROGRAM} verify: this run could not be recorded in the run history: {error}",
                file=sys.stderr,
            )


def _is_file(store: Store) -> bool:
    """Return whether a file is where the archive should be; say so."""
    if not store.spool.exists() or store.spool.is_dir():
        return False
    print(
        f"{PROGRAM} verify: {store.place()} is a file; ARCHIVE_URL names the folder of the "
        "archive.",
        file=sys.stderr,
    )
    return True


def _findings(opts: argparse.Namespace) -> Findings:
    return JsonFindings() if opts.json else Findings()


def _selection(opts: argparse.Namespace, seed: int) -> SegmentSelection:
    part = part_of(opts.part) if opts.part else None
    return SegmentSelection(opts.since, opts.sample, seed, part)


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
    _check_parts(args, opts)
    if opts.seed is not None and not opts.sample:
        raise usage_error("--seed needs --sample")
    if opts.sample:
        try:
            sample_of(opts.sample)
        except ValueError as error:
            raise usage_error(f"--sample {opts.sample}: {error}") from error


def _check_parts(args: list[str], opts: argparse.Namespace) -> None:
    """Check the options about parts.

    :raises UsageError: they do not go together, or a part is none.
    """
    if (opts.part or opts.workers) and (args or opts.since or opts.sample):
        raise usage_error("--part and --workers are about the whole archive")
    if opts.workers and opts.part:
        raise usage_error("--workers makes the parts; omit --part")
    if opts.workers and opts.workers > MOST_PARTS:
        raise usage_error(f"--workers takes at most {MOST_PARTS} parts")
    if opts.of and not opts.part:
        raise usage_error("--of needs --part")
    if opts.part:
        try:
            part_of(opts.part)
        except ValueError as error:
            raise usage_error(f"--part {opts.part}: {error}") from error
