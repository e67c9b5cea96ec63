"""`manage.py circuit`, `drain_host` and `prune_circuit_events`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.models import CircuitEvent, Switch
from tests.monitoring.watched_hosts import second, standin

__all__ = ["second", "standin"]
pytestmark = pytest.mark.django_db


def make_event(host: str, *, days_ago: float = 0.0, **fields: Any) -> CircuitEvent:
    return CircuitEvent.objects.create(
        **{
            "at": timezone.now() - timedelta(days=days_ago),
            "host": host,
            "operation": "embed",
            "from_state": "CLOSED",
            "to_state": "OPEN",
            "cause": "5 failures in a row",
            "pid": 4711,
            **fields,
        }
    )


def test_orders_are_given(standin: StandIn) -> None:
    assert "keep open" in call_command("circuit", "open", standin.url, "embed", "--reason", "odd vectors")
    switch = Switch.objects.get()
    assert (switch.host, switch.operation, switch.wish, switch.reason) == (standin.url, "embed", "open", "odd vectors")
    assert switch.by
    call_command("circuit", "close", standin.url, "embed")
    call_command("drain_host", standin.url)
    assert set(Switch.objects.values_list("operation", "wish")) == {("embed", "closed"), ("", "draining")}
    call_command("drain_host", standin.url, "--undo")
    assert Switch.objects.get(operation="").wish == "in_use"


@pytest.mark.parametrize("command", [("circuit", "open", "{}", "embed"), ("drain_host", "{}")])
def test_an_unknown_host_is_refused_without_its_password(command: tuple[str, ...], standin: StandIn) -> None:
    for host, words in {"http://me:s3cret@nowhere:1": "no model server", "http://me:s3cret@x:y": "can't be"}.items():
        with pytest.raises(CommandError, match=words) as caught:
            call_command(*(part.format(host) for part in command))
        assert "s3cret" not in str(caught.value)


def test_circuits_that_are_switched_off_are_not_opened(standin: StandIn, settings: Settings) -> None:
    settings.ENABLE_CIRCUIT_BREAKER = False
    with pytest.raises(CommandError, match="ENABLE_CIRCUIT_BREAKER"):
        call_command("circuit", "open", standin.url, "embed")


def test_the_status_tells_who_answers_what_happened_and_what_was_ordered(standin: StandIn, second: StandIn) -> None:
    make_event(standin.url, days_ago=1, cause="long ago")
    make_event(standin.url)
    call_command("circuit", "open", standin.url, "embed", "--reason", "odd vectors")
    second.stop()
    first, other = json.loads(call_command("circuit", "status", "--json"))["hosts"]
    assert (first["url"], first["answers"], first["models"]) == (standin.url, True, 1)
    embed = first["circuits"]["embed"]
    assert (embed["order"]["wish"], embed["order"]["reason"]) == ("open", "odd vectors")
    assert (embed["last_change"]["state"], embed["last_change"]["cause"]) == ("OPEN", "5 failures in a row")
    assert first["circuits"]["generate"] == {"order": None, "last_change": None}
    assert (other["answers"], "not reachable" in other["why_not"]) == (False, True)
    lines = call_command("circuit", "status").splitlines()
    assert lines[0] == f"{standin.url}: answers, 1 models"
    assert any("OPEN since" in line and "process 4711" in line for line in lines)
    assert any("ordered open by" in line and "(odd vectors)" in line for line in lines)


def test_the_status_without_a_model_server_says_so() -> None:
    assert "set OLLAMA_BASE_URL" in call_command("circuit", "status")
    assert json.loads(call_command("circuit", "status", "--json")) == {"hosts": []}


def test_old_events_are_pruned() -> None:
    make_event("http://a:1", days_ago=31)
    kept = make_event("http://a:1", days_ago=29)
    assert call_command("prune_circuit_events") == "Deleted 1 events."
    assert list(CircuitEvent.objects.all()) == [kept]
    assert json.loads(call_command("prune_circuit_events", "--older-than-days", "28", "--json")) == {"deleted": 1}
    with pytest.raises(CommandError):
        call_command("prune_circuit_events", "--older-than-days", "-1")
