"""Reading WARC files: any of them from end to end, and one record of our own by its location.

A record is given when its whole block is there, the gzip checksum over it holds and its digests
agree. Everything else is told as a `Damage`, and reading goes on behind it. Walking the members
ourselves is what shows damage: FastWARC, which is faster (bench/warc.py), ends quietly there, and
does not give a head as it lies.

Both digests are compared of every record, because rows are made of what is given here: by its block
digest alone a record with a wrong payload digest would become one, by the payload's alone one whose
head was changed. They are what reading costs most.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.exchange import MAX_DOCUMENT
from archive.warc.gzip_reader import MAGIC, GzipPieces, PlainPieces
from archive.warc.record_iterator import RecordIterator
from archive.warc.record_parser import Damage, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from archive.warc.gzip_reader import Pieces

__all__ = ["Damage", "Record", "iterate", "iterate_file"]


def iterate(
    path: Path | str, limit: int = MAX_DOCUMENT, start: int = 0, *, guessed: bool = False
) -> Iterator[Record | Damage]:
    """Every record of a WARC file (1.x or 0.x, plain or gzipped, in one member or many), in order.

    Records longer than ``limit`` bytes are `Damage` and passed over. Memory stays within a few
    times ``limit``. A file cut exactly between two records cannot be told from a shorter one. From
    ``start`` on, where a record begins; or, if that is only ``guessed``, from the first place
    behind it that looks like one's beginning.

    :raises OSError: the file cannot be opened or read.
    """
    with Path(path).open("rb", buffering=0) as file:
        yield from iterate_file(file, limit, start, guessed=guessed)


def iterate_file(
    file: BinaryIO, limit: int = MAX_DOCUMENT, start: int = 0, *, guessed: bool = False
) -> Iterator[Record | Damage]:
    """As `iterate`, of an open file that can be sought in."""
    pieces = _pieces(file)
    if not start or pieces.begin(start, guessed=guessed):
        yield from RecordIterator(pieces, limit).run()


def _pieces(file: BinaryIO) -> Pieces:
    first = file.read(len(MAGIC))
    file.seek(0)
    agreeing = sum(one == other for one, other in zip(first, MAGIC, strict=False))
    # one damaged byte must not cost the whole file
    return GzipPieces(file) if agreeing >= 2 else PlainPieces(file)
