"""The same articles, whether one process makes them or workers side by side, and wherever they lie."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.databases import s3_server
from tests.support.processes.schedules import wait_for
from tests.support.processes.workers import Fleet, end
from tests.support.sites.shared_hosts import SharedHosts

if TYPE_CHECKING:
    from pathlib import Path


def exported(fleet: Fleet) -> list[dict[str, Any]]:
    """Return the export in order, without when and where in the archive each article was stored."""
    path = fleet.folder / "export.jsonl"
    said = fleet.run("export", str(path))
    assert said.code == 0, said.err
    articles = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for article in articles:
        del article["captured_at"]
        article["warc"] = article["warc"]["payload_digest"]
    return sorted(articles, key=lambda one: (one["outlet"], one["article_id"]))


def test_workers_on_postgresql_and_s3_make_what_one_process_makes_in_a_folder(
    tmp_path: Path,
) -> None:
    bucket = s3_server.new_bucket()
    with SharedHosts(4, 2, 6) as site:
        alone = Fleet(tmp_path / "alone", site, url=f"sqlite:///{tmp_path / 'index.sqlite3'}")
        alone.crawl_every("1d")
        alone.options += ["-s", "JOBS_AT_ONCE=1"]
        assert alone.start("schedule", "--once").wait(400) == 0, alone.said("schedule")
        env = {"S3_ENDPOINT": s3_server.server(), **s3_server.CREDENTIALS}
        many = Fleet(tmp_path / "many", site, archive=f"s3://{bucket}/a", env=env)
        many.crawl_every("1d")
        assert many.run("schedule", "--once").code == 0
        workers = [many.start("worker") for _ in range(4)]
        try:
            wait_for(lambda: [row["ending"] for row in many.runs()] == ["succeeded"] * 4, 300)
        finally:
            codes = [end(worker) for worker in workers]
        assert codes == [0] * 4, many.said("worker")
        assert len(exported(alone)) == 24
        assert exported(alone) == exported(many)
        for fleet in (alone, many):
            verified = fleet.run("verify")
            assert verified.code == 0, verified
        logs = {row["job"]: row["log"] for row in many.runs()}
        assert all(log.startswith(f"s3://{bucket}/a/logs/{job}/") for job, log in logs.items())
        kept = {log.removeprefix(f"s3://{bucket}/") for log in logs.values()}
        assert kept == {key for key in s3_server.keys(bucket) if key.startswith("a/logs/")}
