"""Names of hosts: found, kept, and never waited for longer than a connection may take."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from ragsite.errors import OllamaUnavailable
from ragsite.ollama import OllamaClient, resolving
from ragsite.ollama.resolving import Resolver

from .conftest import embed
from .scripted import ScriptedOllama, wait_until

MakeServer = Callable[..., ScriptedOllama]
MakeClient = Callable[..., OllamaClient]
FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))]


def test_a_host_is_found_by_name_and_a_name_that_leads_nowhere_is_said(
    make_server: MakeServer, make_client: MakeClient
) -> None:
    server = make_server()
    assert embed(make_client(f"localhost:{server.port}"))
    with pytest.raises(OllamaUnavailable, match="can't be resolved"):
        embed(make_client("http://no-such-host.invalid:1"))


def test_a_name_server_that_hangs_holds_nobody_up(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.OLLAMA_CONNECT_TIMEOUT_SECONDS = 0.2
    asked, answers = [], threading.Event()

    def hang(*arguments: object, **options: object) -> list[object]:
        asked.append(arguments)
        answers.wait(10)
        return []

    monkeypatch.setattr("ragsite.ollama.resolving.socket.getaddrinfo", hang)
    client = make_client("http://far-away:1")
    started = time.monotonic()
    for _call in range(2):
        with pytest.raises(OllamaUnavailable, match="name server"):
            embed(client)
    assert time.monotonic() - started < 8  # the name server takes ten
    assert len(asked) == 1  # one look-up at a time for a name
    answers.set()


def test_what_was_found_is_kept_and_confirmed_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    hangs, answers = threading.Event(), threading.Event()

    def look_up(*arguments: object, **options: object) -> list[Any]:
        asked.append(arguments)
        if hangs.is_set():
            answers.wait(10)
        return FOUND

    monkeypatch.setattr("ragsite.ollama.resolving.socket.getaddrinfo", look_up)
    resolver = Resolver()
    for _call in range(5):
        assert resolver.resolve("host", 1, 1.0) == ["127.0.0.1"]
    assert len(asked) == 1
    hangs.set()
    monkeypatch.setattr(resolving, "KEPT_SECONDS", 0.0)
    started = time.monotonic()
    for _call in range(5):
        assert resolver.resolve("host", 1, 60.0) == ["127.0.0.1"]
    assert time.monotonic() - started < 8  # nobody waited for the name server, which takes ten
    assert wait_until(lambda: len(asked) == 2)
    answers.set()


def test_a_host_that_moved_is_looked_up_anew_when_its_old_address_is_dead(
    make_server: MakeServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server()
    addresses = ["127.0.0.2"]

    def look_up(*arguments: object, **options: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[0], server.port))]

    monkeypatch.setattr("ragsite.ollama.resolving.socket.getaddrinfo", look_up)
    client = make_client(f"http://moving:{server.port}")
    with pytest.raises(OllamaUnavailable):
        embed(client)
    addresses[0] = "127.0.0.1"

    def works() -> bool:
        try:
            return bool(embed(client))
        except OllamaUnavailable:
            return False

    assert wait_until(works)
