"""Parquet files of articles, with the keys of the JSON lines and typed values.

Times are instants in the zone Asia/Seoul. Rows are gathered until they are a row group of some
size, however many there are. Imported only where it is used: pyarrow is an extra.
"""

from __future__ import annotations

import io
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive.differences.word_diff import Size
from archive.export.articles import batched
from archive.export.row_values import KEYS, LISTS, MADE, PRECISIONS, TEXTS, TIMES, made_values
from archive.model.times import FIRST, LAST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.articles.queries import ExportRow
    from archive.captures.deletions import Deletion

#: Bytes of a row group before it is compressed, at least.
_GROUP = 2**22
_TIME = pa.timestamp("us", tz="Asia/Seoul")
_STRINGS = pa.list_(pa.string())
# Arrow's own allocator keeps 20 MiB more of what was freed.
pa.set_memory_pool(pa.system_memory_pool())


def _struct(*names: str) -> pa.DataType:
    return pa.struct([(name, pa.string()) for name in names])


_TYPES = {
    **dict.fromkeys((*TEXTS, *PRECISIONS, "identity", "status"), pa.string()),
    **dict.fromkeys((*TIMES, "deleted_at"), _TIME),
    **dict.fromkeys(LISTS, _STRINGS),
    "authors": pa.list_(_struct("name", "role", "email")),
    "images": pa.list_(_struct("url", "caption", "credit")),
    "removed": pa.list_(_struct("rule", "text")),
    "http_status": pa.int32(),
    "revision": pa.int32(),
    "change": pa.struct(
        [("classes", _STRINGS), *((field.name, pa.int64()) for field in fields(Size))]
    ),
    "deletion": pa.struct(
        [("first_seen_gone_at", _TIME), ("confirmed_at", _TIME), ("captures", _STRINGS)]
    ),
    "warc": pa.struct(
        [
            ("file", pa.string()),
            ("offset", pa.int64()),
            ("length", pa.int64()),
            ("record_id", pa.string()),
            ("payload_digest", pa.string()),
        ]
    ),
}
#: Columns whose values come again and again.
_REPEATED = [
    "identity",
    "language",
    "modified_precision",
    "outlet",
    "published_precision",
    "quality",
    "section",
    "status",
]
#: Columns by whose least and greatest value a reader passes over row groups.
_SOUGHT = ["article_id", "captured_at", "modified_at", "outlet", "published_at"]


def parquet_chunks(rows: Iterable[ExportRow], without: str = "") -> Iterator[bytes]:
    """Yield the bytes of a Parquet file of articles, in pieces; ``without`` names a column."""
    schema = pa.schema([(name, _TYPES[name]) for name in KEYS if name != without])
    out = _Pieces()
    repeated = [name for name in _REPEATED if name != without]
    sought = [name for name in _SOUGHT if name != without]
    with pq.ParquetWriter(
        out,
        schema,
        compression="zstd",
        use_dictionary=repeated,
        write_page_index=False,
        data_page_size=2**17,
        # Those of each column of each group are in memory until the end of the file.
        write_statistics=sought,
    ) as writer:
        for table in _groups(rows, schema):
            writer.write_table(table, row_group_size=table.num_rows)
            # What is free is given back: else it was a seventh of the memory at the peak.
            pa.default_memory_pool().release_unused()
            yield from out.taken()
    yield from out.taken()


class _Pieces(io.RawIOBase):
    """A file that keeps what is written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def taken(self) -> list[bytes]:
        """Return what was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces


def _groups(rows: Iterable[ExportRow], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables of the size of a row group, the last one of what remains."""
    held: list[pa.RecordBatch] = []
    size = 0
    for some in batched(rows):
        batch = _batch(some, schema)
        held.append(batch)
        size += batch.nbytes
        if size >= _GROUP:
            yield pa.Table.from_batches(held, schema)
            held, size = [], 0
    if held:
        yield pa.Table.from_batches(held, schema)


def _batch(some: list[ExportRow], schema: pa.Schema) -> pa.RecordBatch:
    made = [made_values(row, deletion) for row, deletion in some]
    arrays = []
    for name in schema.names:
        kind = _TYPES[name]
        if name in LISTS:
            arrays.append(pa.array([_read(row[name]) for row, _ in some], kind))
        elif name in TIMES:
            arrays.append(_times([row[name] for row, _ in some]))
        elif name in MADE:
            arrays.append(_made(name, made, some))
        elif name == "change":
            arrays.append(pa.array([_read(row[name]) for row, _ in some], kind))
        elif name == "deletion":
            arrays.append(pa.array([_deletion(deletion) for _, deletion in some], kind))
        elif name == "warc":
            arrays.append(pa.array([_place(row) for row, _ in some], kind))
        else:
            arrays.append(pa.array([row[name] for row, _ in some], kind))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _made(name: str, made: list[dict[str, Any]], some: list[ExportRow]) -> pa.Array:
    if name == "deleted_at":
        moments = [_deleted_at(deletion) for _, deletion in some]
        return pa.array(moments, _TIME)
    return pa.array([one[name] for one in made], _TYPES[name])


def _read(value: str | None) -> Any:
    if value == "[]":  # most lists of most articles
        return []
    return None if value is None else json.loads(value)


def _times(stored: list[str | None]) -> pa.Array:
    """Return times from the texts, in UTC, that SQLite has of them."""
    moments = pa.array(stored, pa.string()).cast(pa.timestamp("us"))
    keep_nulls = pc.ElementWiseAggregateOptions(skip_nulls=False)
    for limit, bound in ((pc.max_element_wise, FIRST), (pc.min_element_wise, LAST)):
        naive = pa.scalar(bound.replace(tzinfo=None), pa.timestamp("us"))
        moments = limit(moments, naive, options=keep_nulls)
    return moments.cast(_TIME)


def _deleted_at(deletion: Deletion | None) -> Any:
    if deletion is None or deletion.confirmed_at is None:
        return None
    return deletion.first_seen_gone_at


def _deletion(deletion: Deletion | None) -> dict[str, Any] | None:
    if deletion is None:
        return None
    return {
        "first_seen_gone_at": deletion.first_seen_gone_at,
        "confirmed_at": deletion.confirmed_at,
        "captures": list(deletion.captures),
    }


def _place(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "file": row["warc_file"],
        "offset": row["warc_offset"],
        "length": row["warc_length"],
        "record_id": row["record_id"],
        "payload_digest": row["payload_digest"],
    }
