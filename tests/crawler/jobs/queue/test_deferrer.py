"""What is sent to workers: the whole job, its lock and its priority."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import make_url

from archive.index.database import Index, IndexUnusableError
from archive.runs.job_runs import Past
from archive.runs.queue import QueueState, queue_state
from archive.runs.record import RunRecord
from crawler.jobs.config import parse_jobs
from crawler.jobs.due import Order
from crawler.jobs.queue.deferrer import YOUNG, lock_names, priority
from crawler.jobs.queue.message import MessageError, job_of, message_of, secret_settings
from crawler.jobs.queue.procrastinate_queue import JobQueue
from tests.support.databases.postgres import new_database

JOBS = """
[[job]]
name = "often"
outlet = "etoday"
every = "10m"
arguments = { limit = 5 }
settings = { DOWNLOAD_DELAY = 2.5, ALERT_URL = "https://a.example/", http_proxy = "h", FEED = "ftp://u:p@h/", APIKEY = "u:p@h", SOURCE = "postgresql://h/n?password=u:p@h" }
time_limit = "90m"
retries = 4
backoff = "90s"
alert = false
[[job]]
name = "nightly"
command = "verify --sample 50%"
cron = "0 5 * * 1"
"""


def test_a_job_travels_whole_but_for_what_may_hold_a_password() -> None:
    often, nightly = parse_jobs(JOBS)
    assert secret_settings(often) == ["ALERT_URL", "http_proxy", "FEED", "APIKEY", "SOURCE"]
    assert job_of(message_of(often)) == replace(often, settings=(("DOWNLOAD_DELAY", "2.5"),))
    assert "u:p@h" not in str(message_of(often))
    now = datetime.now(UTC)
    for job in (often, nightly):
        assert job_of(message_of(job)).schedule.next(now) == job.schedule.next(now)
    assert job_of(message_of(nightly)) == nightly


@pytest.mark.parametrize(
    "wrong", [{}, {"schedule": "at noon"}, {"words": None}, {"settings": []}, {"retries": "many"}]
)
def test_what_is_no_job_is_refused(wrong: dict[str, object]) -> None:
    message = message_of(parse_jobs(JOBS)[0]) | wrong if wrong else {}
    with pytest.raises(MessageError):
        job_of(message)


def test_jobs_have_one_lock_if_hosts_connect_them() -> None:
    first, command = parse_jobs(JOBS)
    jobs = [
        replace(first, name="a", outlet="a", hosts=("a.example", "feeds.example")),
        replace(first, name="b", outlet="b", hosts=("b.example", "more.example")),
        replace(first, name="c", outlet="c", hosts=("c.example",)),
        replace(first, name="d", outlet="d", hosts=("more.example", "feeds.example")),
        replace(first, name="e", outlet="c", hosts=("c.example",)),
        command,
    ]
    locks = lock_names(jobs)
    assert locks["a"] == locks["b"] == locks["d"] == "host a.example"
    assert locks["c"] == locks["e"] == "host c.example"
    assert locks["nightly"] == "job nightly"
    assert lock_names(jobs[::-1]) == locks


def test_young_outlets_come_first_and_crawls_before_other_commands() -> None:
    crawl, command = parse_jobs(JOBS)
    now = datetime.now(UTC)

    def since(begun: timedelta) -> Past:
        return Past(first=RunRecord(run_id="1", verb="crawl", started_at=now - begun))

    ordered = [
        priority(crawl, Past(), now),
        priority(crawl, since(YOUNG - timedelta(seconds=1)), now),
        priority(crawl, since(YOUNG), now),
        priority(command, Past(), now),
    ]
    assert ordered == sorted(ordered, reverse=True)
    assert ordered[0] == ordered[1] > ordered[2] > ordered[3]


def test_who_may_not_read_the_queue_reads_the_index_without_it() -> None:
    url = new_database()
    with Index(url, brief=True) as index:
        JobQueue(index)
        with index.reading() as connection:
            found = queue_state(connection)
    assert found == QueueState(waiting=0, running=0, oldest=None)
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as granting:
        granting.execute("CREATE ROLE reads_no_queue LOGIN")
        granting.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reads_no_queue")
    as_reader = make_url(url).set(username="reads_no_queue").render_as_string(hide_password=False)
    with Index(as_reader, read_only=True, brief=True) as index, index.reading() as connection:
        assert queue_state(connection) is None


def test_who_may_not_use_the_queue_is_told_which_right_is_missing() -> None:
    url = new_database()
    with Index(url, brief=True) as index:
        JobQueue(index)
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    as_reader = make_url(url).set(username="defers_nothing").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as granting:
        granting.execute("CREATE ROLE defers_nothing LOGIN")
        granting.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO defers_nothing")
        with Index(as_reader, read_only=True, brief=True) as index:
            with pytest.raises(IndexUnusableError, match="may not use the schema procrastinate"):
                JobQueue(index)
            granting.execute("GRANT USAGE ON SCHEMA procrastinate TO defers_nothing")
            queue = JobQueue(index)
            order = Order(job=parse_jobs(JOBS)[0], due_at=datetime.now(UTC), attempt=1)
            with pytest.raises(IndexUnusableError, match="the user lacks the right; the database"):
                queue.defer(order, "lock", 0)


def test_many_processes_may_be_the_first_to_use_the_queue() -> None:
    url = new_database()
    Index(url).close()
    begin = threading.Barrier(6)

    def prepare() -> str:
        with Index(url, brief=True) as index:
            begin.wait()
            return JobQueue(index).name

    with ThreadPoolExecutor(6) as threads:
        found = [threads.submit(prepare) for _ in range(6)]
    assert [one.result() for one in found] == ["public"] * 6
