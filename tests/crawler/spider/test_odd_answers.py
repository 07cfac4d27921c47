"""An outlet that answers oddly for one run loses no article; `python -m bench.outages` in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.sites.odd_answers import (
    GONE_ANSWERS,
    ODD_ANSWERS,
    delete_one,
    drill,
    two_outages,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sites.odd_answers import OddAnswer

_SHORT = ("404", "999", "front page", "maintenance", "alert: deleted")


@pytest.mark.parametrize(
    "answer", [one for one in ODD_ANSWERS if one.name in _SHORT], ids=lambda one: one.name
)
def test_one_odd_answer_costs_nothing_and_the_run_says_so(
    tmp_path: Path, answer: OddAnswer
) -> None:
    assert drill(tmp_path, answer).faults(answer) == []


@pytest.mark.parametrize("answer", GONE_ANSWERS[:1], ids=lambda one: one.name)
def test_two_outages_are_no_second_visit(tmp_path: Path, answer: OddAnswer) -> None:
    assert two_outages(tmp_path, answer, "newspim") == (0, 0, 0)


def test_a_real_deletion_is_confirmed_at_the_second_visit(tmp_path: Path) -> None:
    found = delete_one(tmp_path, 404, "newspim")
    assert found.first[0] == "due"
    assert found.second == ("dead", "deleted")
    assert found.visits_after == 0
