"""Refusals: counted in bounded memory, told at a bounded rate."""

from __future__ import annotations

import asyncio
import logging

from ml_connector.webhooks import refusals as refusals_module
from ml_connector.webhooks.refusals import Refusals


def test_refusals_are_forgiven_over_a_minute():
    """The bucket of a caller fills up again, and others have their own."""
    refusals = Refusals(2)
    assert [refusals.count("a", 0.0) for _ in range(3)] == [False, False, True]
    assert not refusals.count("b", 1.0)
    assert not refusals.count("a", 31.0)


def test_only_so_many_callers_are_remembered():
    """The longest silent one is forgotten first, so a crowd of addresses takes no memory."""
    refusals = Refusals(1, callers=3)
    for number in range(1_000):
        refusals.count("constant", 0.0)
        refusals.count(f"passing {number}", 0.0)
    assert len(refusals._left) == 3
    assert refusals.count("constant", 0.0)


def test_the_log_has_some_lines_and_then_a_count(monkeypatch, caplog):
    """A flood of forged requests does not fill the disk, and is told when its minute is over, without another one."""
    monkeypatch.setattr(refusals_module, "_A_MINUTE", 0.05)

    async def flood():
        over = asyncio.Event()
        refusals = Refusals(1, lines_per_minute=2)
        end_minute = refusals._end_minute
        refusals._end_minute = lambda: (end_minute(), over.set())
        for number in range(5_000):
            refusals.tell("bill", f"192.0.2.{number % 7}", 401 if number % 2 else 429)
        await over.wait()
        refusals.tell("bill", "192.0.2.9", 401)
        refusals.close()

    with caplog.at_level(logging.WARNING):
        asyncio.run(flood())
    assert caplog.messages == [
        "bill: refused a request from 192.0.2.0 with 429",
        "bill: refused a request from 192.0.2.1 with 401",
        "refused 4998 more requests within a minute, from 7 addresses (401: 2499, 429: 2499)",
        "bill: refused a request from 192.0.2.9 with 401",
    ]


def test_what_is_untold_is_told_at_the_end():
    """A receiver that stops within the minute keeps nothing to itself, and addresses are counted only so far."""

    async def crowd():
        refusals = Refusals(1, lines_per_minute=0)
        for number in range(2_000):
            refusals.tell("bill", str(number), 401)
        assert len(refusals._untold_callers) == refusals_module._MOST_TOLD_APART
        refusals.close()
        assert not refusals._untold

    asyncio.run(crowd())
