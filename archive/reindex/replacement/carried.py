"""The tables that a reindex copies from the old index, as they are not derived from the WARCs."""

from __future__ import annotations

from archive.index.schema import DERIVED, metadata

#: In the order of their foreign keys.
CARRIED = tuple(table for table in metadata.sorted_tables if table not in DERIVED)
