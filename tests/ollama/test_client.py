"""The client of the process: made when needed, made anew when it must be, and what the hosts say of themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from pytest_django import Settings

import ragsite.ollama
from ragsite.errors import ModelNotFound, OllamaError, OllamaMisconfigured, OllamaUnavailable
from ragsite.ollama import ModelInfo, OllamaClient, configured, get_client

from .conftest import ask, embed, read
from .scripted import ScriptedOllama, reply


def test_one_client_serves_the_process_until_the_addresses_change(settings: Settings, server: ScriptedOllama) -> None:
    settings.OLLAMA_BASE_URLS = [server.url]
    client = get_client()
    assert get_client() is client
    assert configured()
    settings.OLLAMA_BASE_URLS = [server.url + "/prefix"]
    assert get_client() is not client


@pytest.mark.parametrize("urls", [[], [""], [" "]])
def test_without_an_address_nothing_is_configured_and_the_error_says_so(urls: list[str], settings: Settings) -> None:
    settings.OLLAMA_BASE_URLS = urls
    assert not configured()
    client = get_client()
    assert not client.can("embed")
    assert client.states() == []
    assert client.get_circuit_state() == {"state": "UNKNOWN", "failure_count": 0, "last_failure": None}
    with pytest.raises(OllamaMisconfigured, match="OLLAMA_BASE_URL"):
        embed(client)
    with pytest.raises(OllamaMisconfigured, match="OLLAMA_BASE_URL"):
        client.tags()


def test_a_bad_address_is_an_error_of_ours_and_not_a_crash(settings: Settings) -> None:
    settings.OLLAMA_BASE_URLS = ["ftp://x"]
    with pytest.raises(OllamaMisconfigured):
        get_client()


def test_a_child_process_has_a_client_and_connections_of_its_own(settings: Settings, server: ScriptedOllama) -> None:
    settings.OLLAMA_BASE_URLS = [server.url]
    client = get_client()
    embed(client)
    ragsite.ollama._current.lock.acquire()  # some thread may hold it at the moment of the fork
    child = os.fork()
    if child == 0:
        try:
            ours = get_client()
            fine = ours is not client and bool(embed(ours)) and len(read(ours)[0]) > 0
            os._exit(0 if fine else 1)
        except BaseException:
            os._exit(2)
    ragsite.ollama._current.lock.release()
    assert os.waitpid(child, 0)[1] == 0
    assert server.connections == 2
    assert embed(client)
    assert server.connections == 2  # the parent's is still good


def test_importing_it_opens_and_starts_nothing() -> None:
    script = (
        "import os, socket, threading\n"
        "def refuse(*a, **k): raise AssertionError('a connection at import')\n"
        "socket.socket.connect = refuse\n"
        "import django; django.setup()\n"
        "import ragsite.ollama\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "ragsite.settings",
        "OLLAMA_BASE_URL": "http://127.0.0.1:1",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_models_of_all_hosts_are_listed_once(make_server: Any, make_client: Any) -> None:
    first, second = make_server(), make_server()
    second.plays["/api/tags"] = lambda request: [reply({"models": [{"name": "m:latest"}, {"name": "n:1b"}]})]
    client = make_client(first, second)
    assert client.tags() == ("m:latest", "n:1b")
    first.stop()
    assert client.tags() == ("m:latest", "n:1b")
    second.stop()
    with pytest.raises(OllamaUnavailable):
        client.tags()


def test_what_a_model_is_comes_from_its_host(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/show"] = lambda request: [
        reply(
            {
                "model_info": {
                    "general.architecture": "bert",
                    "bert.embedding_length": 768,
                    "bert.context_length": 2048,
                },
                "capabilities": ["embedding"],
            }
        )
    ]
    assert client.show("m") == ModelInfo(768, 2048, ("embedding",))
    server.plays["/api/show"] = lambda request: [reply({"model_info": None, "capabilities": None})]
    assert client.show("m") == ModelInfo(None, None, ())
    server.plays["/api/show"] = lambda request: [reply({"error": "model 'm' not found"}, 404)]
    with pytest.raises(ModelNotFound, match="ollama pull m"):
        client.show("m")


def test_the_states_of_hosts_are_told_without_asking_them(client: OllamaClient, server: ScriptedOllama) -> None:
    (state,) = client.states()
    assert server.connections == 0
    assert (state.host, state.healthy, state.draining, state.models) == (server.url, True, False, None)
    assert state.circuits["embed"] == {"state": "CLOSED", "failure_count": 0, "last_failure": None}
    client.open_circuit(server.url, "generate")
    assert not client.states()[0].healthy
    assert client.get_circuit_state()["state"] == "OPEN"  # of the worse operation
    assert client.get_circuit_state("embed")["state"] == "CLOSED"


def test_the_circuit_of_several_hosts_is_that_of_the_best(make_server: Any, make_client: Any) -> None:
    first, second = make_server(), make_server()
    client = make_client(first, second)
    client.open_circuit(first.url, "generate")
    assert client.get_circuit_state("generate")["state"] == "CLOSED"
    client.open_circuit(second.url, "generate")
    assert client.get_circuit_state("generate")["state"] == "OPEN"


def test_a_path_prefix_and_credentials_of_a_proxy_are_used(server: ScriptedOllama, make_client: Any) -> None:
    server.plays = {f"/llm{path}": play for path, play in server.plays.items()}
    client = make_client(f"http://me:secret@127.0.0.1:{server.port}/llm/")
    assert embed(client)
    assert server.requests[0].headers["authorization"] == "Basic bWU6c2VjcmV0"
    assert "secret" not in repr(client.states())


def test_no_question_and_no_secret_is_logged(
    server: ScriptedOllama, make_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(f"http://me:hunter2@127.0.0.1:{server.port}")
    server.plays["/api/chat"] = lambda request: [reply({"error": "boom"}, 500)]
    with caplog.at_level("INFO"):
        for _call in range(6):
            with pytest.raises(OllamaError):
                list(ask(client, content="a private question"))
    assert "OPEN" in caplog.text
    assert "private question" not in caplog.text
    assert "hunter2" not in caplog.text
