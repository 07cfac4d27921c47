"""The table of what a visit's outcome means: complete, and right for the answers outlets give."""

from __future__ import annotations

import pytest

from archive.model.outcome import Outcome, Reason, Verdict
from archive.model.visit_policy import GONE_REASONS, KINDS, VisitKind, visit_kind


def test_every_reason_is_in_the_table() -> None:
    assert set(KINDS) == set(Reason)
    assert {Reason.DELETED, Reason.SOFT_404} == GONE_REASONS


def test_only_what_cannot_change_is_final() -> None:
    final = {reason for reason, kind in KINDS.items() if kind is VisitKind.FINAL}
    assert final == {Reason.UNKNOWN_OUTLET, Reason.NOT_AN_ARTICLE, Reason.REMOVED}


@pytest.mark.parametrize("outcome", [Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED])
def test_a_page_that_was_read_was_served(outcome: Outcome) -> None:
    assert visit_kind(Verdict(outcome)) is VisitKind.SERVED


@pytest.mark.parametrize("status", [None, *range(300, 600), 999])
def test_only_404_and_410_say_that_an_article_is_gone(status: int | None) -> None:
    wanted = VisitKind.DOUBTFUL if status in (404, 410) else VisitKind.TRANSIENT
    assert visit_kind(Verdict(Outcome.FAILED, Reason.HTTP_STATUS), status) is wanted
