"""Fixtures of the WARC tests."""

from __future__ import annotations

import pytest

from tests.support.archives.warc_samples import a_segment


@pytest.fixture(scope="module")
def good() -> bytes:
    """Return a closed segment without damage."""
    return a_segment()
