"""Tables that an index has only while it is built: how far reading has come, and what it found.

``rebuild_segments`` has a row for each segment that was begun, or for each part that reads of it;
the part is 0 where all of it is read at once.
"""

from __future__ import annotations

SCAFFOLD = (
    "rebuild_state",
    "rebuild_outlets",
    "rebuild_segments",
    "rebuild_findings",
    "rebuild_revisits",
)
CREATE_SCAFFOLD = (
    "CREATE TABLE rebuild_state (state TEXT)",
    "CREATE TABLE rebuild_outlets (outlet TEXT PRIMARY KEY, part BIGINT)",
    "CREATE TABLE rebuild_segments"
    " (name TEXT, part BIGINT, position BIGINT, size BIGINT, PRIMARY KEY (name, part))",
    "CREATE TABLE rebuild_findings (source TEXT, reason TEXT, sentence TEXT)",
    "CREATE TABLE rebuild_revisits (record_id TEXT PRIMARY KEY, repeats TEXT)",
)
