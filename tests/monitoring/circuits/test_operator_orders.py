"""An operator's orders reach a process, and stay in force."""

from __future__ import annotations

import time

import pytest
from pytest_django import Settings

from monitoring.circuits import operator_orders
from monitoring.circuits.operator_orders import Switchboard
from monitoring.circuits.watcher import CircuitWatch
from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.models import CircuitEvent, Switch
from ragsite.errors import InvalidInput, OllamaMisconfigured
from ragsite.ollama import OllamaClient, Operation, get_client
from tests.monitoring.watched_hosts import embed, embeds_of, second, standin, wait_until, watch

__all__ = ["second", "standin", "watch"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(standin: StandIn) -> OllamaClient:
    return get_client()


@pytest.fixture
def board(client: OllamaClient) -> Switchboard:
    """The board of a process that has looked at the orders before."""
    board = Switchboard()
    look(board, client)
    return board


def look(board: Switchboard, client: OllamaClient) -> None:
    board.read()
    board.obey(client)


def state(client: OllamaClient, operation: Operation = "embed") -> str:
    return str(client.states()[0].circuits[operation]["state"])


def test_a_circuit_that_was_opened_stays_open_until_it_is_closed(
    board: Switchboard, client: OllamaClient, standin: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CIRCUIT_RECOVERY_TIMEOUT_SECONDS = 0.1
    monkeypatch.setattr(operator_orders, "HOLD_SECONDS", 0.4)
    changes: list[str] = []
    client.subscribe(lambda change: changes.append(change.new_state))
    operator_orders.open_now(standin.url, "embed", by="kim", reason="it answers nonsense")
    for _look in range(5):
        look(board, client)
        assert not embed(client)
        time.sleep(0.15)
    assert (state(client), state(client, "generate")) == ("OPEN", "CLOSED")
    assert changes == ["OPEN"], "told once"
    operator_orders.close_now(standin.url, "embed", by="kim")
    look(board, client)
    assert embed(client)
    assert changes == ["OPEN", "CLOSED"]


def test_a_host_that_comes_back_does_not_end_what_an_operator_wants(
    board: Switchboard, client: OllamaClient, standin: StandIn
) -> None:
    standin.stop()
    assert not embed(client)
    operator_orders.open_now(standin.url, "embed", by="kim")
    look(board, client)
    standin.start()
    wait_until(lambda: client.states()[0].last_error is None)
    assert state(client) == "OPEN"
    assert not embed(client)


def test_a_process_that_starts_obeys_what_holds_and_forgets_what_is_done(
    client: OllamaClient, standin: StandIn, second: StandIn
) -> None:
    client = get_client()
    operator_orders.open_now(standin.url, "embed", by="kim")
    operator_orders.close_now(standin.url, "generate", by="kim")
    operator_orders.drain(second.url, by="kim")
    client.open_circuit(standin.url, "generate")
    look(Switchboard(), client)
    assert (state(client, "embed"), state(client, "generate")) == ("OPEN", "OPEN")
    assert [host.draining for host in client.states()] == [False, True]


def test_close_is_obeyed_once(board: Switchboard, client: OllamaClient, standin: StandIn) -> None:
    client.open_circuit(standin.url, "embed", 30)
    operator_orders.close_now(standin.url, "embed", by="kim")  # the first order ever about it
    look(board, client)
    assert state(client) == "CLOSED"
    client.open_circuit(standin.url, "embed", 30)
    look(board, client)
    assert state(client) == "OPEN", "it goes by what it meets"
    operator_orders.close_now(standin.url, "embed", by="kim")
    look(board, client)
    assert state(client) == "CLOSED"


def test_draining_moves_the_calls_to_the_next_host_and_back(standin: StandIn, second: StandIn) -> None:
    client, board = get_client(), Switchboard()
    assert embed(client)
    assert (embeds_of(standin), embeds_of(second)) == (1, 0)
    operator_orders.drain(standin.url, by="kim")
    look(board, client)
    assert embed(client)
    assert (embeds_of(standin), embeds_of(second)) == (1, 1)
    operator_orders.undrain(standin.url, by="kim")
    look(board, client)
    assert embed(client)
    assert (embeds_of(standin), embeds_of(second)) == (2, 1)
    events = list(CircuitEvent.objects.order_by("pk").values_list("host", "operation", "from_state", "to_state"))
    assert events == [(standin.url, "", "IN_USE", "DRAINING"), (standin.url, "", "DRAINING", "IN_USE")]


def test_a_second_order_to_drain_is_no_second_event(standin: StandIn) -> None:
    operator_orders.undrain(standin.url, by="kim")
    operator_orders.drain(standin.url, by="kim")
    operator_orders.drain(standin.url, by="kim")
    assert CircuitEvent.objects.count() == 1


def test_an_order_is_kept_with_who_when_and_why(standin: StandIn) -> None:
    operator_orders.drain(standin.url, by="kim", reason="new graphics card")
    switch = operator_orders.undrain(standin.url, by="lee")
    assert (switch.wish, switch.by, switch.reason, switch.version) == ("in_use", "lee", "", 2)
    assert switch.ordered_at is not None
    assert Switch.objects.count() == 1


def test_credentials_of_an_address_are_not_kept(settings: Settings, standin: StandIn) -> None:
    settings.OLLAMA_BASE_URLS = [standin.url.replace("//", "//me:s3cret@")]
    operator_orders.drain(settings.OLLAMA_BASE_URLS[0], by="kim")
    assert list(Switch.objects.values_list("host")) == [(standin.url,)]
    assert list(CircuitEvent.objects.values_list("host")) == [(standin.url,)]
    with pytest.raises(OllamaMisconfigured) as caught:
        operator_orders.drain("http://me:s3cret@nowhere", by="kim")
    assert "nowhere" in caught.value.message
    assert "s3cret" not in caught.value.message


def test_an_order_about_a_host_that_left_the_configuration_disturbs_nothing(
    client: OllamaClient, standin: StandIn
) -> None:
    Switch.objects.set_to("http://gone:1", "", "draining", by="kim", reason="")
    Switch.objects.set_to("http://gone:1", "embed", "open", by="kim", reason="")
    operator_orders.drain(standin.url, by="kim")
    look(Switchboard(), client)
    assert client.states()[0].draining


def test_circuits_that_are_switched_off_can_only_be_drained(
    board: Switchboard, client: OllamaClient, standin: StandIn, settings: Settings
) -> None:
    operator_orders.open_now(standin.url, "embed", by="kim")
    settings.ENABLE_CIRCUIT_BREAKER = False
    look(board, client)
    assert embed(client)
    with pytest.raises(InvalidInput, match="drain the host"):
        operator_orders.open_now(standin.url, "embed", by="kim")
    operator_orders.drain(standin.url, by="kim")
    look(board, client)
    assert not embed(client)


@pytest.mark.django_db(transaction=True)
def test_the_thread_of_a_process_learns_of_orders_by_itself(
    client: OllamaClient, standin: StandIn, watch: CircuitWatch
) -> None:
    watch.watch(client)
    operator_orders.open_now(standin.url, "embed", by="kim")
    wait_until(lambda: state(client) == "OPEN")
    operator_orders.close_now(standin.url, "embed", by="kim")
    wait_until(lambda: state(client) == "CLOSED")
