"""What superusers see and do about circuits in the admin; for everybody else there is nothing there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from monitoring.circuits.watcher import CircuitWatch
from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.models import CircuitEvent, Switch
from ragsite.ollama import get_client
from tests.documents.admin.cast import make_person, page, signed_in
from tests.factories import make_tenant
from tests.monitoring.watched_hosts import second, standin, watch

__all__ = ["second", "standin", "watch"]
pytestmark = pytest.mark.django_db
LISTS = ["monitoring/circuitevent/", "monitoring/switch/"]


@pytest.fixture
def superuser() -> Client:
    return signed_in(make_person(username="kim", is_staff=True, is_superuser=True))


@pytest.fixture
def watched(standin: StandIn, second: StandIn, watch: CircuitWatch) -> CircuitWatch:
    watch._client = get_client()  # without the thread: what the pages do, they do themselves
    return watch


def make_event(**fields: Any) -> CircuitEvent:
    return CircuitEvent.objects.create(
        **{
            "at": datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC),
            "host": "http://gpu:11434",
            "operation": "embed",
            "from_state": "CLOSED",
            "to_state": "OPEN",
            "cause": "5 failures in a row",
            "pid": 4711,
            **fields,
        }
    )


def act(client: Client, action: str, *rows: tuple[str, str], reason: str = "") -> str:
    keys = [Switch.objects.get(host=host, operation=operation).pk for host, operation in rows]
    return page(client, "monitoring/switch/", action=action, _selected_action=keys, reason=reason)


def circuits(standin: StandIn) -> dict[str, str]:
    state = next(state for state in get_client().states() if state.host == standin.url)
    return {operation: circuit["state"] for operation, circuit in state.circuits.items()}


def test_events_are_listed_with_time_and_cause_and_can_be_filtered(superuser: Client) -> None:
    make_event()
    make_event(operation="generate", to_state="HALF_OPEN", cause="open time is over")
    html = page(superuser, "monitoring/circuitevent/")
    for words in ("May 6, 2031", "http://gpu:11434", "5 failures in a row", "4711"):
        assert words in html
    for query in ("operation__exact=generate", "to_state__exact=HALF_OPEN"):
        html = page(superuser, f"monitoring/circuitevent/?{query}")
        assert "open time is over" in html
        assert "5 failures in a row" not in html
    assert "5 failures" not in page(superuser, "monitoring/circuitevent/?host=http://other")


def test_nobody_changes_an_event(superuser: Client) -> None:
    event = make_event()
    for path in ("add/", f"{event.pk}/delete/"):
        assert superuser.post(f"/admin/monitoring/circuitevent/{path}", {"post": "yes"}).status_code == 403
    superuser.post(f"/admin/monitoring/circuitevent/{event.pk}/change/", {"cause": "other"})
    page(superuser, "monitoring/circuitevent/", action="delete_selected", _selected_action=[event.pk], post="yes")
    assert CircuitEvent.objects.get().cause == "5 failures in a row"


def test_each_host_and_circuit_has_a_row_with_its_state(
    superuser: Client, watched: CircuitWatch, standin: StandIn, second: StandIn
) -> None:
    get_client().open_circuit(second.url, "generate", 30)
    Switch.objects.add_missing(["http://gone:1"])
    html = page(superuser, "monitoring/switch/")
    assert Switch.objects.filter(host__in=[standin.url, second.url]).count() == 6
    assert html.count("circuit for") == 4
    assert html.count(">OPEN<") == 1
    assert html.count(">CLOSED<") == 3
    assert "gone" not in html


def test_orders_are_given_and_obeyed_at_once(superuser: Client, watched: CircuitWatch, standin: StandIn) -> None:
    page(superuser, "monitoring/switch/")
    html = act(superuser, "open_now", (standin.url, "embed"), reason="it answers <nonsense>")
    assert circuits(standin) == {"embed": "OPEN", "generate": "CLOSED"}
    assert "1 orders given" in html
    assert "by kim" in html
    assert "it answers &lt;nonsense&gt;" in html
    act(superuser, "close_now", (standin.url, "embed"))
    assert circuits(standin) == {"embed": "CLOSED", "generate": "CLOSED"}
    act(superuser, "open_now", (standin.url, ""))
    assert circuits(standin) == {"embed": "OPEN", "generate": "OPEN"}


def test_a_host_is_drained_and_used_again(
    superuser: Client, watched: CircuitWatch, standin: StandIn, second: StandIn
) -> None:
    page(superuser, "monitoring/switch/")
    html = act(superuser, "drain", (standin.url, "embed"), (standin.url, ""))
    assert "1 orders given" in html
    assert ">DRAINING<" in html
    assert [state.draining for state in get_client().states()] == [True, False]
    act(superuser, "use_again", (standin.url, ""))
    assert not any(state.draining for state in get_client().states())


def test_circuits_that_are_switched_off_are_said_to_be(
    superuser: Client, watched: CircuitWatch, standin: StandIn, settings: Settings
) -> None:
    settings.ENABLE_CIRCUIT_BREAKER = False
    assert page(superuser, "monitoring/switch/").count(">UNKNOWN<") == 4
    assert "switched off" in act(superuser, "open_now", (standin.url, "embed"))
    assert not Switch.objects.exclude(ordered_at=None).exists()


@pytest.mark.parametrize("reason", ["x" * 201, "a\x00b"])
def test_a_reason_that_can_not_be_kept_is_no_order(
    reason: str, superuser: Client, watched: CircuitWatch, standin: StandIn
) -> None:
    page(superuser, "monitoring/switch/")
    act(superuser, "open_now", (standin.url, "embed"), reason=reason)
    assert circuits(standin)["embed"] == "CLOSED"


@pytest.mark.parametrize("role", ["manager", "editor", "reader", None])
def test_only_superusers_see_and_order_anything(
    role: str | None, watched: CircuitWatch, standin: StandIn, superuser: Client
) -> None:
    make_event()
    page(superuser, "monitoring/switch/")
    client = signed_in(make_person(role=role, tenant=make_tenant(), is_staff=True))
    for path in LISTS:
        assert client.get(f"/admin/{path}").status_code == 403
    key = Switch.objects.get(host=standin.url, operation="embed").pk
    for action in ("open_now", "drain"):
        body = {"action": action, "_selected_action": [key]}
        assert client.post("/admin/monitoring/switch/", body).status_code == 403
    assert circuits(standin)["embed"] == "CLOSED"
    assert "monitoring" not in page(client, "")


@pytest.mark.parametrize("url", ["http://me:s3cret@127.0.0.1:1", "http://me:s3cret@127.0.0.1:port"])
def test_no_credential_is_shown(url: str, superuser: Client, settings: Settings) -> None:
    settings.OLLAMA_BASE_URLS = [url]
    for path in LISTS:
        assert "s3cret" not in page(superuser, path)
