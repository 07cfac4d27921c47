"""The bytes of all responses that are received at once are bounded, and one always goes on."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from crawler.httpclient.budget import ByteBudget
from tests.support.sites.raw_servers import run

MB = 2**20


class Part:
    """A transfer's part that the budget sees."""

    def __init__(self) -> None:
        self.size = 0
        self.held = False

    def pause(self) -> bool:
        self.held = True
        return True

    def resume(self) -> None:
        self.held = False


def begun(budget: ByteBudget, number: int) -> list[Part]:
    parts = [Part() for _ in range(number)]
    for part in parts:
        budget.begin(part)
    return parts


@run
async def test_all_but_the_first_are_held_back_and_go_on_in_turn():
    budget = ByteBudget(lambda: 0, most=3 * MB)
    parts = begun(budget, 4)
    for _ in range(8):
        for part in parts:
            if not part.held:
                part.size += MB
                budget.received(part)
    assert [part.held for part in parts] == [False, True, True, True]
    assert [part.size // MB for part in parts] == [8, 2, 2, 1]
    budget.end(parts[0])
    assert [part.held for part in parts[1:]] == [False, True, True]
    budget.end(parts[1])
    assert [part.held for part in parts[2:]] == [False, False]
    for part in parts[2:]:
        budget.end(part)


@run
async def test_what_waits_to_be_processed_counts_until_it_is():
    waiting = 4 * MB
    budget = ByteBudget(lambda: waiting, most=3 * MB)
    first, second = begun(budget, 2)
    second.size = MB
    budget.received(second)
    first.size = MB
    budget.received(first)
    assert (first.held, second.held) == (False, True)
    waiting = 0
    async with asyncio.timeout(5):
        while second.held:
            await asyncio.sleep(0)


@run
async def test_the_first_waits_too_where_it_alone_is_more_than_all_may_have():
    waiting = 4 * MB
    budget = ByteBudget(lambda: waiting, most=3 * MB)
    (first,) = begun(budget, 1)
    first.size = 3 * MB
    budget.received(first)
    assert not first.held
    first.size = 4 * MB
    budget.received(first)
    assert first.held
    waiting = 0
    async with asyncio.timeout(5):
        while first.held:
            await asyncio.sleep(0)


@run
async def test_small_responses_are_never_held_back():
    budget = ByteBudget(lambda: 99 * MB, most=MB)
    parts = begun(budget, 9)
    for part in parts:
        part.size = 1000
        budget.received(part)
    assert not any(part.held for part in parts)


@run
async def test_what_failed_responses_leave_is_freed_before_it_is_much():
    budget = ByteBudget(lambda: 0, most=3 * MB)
    garbage = Part()
    garbage.size = 2 * MB
    garbage.itself = garbage  # as an exception and its traceback refer to each other
    gone = weakref.ref(garbage)
    gc.disable()
    try:
        budget.begin(garbage)
        budget.end(garbage)
        del garbage
        assert gone() is not None
        (part,) = begun(budget, 1)
        part.size = 2 * MB
        budget.end(part)
        assert gone() is None
    finally:
        gc.enable()


@run
async def test_a_bug_in_a_check_holds_nobody_back():
    asked = 0

    def unprocessed() -> int:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise ZeroDivisionError
        return 4 * MB

    bugs: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: bugs.append(context["exception"])
    )
    budget = ByteBudget(unprocessed, most=3 * MB)
    _, *others = begun(budget, 3)
    for part in others:
        part.size = MB
        budget.received(part)
    assert all(part.held for part in others)
    async with asyncio.timeout(5):
        while not bugs:
            await asyncio.sleep(0)
    assert not any(part.held for part in others)
    assert isinstance(bugs[0], ZeroDivisionError)


@run
async def test_a_response_that_cannot_go_on_holds_no_other_back():
    class Broken(Part):
        def resume(self) -> None:
            raise ZeroDivisionError

    budget = ByteBudget(lambda: 0, most=3 * MB)
    first, second, third = parts = [Part(), Broken(), Part()]
    for part in parts:
        budget.begin(part)
    first.size = 3 * MB
    for part in (second, third):
        part.size = MB
        budget.received(part)
    assert third.held
    with pytest.raises(ZeroDivisionError):
        budget.end(first)
    assert not third.held
