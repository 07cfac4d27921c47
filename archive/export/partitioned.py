"""A folder of Parquet files of articles, by outlet and month of publication in KST.

The names are those of Hive, ``outlet=etoday/month=2023-09/part-0.parquet``, which DuckDB, pandas
and Polars read as columns. The month of articles of unknown publication is ``unknown``.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from contextlib import contextmanager
from itertools import count, groupby
from typing import TYPE_CHECKING
from urllib.parse import quote

from archive.export.article_files import CountedRows, check_format
from archive.export.articles import PARQUET, ExportError
from archive.index.rows.article_rows import iso_time
from archive.segments.files.atomic_files import PART, sync_file, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archive.articles.queries import ExportRow

#: The month of articles of unknown publication.
UNKNOWN = "unknown"
#: Of renameat2(2): paths are relative to the current folder; the two names change places.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def write_partitioned(folder: Path, rows: Iterable[ExportRow]) -> int:
    """Write articles to a folder, which is replaced only when all are written.

    The rows come by outlet and month, see `archive.articles.selected_rows.rows_of`. Return their
    number.

    :raises ExportError: there are none, pyarrow is not installed, the folder holds other things
        than such an export, or it cannot be written.
    """
    check_format(PARQUET)
    counted = CountedRows(rows)
    with _replacing(folder) as part:
        for (outlet, month), some in groupby(counted, _partition):
            _write_part(part / f"outlet={quote(outlet, safe='')}" / f"month={month}", some)
        if not counted.number:
            raise ExportError(f"no article matches, so {folder} was not written")
    return counted.number


def _partition(found: ExportRow) -> tuple[str, str]:
    row, _ = found
    published_at = row["published_at"]
    return row["outlet"], UNKNOWN if published_at is None else iso_time(published_at)[:7]


def _write_part(folder: Path, rows: Iterable[ExportRow]) -> None:
    from archive.export.parquet import parquet_chunks

    folder.mkdir(parents=True, exist_ok=True)
    # There is another one only where SQLite and Python disagree in which month a moment lies.
    path = next(
        name
        for name in (folder / f"part-{number}{PARQUET}" for number in count())
        if not name.exists()
    )
    with path.open("xb") as file:
        for chunk in parquet_chunks(rows, without="outlet"):
            file.write(chunk)
    sync_file(path)


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Yield a new folder, and put it in the place of ``folder`` if nothing was raised.

    :raises ExportError: it cannot be written, or must not be replaced.
    """
    target = folder.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}{PART}")
    try:
        _check_replaceable(folder)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            yield part
            _put_in_place(part, target)
            sync_folder(target.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise ExportError(
            f"cannot write {folder} ({error.strerror or error}); nothing was changed"
        ) from error


def _check_replaceable(folder: Path) -> None:
    """Raise ExportError if there is anything that is no such export."""
    if folder.is_symlink() and not folder.exists():
        raise ExportError(f"{folder} is a link that leads nowhere; name another folder")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ExportError(f"{folder} is a file, and --partition writes a folder; name another one")
    for path in folder.rglob("*"):
        if not _is_ours(path.relative_to(folder).parts, path):
            raise ExportError(
                f"{folder} holds something else than such an export ({path.relative_to(folder)});"
                " name an empty folder, or a new one. Nothing was changed"
            )


def _is_ours(parts: tuple[str, ...], path: Path) -> bool:
    """Whether an export makes an entry of that name at that depth."""
    begins = ("outlet=", "month=", "part-")
    if len(parts) > len(begins) or not parts[-1].startswith(begins[len(parts) - 1]):
        return False
    if len(parts) < len(begins):
        return path.is_dir() and not path.is_symlink()
    return path.is_file() and path.suffix == PARQUET


def _put_in_place(part: Path, target: Path) -> None:
    """Rename the new folder to the name of the old one; at ``part`` is then the old one, if any."""
    if not target.exists() or not any(target.iterdir()):
        part.rename(target)
        return
    if _exchange(part, target):
        return
    # A file system without that call: for a moment there is no folder of that name.
    old = part.with_suffix(".old")
    target.rename(old)
    try:
        part.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two names change places in one step; return False where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    return bool(rename(*paths, _RENAME_EXCHANGE) == 0)
