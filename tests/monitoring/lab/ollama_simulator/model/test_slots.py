"""Places at work: none is lost, whoever leaves the queue, and whenever."""

from __future__ import annotations

import asyncio
import contextlib

from monitoring.lab.ollama_simulator.model.slots import Slots


def test_who_is_cancelled_in_the_turn_of_the_wake_up_costs_no_place() -> None:
    async def scenario() -> None:
        slots = Slots(lambda: 1)
        await slots.take()
        leaver = asyncio.ensure_future(slots.take())
        stayer = asyncio.ensure_future(slots.take())
        await asyncio.sleep(0)
        leaver.cancel()
        slots.give_back()  # the leaver's future is cancelled, but it has not run yet
        with contextlib.suppress(asyncio.CancelledError):
            await leaver
        await asyncio.wait_for(stayer, 5)
        slots.give_back()
        await asyncio.wait_for(slots.take(), 5)
        assert slots.waiting == 0

    asyncio.run(scenario())
