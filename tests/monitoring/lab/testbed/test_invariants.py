"""Figures are judged right, and what should fail does."""

from __future__ import annotations

from dataclasses import replace

from monitoring.lab.testbed.client import Asking, Reply
from monitoring.lab.testbed.invariants import at_least, at_most, none_of, of_replies, percentile

GOOD = Reply(Asking(deadline_seconds=5), at=0.0, outcome="answered", seconds=1.0, status=200, mode="generated")


def failed(*replies: Reply, all_good: bool = False, gateway_timeouts: int = 0) -> list[str]:
    found = of_replies(replies, all_good=all_good, gateway_timeouts=gateway_timeouts)
    return [invariant.name for invariant in found if not invariant.passed]


def test_percentiles_are_nearest_ranks() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert percentile(hundred, 0.99) == 99
    assert percentile(hundred, 0.5) == 50
    assert percentile(hundred, 1.0) == 100
    assert percentile([3.0], 0.99) == 3
    assert percentile([], 0.99) is None


def test_what_was_never_measured_has_failed() -> None:
    assert not at_most("a", None, 3).passed
    assert not at_least("a", None, 3).passed
    assert at_most("a", 3, 3, "s").target == "<= 3 s"
    assert not at_most("a", 3.001, 3).passed
    assert not at_least("a", 2.999, 3).passed


def test_what_was_found_is_told_with_its_frequency() -> None:
    found = none_of("a", ["x", "y", "x"])
    assert not found.passed
    assert found.figure == "3: x x2, y x1"
    assert none_of("a", []).passed
    assert not none_of("a", 1).passed


def test_good_replies_pass() -> None:
    assert failed(GOOD, GOOD, all_good=True) == []


def test_no_replies_at_all_prove_nothing() -> None:
    assert "requests made" in failed()


def test_a_request_without_an_end_fails() -> None:
    for outcome in ("refused", "cut", "forgotten"):
        assert failed(replace(GOOD, outcome=outcome)) == ["requests without exactly one outcome"]


def test_a_500_fails_and_a_503_with_retry_after_does_not() -> None:
    assert failed(replace(GOOD, outcome="problem", status=500)) == ["5xx but deliberate 503s"]
    assert failed(replace(GOOD, outcome="problem", status=503)) == ["5xx but deliberate 503s"]
    assert failed(replace(GOOD, outcome="ended", code="internal_error")) == ["5xx but deliberate 503s"]
    shed = replace(GOOD, outcome="shed", status=503)
    assert failed(shed) == []
    assert failed(shed, all_good=True) == ["requests that got no answer"]


def test_so_many_504s_are_allowed_as_there_were_connections_to_hold() -> None:
    late = replace(GOOD, outcome="problem", status=504)
    assert failed(late, late, gateway_timeouts=2) == []
    assert failed(late, late, gateway_timeouts=1) == ["5xx but deliberate 503s"]


def test_a_reply_may_be_a_quarter_of_a_second_late_and_no_more() -> None:
    assert failed(replace(GOOD, seconds=5.2)) == []
    assert failed(replace(GOOD, seconds=5.3)) == ["latest reply, after its deadline"]


def test_a_reader_who_left_got_no_answer_and_wanted_none() -> None:
    assert failed(replace(GOOD, outcome="left"), all_good=True) == []
