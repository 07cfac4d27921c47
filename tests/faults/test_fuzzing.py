"""The short version of bench.fuzz: some hundred inputs a target, made of samples of ours."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

from tests.support.fuzzing.findings import Findings, fault_of, shortened
from tests.support.fuzzing.inputs import mutated
from tests.support.fuzzing.samples import WORDS, samples
from tests.support.fuzzing.targets import TARGETS

#: Inputs that bench.fuzz found, TARGET-FAULT.bin, each made shorter by it.
FOUND = Path(__file__).parents[1] / "support" / "fuzzing" / "found"


@pytest.mark.parametrize("name", WORDS)
def test_no_made_input_breaks_a_target(name: str) -> None:
    check = TARGETS[name]
    found: dict[str, bytes] = {}

    @hypothesis.seed(20261129)
    @hypothesis.settings(
        max_examples=100,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(mutated(name))
    def try_all(data: bytes) -> None:
        if fault := fault_of(check, data):
            found.setdefault(fault, data)

    for sample in samples(name):
        assert not fault_of(check, sample)
    try_all()
    assert not found


def test_a_fault_is_kept_once_by_its_shortest_input(tmp_path: Path) -> None:
    def check(data: bytes) -> None:
        assert b"x" not in data, "there is an x"

    findings = Findings("made", check, tmp_path)
    for data in (b"aaxaa", b"axa", b"b", b"bbbxbbb"):
        findings.try_input(data)
    assert findings.runs == 4
    ((fault, data),) = findings.faults.items()
    assert data == findings.path(fault).read_bytes() == b"axa"
    assert shortened(check, b"aaaaaaxbbbb", fault, 5) == b"x"


@pytest.mark.parametrize("path", sorted(FOUND.iterdir()), ids=lambda path: path.stem)
def test_what_fuzzing_found_is_mended(path: Path) -> None:
    assert fault_of(TARGETS[path.name.partition("-")[0]], path.read_bytes()) == ""
