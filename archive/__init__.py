"""What is kept: exchanges in WARC segments, articles and their history in the index."""

from __future__ import annotations
