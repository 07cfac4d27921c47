"""A server that only follows another: whoever reads is served, whoever writes is told in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from tests.support.documents import SEEDS
from tests.support.faults.own_server import OwnServer
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_a_standby_is_read_and_takes_no_changes(tmp_path: Path) -> None:
    with OwnServer() as server:
        url = server.database("kept")
        own = {
            "INDEX_URL": url,
            "CONTACT": "desk@example.org",
            "LOG_FOLDER": str(tmp_path / "log"),
            "JOBS_FILE": str(tmp_path / "jobs.toml"),
        }
        primary = Workspace(tmp_path, own)
        assert primary.run("replay", SEEDS / "etoday").code == 0
        (tmp_path / "jobs.toml").write_text('[[job]]\noutlet = "etoday"\nevery = "1d"\n')
        with server.standby() as folder:
            there = make_url(url).update_query_dict({"host": folder})
            followed = {"INDEX_URL": there.render_as_string(hide_password=False)}
            workspace = replace(primary, settings=own | followed)
            for words in (("search", "푸틴"), ("status",)):
                said = workspace.run(*words)
                assert (said.code, said.err) == (0, ""), said
            verified = workspace.run("verify")
            assert verified.code == 0, verified
            assert "this run could not be recorded in the run history" in verified.err
            backup = str(tmp_path / "backup")
            for words in (
                ("replay", str(SEEDS / "newspim")),
                ("crawl", "etoday", "newspim"),
                ("remove", "etoday/9000000001", "--reason", "x", "--yes"),
                ("reindex",),
                ("schedule", "--once"),
                ("worker",),
                ("verify", "--workers", "2"),
                ("backup", backup, "--workers", "2"),
            ):
                said = workspace.run(*words)
                assert said.code == 1, (words, said)
                assert "the server takes no changes; name its primary server" in said.err, words
                assert "Traceback" not in said.err, words
            assert workspace.run("backup", backup).code == 0
        assert primary.run("schedule", "--once").out == "deferred: etoday\n"
