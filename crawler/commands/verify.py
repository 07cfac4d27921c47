"""``scrapy verify``: prove that the archive is whole, conforms, and is what its index says."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError, index_path
from archive.model.program import PROGRAM
from archive.runs.recorder import RunRecorder
from archive.segments.names import archive_folder, closed_segments
from archive.verify.archive import Verification
from archive.verify.selection import SegmentSelection, sample_of
from crawler import VERSION
from crawler.cli.base import Verb, day_option, usage_error
from crawler.cli.findings import Findings
from crawler.offline.article_reader import read_article

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Verifies the archive, or files. Reads ARCHIVE_URL and INDEX_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] [FILE …]"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Verify the archive against its manifest and index, or any WARC files by themselves"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read every segment of the archive strictly, compare it with the fixity manifest, every row of the index "
            "with the record it leads to, both ways, and every article with what is read from its captures. With "
            "FILEs, read those WARC files only, whoever wrote them. One line a finding; exit status 1 if there is any. "
            f"Example: {PROGRAM} verify --sample 10%"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --since, --sample, --seed, --skip-reading, --witness."""
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
            help="only so many segments, or so many in a hundred, by chance",
        )
        parser.add_argument(
            "--skip-reading",
            action="store_true",
            help="don't read the articles again out of their captures",
        )
        parser.add_argument(
            "--witness",
            action="store_true",
            help="compare each record with how warcio reads it, too",
        )
        parser.add_argument(
            "--seed", type=int, metavar="N", help="draw the sample of that seed again"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Verify; 1 if anything was found."""
        if args and (opts.since or opts.sample):
            raise usage_error(
                "--since and --sample choose among the archive's segments; name no files"
            )
        if opts.seed is not None and not opts.sample:
            raise usage_error("--seed is that of a --sample")
        if opts.sample:
            try:
                sample_of(opts.sample)
            except ValueError as error:
                raise usage_error(f"--sample {opts.sample}: {error}") from error
        paths = list(dict.fromkeys(map(Path, args)))
        folder = Path(archive_folder(self.text_setting("ARCHIVE_URL")))
        if not args and folder.exists() and not folder.is_dir():
            print(
                f"{PROGRAM} verify: {folder} is a file; ARCHIVE_URL names the folder of the "
                "archive.",
                file=sys.stderr,
            )
            return 1
        seed = opts.seed if opts.seed is not None else secrets.randbelow(10**6)
        if not paths:
            self._note_run(opts)
        findings = Findings()
        reader = None if opts.skip_reading else read_article
        with Verification(findings.advance, reader, witness=opts.witness) as verification:
            findings.start(paths or closed_segments(folder))
            try:
                if paths:
                    found = verification.files(paths)
                else:
                    found = verification.archive(
                        folder,
                        self.text_setting("INDEX_URL"),
                        SegmentSelection(opts.since, opts.sample, seed),
                    )
                for finding in found:
                    findings.add(finding)
            finally:
                findings.finish()
            findings.summary(verification.tally, seed=seed if opts.sample else None)
        return findings.exit_code

    def _note_run(self, opts: argparse.Namespace) -> None:
        """Write into the history that the archive is being verified, where there is an index that takes it."""
        if not index_path(self.text_setting("INDEX_URL")).exists():
            return
        words = [f"--since={opts.since}"] * bool(opts.since) + [f"--sample={opts.sample}"] * bool(
            opts.sample
        )
        words += ["--skip-reading"] * opts.skip_reading + ["--witness"] * opts.witness
        run = RunRecorder("verify", arguments=words, version=VERSION)
        try:
            self.enter(run)
        except IndexUnusableError as error:
            # What can only be read can be verified, too.
            print(f"{PROGRAM} verify: the history will not tell of it: {error}", file=sys.stderr)
