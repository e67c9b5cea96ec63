"""What waits to be stored is bounded, and in our own words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import DataError, OperationalError

from monitoring.circuits import event_log
from monitoring.circuits.event_log import WAITING_MAX, CircuitLog, why_down
from monitoring.models import CircuitEvent
from ragsite.metrics import CIRCUIT_EVENTS_DROPPED
from ragsite.ollama import BreakerChange, HostState
from tests.figures import value_of

CHANGE = BreakerChange("http://host:1", "embed", "CLOSED", "OPEN", "5 failures in a row", datetime.now(UTC), 30.0)
HOST = HostState("http://host:1", True, False, None, None, 0, 0, {})


def dropped() -> float:
    return value_of(CIRCUIT_EVENTS_DROPPED)


@pytest.mark.django_db
def test_what_is_too_much_is_dropped_and_counted() -> None:
    log, before = CircuitLog(), dropped()
    for _change in range(WAITING_MAX + 10):
        log.note(CHANGE)
    assert dropped() - before == 10
    log.store()
    log.store()
    assert CircuitEvent.objects.count() == WAITING_MAX


@pytest.mark.django_db
@pytest.mark.parametrize(("error", "kept"), [(OperationalError, True), (DataError, False)])
def test_an_event_is_kept_while_the_database_is_away_but_not_if_it_is_refused(
    error: type[Exception], kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, before = CircuitLog(), dropped()
    log.note(CHANGE)
    with monkeypatch.context() as broken:

        def fail(seconds: float) -> None:
            raise error("no")

        broken.setattr(event_log, "bounded_transaction", fail)
        with pytest.raises(error):
            log.store()
    log.store()
    assert CircuitEvent.objects.count() == kept
    assert dropped() - before == (not kept)


@pytest.mark.django_db
def test_an_order_that_changed_nothing_is_no_event() -> None:
    log = CircuitLog()
    log.note(replace(CHANGE, new_state="CLOSED"))
    log.store()
    assert not CircuitEvent.objects.exists()


@pytest.mark.django_db
def test_a_host_goes_down_once_and_comes_back_once() -> None:
    log = CircuitLog()
    down = replace(HOST, last_error="The model server failed: words of a reader")
    for state in (HOST, down, down, HOST, HOST):
        log.note_hosts([state])
    log.store()
    events = list(CircuitEvent.objects.order_by("pk").values_list("from_state", "to_state", "cause"))
    assert events == [("UP", "DOWN", "The model server failed"), ("DOWN", "UP", "it answers again")]


def test_what_the_model_server_says_is_not_repeated() -> None:
    assert why_down(replace(HOST, last_error="The model server failed: the question was: secret")) == (
        "The model server failed"
    )
    assert why_down(HOST) == ""
