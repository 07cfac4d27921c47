"""The limit on the CPU time of reading a page."""

from __future__ import annotations

import re
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from time import process_time
from typing import TYPE_CHECKING

import pytest

from archive.model.exchange import Exchange
from archive.model.outcome import Outcome, Reason, Verdict
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines import cpu_limit
from pipelines.cpu_limit import TooCostlyError, limited, within_limit
from pipelines.normalise import NormalisePipeline
from pipelines.page import Page, Rules
from tests.support.documents import NOON
from tests.support.pages import page_of

if TYPE_CHECKING:
    from collections.abc import Callable

TOO_COSTLY = Verdict(Outcome.UNPARSED, Reason.TOO_COSTLY)
#: As a rule of an outlet's might be.
ENDLESS = r"(?:[^=]+)+=사진"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_limit, "LIMIT", 0.3)


def spin() -> None:
    while True:
        sum(range(1000))


def search() -> None:
    re.search("(?:가+)+나", "가" * 60)


def spin_deaf() -> None:
    """As a library may that catches whatever its callbacks raise."""
    for _ in range(3):
        with suppress(BaseException):
            spin()
    spin()


@pytest.mark.parametrize("read", [spin, search])
def test_what_takes_longer_is_ended(read: Callable[[], None]) -> None:
    with pytest.raises(TooCostlyError):
        within_limit(read)


def test_an_end_that_was_caught_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_limit, "_AGAIN", 0.1)
    with pytest.raises(TooCostlyError):
        within_limit(spin_deaf)


def test_nothing_is_ended_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_limit, "LIMIT", 0.05)
    assert within_limit(lambda: 5) == 5
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    with pytest.raises(ZeroDivisionError):
        within_limit(lambda: 1 // 0)
    began = process_time()
    while process_time() - began < 0.2:
        pass
    signal.raise_signal(signal.SIGPROF)


def test_there_is_none_in_another_thread() -> None:
    kept: list[int] = []
    thread = threading.Thread(target=lambda: kept.append(within_limit(lambda: 7)))
    thread.start()
    thread.join()
    assert kept == [7]


def test_the_steps_of_a_page_have_one_limit_together() -> None:
    def step(page: Page) -> Page:
        began = process_time()
        while process_time() - began < 0.2:
            pass
        return page

    exchange = Exchange("https://www.etoday.co.kr/news/view/1", NOON, b"x")
    page = Page(exchange=exchange, outlet="etoday", rules=Rules())
    once = limited(step, page)
    assert once.verdict is None
    assert once.seconds >= 0.2
    assert once == page
    assert limited(step, once).verdict == TOO_COSTLY


def test_a_page_that_an_outlets_rule_cannot_end_is_given_up() -> None:
    data, _ = page_of("9000000100")
    outlet = outlet_named("etoday")
    outlet = replace(outlet, rules=replace(outlet.rules, flags=(("endless", ENDLESS),)))
    url = "https://www.etoday.co.kr/news/view/9000000100"
    page = read_exchange(Exchange(url, NOON, data, media_type="text/html"), outlet)
    assert (page.verdict, page.article, page.article_id) == (TOO_COSTLY, None, "9000000100")


def test_a_crawls_pipeline_gives_it_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.normalise.normalise", lambda _: search())
    exchange = Exchange("https://www.etoday.co.kr/news/view/1", NOON, b"x")
    page = Page(exchange=exchange, outlet="etoday", rules=Rules())
    assert NormalisePipeline().process_item(page).verdict == TOO_COSTLY
