"""A model that hangs after a reader hung up at the wrong moment: seen, unloaded, and asked once more."""

from __future__ import annotations

import threading

import pytest

from ragsite.errors import OllamaTimeout
from ragsite.ollama import OllamaClient, host

from .conftest import ask, read
from .scripted import HANG, ScriptedOllama, answer, reply


@pytest.mark.usefixtures("short_times")
def test_a_model_that_hangs_twice_though_it_is_loaded_is_unloaded_and_asked_once_more(
    server: ScriptedOllama, client: OllamaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "UNLOAD_REST_SECONDS", 0.05)
    stuck = threading.Event()
    stuck.set()
    server.plays["/api/chat"] = lambda request: [HANG] if stuck.is_set() else answer("free again")
    server.plays["/api/ps"] = lambda request: [reply({"models": [{"name": "m:latest"}]})]

    def unload(request: object) -> list[bytes]:
        stuck.clear()
        return [reply({"done": True, "done_reason": "unload"})]

    server.plays["/api/generate"] = unload
    with pytest.raises(OllamaTimeout):
        read(client)  # a slow model is not asked again, it still works on the first question
    assert server.count("/api/chat") == 1
    assert read(client)[0] == "free again"
    unloads = [request.json for request in server.requests if request.path == "/api/generate"]
    assert unloads == [{"model": "m", "prompt": "", "keep_alive": 0}]


@pytest.mark.usefixtures("short_times")
def test_a_model_that_is_not_loaded_yet_is_not_unloaded(
    server: ScriptedOllama, client: OllamaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "UNLOAD_REST_SECONDS", 0.05)
    server.plays["/api/chat"] = lambda request: [HANG]
    server.plays["/api/ps"] = lambda request: [reply({"models": []})]
    for _call in range(3):
        with pytest.raises(OllamaTimeout):
            read(client)
    assert server.count("/api/ps") == 1
    assert server.count("/api/generate") == 0


@pytest.mark.usefixtures("short_times")
def test_calls_that_time_out_side_by_side_count_once(server: ScriptedOllama, client: OllamaClient) -> None:
    server.plays["/api/chat"] = lambda request: [HANG]
    streams = [ask(client) for _stream in range(4)]
    for stream in streams:
        next(stream)
    for stream in streams:
        with pytest.raises(OllamaTimeout):
            list(stream)
    assert server.count("/api/ps") == 0
