"""The files in docs/deploy and the Dockerfile, checked without installing them."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from scrapy.settings import Settings

import crawler.settings
from crawler.commands.crawling import schedule, worker
from crawler.commands.reading import serve
from tests.support.processes.cli import ROOT

DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def words(name: str) -> list[list[str]]:
    """The lines of a file that say something, in words."""
    return [
        line.split()
        for line in (ROOT / name).read_text("utf-8").splitlines()
        if line and line[0] not in "# "
    ]


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    """Beneath a root of their own, where what they start is."""
    for command in ("opt/sacho/.venv/bin/sacho", "bin/kill"):
        path = tmp_path / command
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    shutil.copytree(DEPLOY / "systemd", tmp_path / "etc" / "systemd" / "system")
    for theirs in Path("/usr/lib/systemd/system").glob("*.target"):
        (tmp_path / "usr/lib/systemd/system").mkdir(parents=True, exist_ok=True)
        shutil.copy(theirs, tmp_path / "usr/lib/systemd/system", follow_symlinks=True)
    names = [f"/etc/systemd/system/{path.name}" for path in UNITS]
    said = subprocess.run(
        ["systemd-analyze", f"--root={tmp_path}", "verify", *names], capture_output=True, text=True
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_what_is_denied_to_one_unit_is_denied_to_all() -> None:
    def denied(name: str) -> set[str]:
        lines = (DEPLOY / "systemd" / f"{name}.service").read_text("utf-8").splitlines()
        return {
            line
            for line in lines
            if re.match("Protect|Private|Restrict[NRS]|NoNew|System|Cap|Lock|User", line)
        }

    assert denied("sacho") == denied("sacho-once") == denied("sacho-worker@")
    assert denied("sacho-backup") - denied("sacho") == {"PrivateNetwork=yes"}
    assert denied("sacho") <= denied("sacho-backup")
    assert denied("sacho") <= denied("sacho-serve")


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_the_dockerfile_is_linted() -> None:
    said = subprocess.run(["hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_the_image_is_made_of_what_the_project_needs_and_of_nothing_else() -> None:
    let_in = {line[0][1:].rstrip("/") for line in words(".dockerignore") if line[0].startswith("!")}
    copied = {
        name.rstrip("/") for line in words("Dockerfile") if line[0] == "COPY" for name in line[1:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    packages = setup["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} <= copied
    assert words(".dockerignore")[0] == ["*"]


def test_cron_is_given_lines_it_understands() -> None:
    lines = [line for line in words("docs/deploy/crontab") if "=" not in line[0]]
    assert lines
    for line in lines:
        assert all(re.fullmatch(r"[\d*/,-]+", field) for field in line[:5])
        assert line[5:9] == ["sacho", "cd", "/opt/sacho", "&&"]
        assert not re.search(r"(?<!\\)%", " ".join(line)), (
            "cron takes a bare % for the end of the line"
        )


def test_everything_runs_in_one_place_by_one_user() -> None:
    """A path that one file names otherwise than the others would be found out at night."""
    text = "".join(path.read_text("utf-8") for path in sorted(DEPLOY.rglob("*")) if path.is_file())
    assert set(re.findall(r"/opt/\w+", text)) == {"/opt/sacho"}
    assert set(re.findall(r"^(?:User|Group)=(\w+)", text, re.M)) == {"sacho"}
    assert set(re.findall(r"/mnt/[\w/]+", text)) == {"/mnt/backup", "/mnt/backup/sacho"}


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a file of YAML in docs/deploy."""
    return [*yaml.safe_load_all((DEPLOY / name).read_text("utf-8"))]


def compose() -> dict[str, Any]:
    """The compose file, with what its parts share filled in."""
    (file,) = documents("compose/compose.yaml")
    return file


