"""Availability is a share of requests."""

from __future__ import annotations

import math

from monitoring.lab.benchmarks.scenarios.outage import _Cycle, _was_away, share
from monitoring.lab.testbed.client import Asking, Reply


def reply(**fields: object) -> Reply:
    return Reply(**{"asking": Asking(), "at": 0.0, "outcome": "answered", "seconds": 0.1, **fields})  # type: ignore[arg-type]


def test_a_degraded_answer_is_available_and_not_full() -> None:
    replies = [reply(mode="generated"), reply(mode="extractive"), reply(outcome="shed"), reply(mode="generated")]
    assert share(replies, lambda each: each.is_good) == 75
    assert share(replies, lambda each: each.is_generated) == 50
    assert math.isnan(share([], lambda each: each.is_good))


def test_what_was_asked_in_an_outage_is_told_apart() -> None:
    cycles = [_Cycle(10, 20, 1.0), _Cycle(40, 50, 1.0)]
    assert [_was_away(reply(at=at), cycles) for at in (9.0, 10.0, 19.9, 20.0, 45.0)] == [False, True, True, False, True]
