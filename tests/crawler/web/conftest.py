"""A reading room for all tests of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.readers import reading_room
from tests.support.readers.reading_room import opened_room, replayed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Client

    from tests.support.processes.cli import Workspace


@pytest.fixture(scope="package")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An archive with the seeds of two outlets; nobody writes to it."""
    return replayed(tmp_path_factory.mktemp("seeds"))


@pytest.fixture(scope="module")
def room(seeds: Workspace) -> Iterator[Client]:
    """A client of a reading room over the seeds."""
    with opened_room(seeds) as client:
        yield client


@pytest.fixture(scope="package")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An archive of an article with a history; nobody writes to it."""
    return reading_room.eventful(tmp_path_factory.mktemp("eventful"))


@pytest.fixture(scope="package")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An index with runs and alarms; nobody writes to it."""
    return reading_room.busy(tmp_path_factory.mktemp("busy"))
