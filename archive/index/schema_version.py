"""The version of the schema that this code writes, and those that it refuses to upgrade."""

from __future__ import annotations

#: The newest module in archive/index/migrations/versions.
SCHEMA = "0009"
#: Schemas of unreleased versions, each with another full-text index. They are not upgraded:
#: a reindex makes a new index and takes over what the WARC files can't tell.
EARLIER_SCHEMAS = frozenset(f"{number:04}" for number in range(1, 9))
