"""Several model servers: order of preference, failover, recovery, draining, and models that are not everywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from ragsite.errors import CircuitOpen, ModelNotFound, OllamaMisconfigured, OllamaUnavailable
from ragsite.ollama import OllamaClient, host, probing
from ragsite.ollama.connections import Unreachable
from ragsite.ollama.values import Token

from .conftest import ask, embed, next_of, read
from .scripted import HANG, STREAM_HEAD, ScriptedOllama, answer, embed_reply, reply, token, wait_until

MakeServer = Callable[..., ScriptedOllama]
MakeClient = Callable[..., OllamaClient]
MISSING = reply({"error": "model 'm' not found"}, 404)


@pytest.fixture(autouse=True)
def quick_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PROBE_EVERY_SECONDS", 0.05)


@pytest.fixture
def pair(make_server: MakeServer) -> tuple[ScriptedOllama, ScriptedOllama]:
    return make_server(), make_server()


def watching(*servers: ScriptedOllama) -> list[threading.Thread]:
    """Return the threads that look after these servers; those that another test has left are none of them."""
    names = {f"ollama-watch {server.url}" for server in servers}
    return [thread for thread in threading.enumerate() if thread.name in names]


def test_the_first_host_is_used_as_long_as_it_is_well(
    pair: tuple[ScriptedOllama, ScriptedOllama], make_client: MakeClient
) -> None:
    client = make_client(*pair)
    for _call in range(5):
        read(client)
        embed(client)
    assert [len(server.requests) for server in pair] == [10, 0]
    assert not watching(*pair)  # nobody probes what is well


def test_a_dead_host_is_passed_over_at_once_and_used_again_when_it_is_back(
    pair: tuple[ScriptedOllama, ScriptedOllama], make_client: MakeClient, make_server: MakeServer
) -> None:
    first, second = pair
    client = make_client(first, second)
    first.stop()
    for _call in range(20):
        assert read(client)[1].host == second.url
    assert not client.states()[0].healthy
    assert client.states()[0].last_error
    back = make_server(first.port)
    assert wait_until(lambda: client.states()[0].healthy)
    assert read(client)[1].host == back.url
    assert wait_until(lambda: not watching(first, back))  # and then nobody probes any more
    embeds_and_chats = [request for request in back.requests if request.path != "/api/tags"]
    assert len(embeds_and_chats) == 1  # the probe itself is nothing but /api/tags


def test_one_host_alone_is_asked_again_without_waiting_for_a_probe(
    make_server: MakeServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "PROBE_EVERY_SECONDS", 60.0)
    server = make_server()
    client = make_client(server)
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), "reset"]
    with pytest.raises(OllamaUnavailable):
        read(client)
    server.plays["/api/chat"] = lambda request: answer("b")
    assert read(client)[0] == "b"
    assert client.states()[0].healthy


def test_a_restart_ends_the_open_time_of_the_circuit(make_server: MakeServer, make_client: MakeClient) -> None:
    server = make_server()
    client = make_client(server)
    server.stop()
    for _call in range(6):
        with pytest.raises(OllamaUnavailable):
            read(client)
    assert client.get_circuit_state("generate")["state"] == "OPEN"
    back = make_server(server.port)
    assert wait_until(lambda: client.can("generate"))
    assert read(client)[1].host == back.url
    assert client.get_circuit_state("generate")["state"] == "CLOSED"


def test_a_host_that_only_lists_its_models_does_not_end_the_open_time(
    make_server: MakeServer, make_client: MakeClient
) -> None:
    server = make_server()
    client = make_client(server)
    server.plays["/api/embed"] = lambda request: [reply({"error": "boom"}, 500)]
    while client.get_circuit_state("embed")["state"] == "CLOSED":
        with pytest.raises(OllamaUnavailable):
            embed(client)
    assert wait_until(lambda: server.count("/api/tags") > 0 and not watching(server))
    assert client.get_circuit_state("embed")["state"] == "OPEN"
    assert not client.can("embed")


@pytest.mark.usefixtures("short_times")
def test_a_host_that_hangs_is_passed_over_though_it_lists_its_models(
    pair: tuple[ScriptedOllama, ScriptedOllama], make_client: MakeClient
) -> None:
    first, second = pair
    first.plays["/api/chat"] = lambda request: [HANG]
    client = make_client(first, second)
    assert read(client)[1].host == second.url
    assert wait_until(lambda: first.count("/api/tags") > 0 and not watching(first))
    for _call in range(10):
        assert read(client)[1].host == second.url
    assert first.count("/api/chat") == 1


def test_with_every_host_dead_the_error_is_that_of_the_host_and_then_the_circuits(
    pair: tuple[ScriptedOllama, ScriptedOllama], make_client: MakeClient, settings: Settings
) -> None:
    client = make_client(*pair)
    for server in pair:
        server.stop()
    with pytest.raises(Unreachable, match="not reachable"):
        read(client)
    for _call in range(12):
        with pytest.raises(OllamaUnavailable):
            read(client)
    with pytest.raises(CircuitOpen):
        read(client)
    assert not client.can("generate")


def test_a_draining_host_gets_nothing_new_and_finishes_what_it_has(
    pair: tuple[ScriptedOllama, ScriptedOllama], make_client: MakeClient
) -> None:
    first, second = pair
    client = make_client(first, second)
    go_on = threading.Event()
    first.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), go_on, *answer("b")[1:]]
    stream = ask(client)
    next_of(stream)
    client.set_draining(first.url, True)
    assert read(client)[1].host == second.url
    go_on.set()
    assert Token("b") in list(stream)
    client.set_draining(second.url, True)
    assert not client.can("generate")
    with pytest.raises(OllamaUnavailable, match="drained"):
        read(client)
    client.set_draining(first.url, False)
    assert read(client)[1].host == first.url
    with pytest.raises(OllamaMisconfigured):
        client.set_draining("http://nobody:1", True)


def test_a_host_without_the_model_is_not_used_for_it(
    pair: tuple[ScriptedOllama, ScriptedOllama], make_client: MakeClient
) -> None:
    first, second = pair
    client = make_client(first, second)
    first.plays["/api/chat"] = lambda request: [MISSING]
    first.plays["/api/tags"] = lambda request: [reply({"models": []})]
    for _call in range(5):
        assert read(client)[1].host == second.url
    assert first.count("/api/chat") == 1  # asked once, and remembered
    assert embed(client)
    assert client.get_circuit_state("generate")["failure_count"] == 0


def test_when_no_host_has_the_model_the_error_says_how_to_get_it(server: ScriptedOllama, client: OllamaClient) -> None:
    server.plays["/api/chat"] = lambda request: [MISSING]
    server.plays["/api/tags"] = lambda request: [reply({"models": []})]
    for _call in range(3):
        with pytest.raises(ModelNotFound, match="`ollama pull m`"):
            read(client)
    assert server.count("/api/chat") == 1
    assert not client.can("generate", "m")
    assert client.can("generate", "other")


def test_a_model_that_was_pulled_is_found_without_a_restart(server: ScriptedOllama, client: OllamaClient) -> None:
    server.plays["/api/chat"] = lambda request: [MISSING]
    server.plays["/api/tags"] = lambda request: [reply({"models": []})]
    with pytest.raises(ModelNotFound):
        read(client)
    server.plays["/api/chat"] = lambda request: answer("here")
    server.plays["/api/tags"] = lambda request: [reply({"models": [{"name": "M:latest"}]})]
    assert wait_until(lambda: client.can("generate", "m"))
    assert read(client)[0] == "here"


def test_a_missing_model_is_looked_for_again_after_a_while(
    server: ScriptedOllama, client: OllamaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "MISSING_KEPT_SECONDS", 0.1)
    server.plays["/api/chat"] = lambda request: [MISSING]
    server.plays["/api/tags"] = lambda request: [reply(b"nonsense")]
    for _call in range(2):
        with pytest.raises(ModelNotFound):
            read(client)
        time.sleep(0.15)
    assert server.count("/api/chat") == 2


def test_a_misconfigured_host_is_passed_over_and_its_error_is_kept_in_words(
    pair: tuple[ScriptedOllama, ScriptedOllama], make_client: MakeClient
) -> None:
    first, second = pair
    page = reply(b"<html>hello</html>", content_type="text/html")
    first.plays["/api/chat"] = first.plays["/api/tags"] = lambda request: [page]
    client = make_client(first, second)
    for _call in range(5):
        assert read(client)[1].host == second.url
    assert first.count("/api/chat") == 1
    assert "web page" in str(client.states()[0].last_error)


def test_the_probe_touches_no_counter(server: ScriptedOllama, client: OllamaClient) -> None:
    server.plays["/api/tags"] = lambda request: [reply({"error": "boom"}, 500)]
    for _probe in range(10):
        assert not client.probe_now()[0].healthy
    assert client.get_circuit_state() == {"state": "CLOSED", "failure_count": 0, "last_failure": None}
    server.plays["/api/tags"] = lambda request: [reply({"models": [{"name": "m:latest"}]})]
    assert client.probe_now()[0].healthy
    assert client.probe_now()[0].models == ("m:latest",)


@pytest.mark.parametrize("models", [b"[]", b'{"models": 5}', b'{"models": ["m"]}', b"{}", b"nonsense"])
def test_a_list_of_models_that_cannot_be_read_does_no_harm(
    models: bytes, server: ScriptedOllama, client: OllamaClient
) -> None:
    server.plays["/api/tags"] = lambda request: [reply(models)]
    client.probe_now()
    assert read(client)[0] == "All is well."


def test_a_dead_watch_is_replaced(server: ScriptedOllama, client: OllamaClient) -> None:
    watch = client.hosts[0].watch

    def fail() -> None:
        raise ZeroDivisionError

    done = watch.do(fail)  # a chore that fails harms nobody
    assert done.wait(20)
    assert wait_until(lambda: not watch.running)
    assert watch.do(lambda: None).wait(20)


def test_embeddings_go_on_while_generation_is_broken(server: ScriptedOllama, client: OllamaClient) -> None:
    server.plays["/api/chat"] = lambda request: [reply({"error": "boom"}, 500)]
    for _call in range(5):
        with pytest.raises(OllamaUnavailable):
            read(client)
    server.plays["/api/embed"] = lambda request: [embed_reply(request)]
    assert embed(client)


def test_a_second_host_takes_what_the_first_has_no_slot_for(
    pair: tuple[ScriptedOllama, ScriptedOllama], make_client: MakeClient, settings: Settings
) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = 1
    first, second = pair
    client = make_client(first, second)
    first.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    holder = ask(client)
    next_of(holder)
    assert read(client)[1].host == second.url
    holder.close()
    first.plays["/api/chat"] = lambda request: answer("b")
    assert read(client)[1].host == first.url


def test_the_wrong_kind_of_model_says_nothing_about_the_host(server: ScriptedOllama, client: OllamaClient) -> None:
    server.plays["/api/chat"] = lambda request: [reply({"error": '"m" does not support chat'}, 400)]
    with pytest.raises(OllamaMisconfigured):
        read(client)
    assert client.states()[0].healthy
    assert not watching(server)