def pods() -> dict[str, dict[str, Any]]:
    """The pods of the manifests of workers, by name."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in documents("kubernetes-workers.yaml")
        if each["kind"] in ("Deployment", "StatefulSet")
    }


def test_the_compose_file_is_one() -> None:
    spec = pytest.importorskip("compose_spec", reason="compose-spec is not installed")
    parsed = spec.PyCompose.from_json(json.dumps(compose()))
    assert len(parsed.services) == 7
    misspelt = compose()
    misspelt["services"]["s3"]["restrat"] = "always"
    with pytest.raises(ValueError, match="restrat"):
        spec.PyCompose.from_json(json.dumps(misspelt))


@pytest.mark.parametrize("name", ["kubernetes.yaml", "kubernetes-workers.yaml"])
def test_kubernetes_knows_each_field_of_the_manifests(name: str) -> None:
    validate = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed"
    )
    for each in documents(name):
        validate.validate(each, "1.34", strict=True)
        assert "namespace" not in each["metadata"]
    misspelt = documents(name)[0]
    misspelt["metadata"]["lables"] = {}
    with pytest.raises(validate.ValidationError, match="lables"):
        validate.validate(misspelt, "1.34", strict=True)


def test_no_file_holds_a_secret() -> None:
    for path in sorted((DEPLOY / "compose").glob("*.example")):
        given = dict(line.split("=", 1) for [line] in words(str(path.relative_to(ROOT))))
        assert set(given.values()) <= {"", "us-east-1"}
    names = {"PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "READER_TOKEN"}
    for pod in pods().values():
        for given in pod["containers"][0]["env"]:
            assert given["name"] not in names or "secretKeyRef" in given["valueFrom"]
    text = "".join(path.read_text("utf-8") for path in DEPLOY.rglob("*.yaml"))
    assert not re.search(r"://[^/\s@]+:[^/\s@]+@", text)
    assert re.search(r"://[^/\s@]+:[^/\s@]+@", "postgresql://user:secret@host/")


def test_each_service_is_bounded_restarted_and_cannot_change_itself() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"], name
        assert service["restart"] in ("unless-stopped", "on-failure"), name
        assert {"cpus", "mem_limit", "pids_limit", "security_opt"} <= set(service), name
        assert "secret" not in str(service.get("environment", "")).lower(), name
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["automountServiceAccountToken"] is False, name
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"], name
        assert {"requests", "limits"} == set(container["resources"]), name


def test_a_worker_keeps_its_spool_and_has_time_to_drain() -> None:
    services = compose()["services"]
    spools = [services[name]["volumes"] for name in services if name.startswith("worker-")]
    assert len(spools) == 2
    assert spools[0] != spools[1]
    (workers,) = [
        each for each in documents("kubernetes-workers.yaml") if each["kind"] == "StatefulSet"
    ]
    assert workers["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "var"
    unit = (DEPLOY / "systemd" / "sacho-worker@.service").read_text("utf-8")
    assert "SPOOL_FOLDER=/opt/sacho/var/spool/%i" in unit
    assert {services[name]["stop_grace_period"] for name in ("worker-1", "worker-2")} == {"3m"}
    assert pods()["sacho-worker"]["terminationGracePeriodSeconds"] == 180
    assert "TimeoutStopSec=3min" in unit


def commands() -> list[list[str]]:
    """What the files run, as words after ``sacho``."""
    of_compose = [
        service["command"]
        for service in compose()["services"].values()
        if service["image"].startswith("sacho:") and service["command"]
    ]
    of_pods = [pod["containers"][0]["args"] for pod in pods().values()]
    units = "".join(path.read_text("utf-8") for path in UNITS)
    of_units = [
        shlex.split(line) for line in re.findall(r"^ExecStart=-?\S+/sacho (.*)", units, re.M)
    ]
    return [*of_compose, *of_pods, *of_units]


def test_verbs_and_options_are_those_that_there_are() -> None:
    settings = Settings()
    settings.setmodule(crawler.settings)
    verbs = {"schedule": schedule.Command(), "worker": worker.Command(), "serve": serve.Command()}
    seen = set()
    for verb, *options in commands():
        if verb in verbs:
            parser = argparse.ArgumentParser(exit_on_error=False)
            verbs[verb].settings = settings
            verbs[verb].add_options(parser)
            assert parser.parse_known_args(options)[1] == []
            seen.add(verb)
    assert seen == set(verbs)


def test_settings_are_those_that_there_are() -> None:
    (settings,) = [
        each["data"] for each in documents("kubernetes-workers.yaml") if each["kind"] == "ConfigMap"
    ]
    named = {*settings, *compose()["x-environment"], "SPOOL_FOLDER", "JOBS_FILE", "READER_TOKEN"}
    assert [name for name in sorted(named) if not hasattr(crawler.settings, name)] == []
