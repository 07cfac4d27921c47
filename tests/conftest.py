"""On which database the tests run (``SACHO_TEST_INDEX=postgres`` or SQLite), and their browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.databases.postgres import ON_POSTGRES, drop_indexes
from tests.support.readers.browser import started_browser

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser

#: Files of tests that take longest, which begin first: at the end no process has long to go on alone.
#: Those whose tests wait for time to pass stand between those that use a core.
BEGIN_FIRST = (
    "tests/faults/test_soak.py",
    "tests/faults/test_killed_workers.py",
    "tests/package/test_installed.py",
    "tests/crawler/jobs/test_shared_process.py",
    "tests/crawler/spider/test_crawl_stops.py",
    "tests/crawler/jobs/queue/test_worker.py",
    "tests/crawler/commands/test_archive_in_s3.py",
    "tests/crawler/spider/test_crawl_hostile.py",
    "tests/crawler/jobs/test_schedule.py",
    "tests/crawler/spider/test_crawl_bugs.py",
    "tests/crawler/crawling/test_together.py",
    "tests/crawler/middlewares/test_robots.py",
    "tests/crawler/jobs/queue/test_same_archive.py",
    "tests/faults/test_clock_jumps.py",
    "tests/crawler/middlewares/test_politeness.py",
    "tests/crawler/spider/test_crawl_ends.py",
    "tests/bench/test_growth.py",
    "tests/crawler/jobs/queue/test_verify_in_parts.py",
    "tests/crawler/spider/test_crawl_outlets.py",
    "tests/faults/test_killed_uploads.py",
    "tests/crawler/discovery/test_feeds.py",
    "tests/crawler/spider/test_crawl_faults.py",
    "tests/archive/backup/test_backup_postgres.py",
    "tests/faults/test_hostile_archives.py",
    "tests/faults/test_faults.py",
    "tests/archive/index/test_unwritable.py",
    "tests/crawler/spider/test_site_crawl.py",
    "tests/crawler/offline/test_reindex_postgres.py",
    "tests/crawler/web/test_browser.py",
    "tests/archive/frontier/test_frontier_model.py",
    "tests/faults/test_injection.py",
    "tests/crawler/commands/test_verbs.py",
    "tests/archive/events/test_events_postgres.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    config.addinivalue_line(
        "markers", "sqlite_only(reason): the test is of what only a file of SQLite has"
    )
    # How long an example takes says what else the machine does.
    slow = [HealthCheck.too_slow]
    settings.register_profile("patient", deadline=None, suppress_health_check=slow)
    settings.load_profile("patient")
    if ON_POSTGRES:
        # Each example has a database of its own, the making of which takes longer than the test.
        # None is made smaller: that asks for hundreds, and SQLite's run can do it.
        phases = [phase for phase in Phase if phase is not Phase.shrink]
        patient = settings.get_profile("patient")
        settings.register_profile("postgres", patient, max_examples=20, phases=phases)
        settings.load_profile("postgres")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let long tests begin first; skip, on PostgreSQL, what only a file has."""
    places = {name: place for place, name in enumerate(BEGIN_FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
    if not ON_POSTGRES:
        return
    for item in items:
        found = item.get_closest_marker("sqlite_only")
        if found is not None:
            item.add_marker(pytest.mark.skip(reason=f"SQLite only: {found.kwargs['reason']}"))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a report with lone surrogates be sent: one that is not ends its process and the run."""
    data = yield
    return _in_utf_8(data)


def _in_utf_8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_in_utf_8(key): _in_utf_8(one) for key, one in value.items()}
    return type(value)(map(_in_utf_8, value)) if type(value) in (list, tuple) else value


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module's tests: its start costs as much as the rest of a test."""
    with started_browser() as started:
        yield started


@pytest.fixture(autouse=True)
def _dropped_indexes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drop the databases that stand for files in the test's own folder, after the test."""
    if not (ON_POSTGRES and "tmp_path" in request.fixturenames):
        yield
        return
    folder = request.getfixturevalue("tmp_path")
    yield
    drop_indexes(folder)
