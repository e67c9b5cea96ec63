"""Connections to a host: kept, checked and bounded, whatever comes over them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from ragsite.errors import BrokenReply, OllamaMisconfigured, OllamaTimeout, OllamaUnavailable
from ragsite.ollama import OllamaClient, connections
from ragsite.ollama.values import Finished, Tick, Token

from .conftest import ask, embed, next_of, read
from .scripted import (
    CLOSE,
    HANG,
    STREAM_END,
    STREAM_HEAD,
    ScriptedOllama,
    Step,
    always,
    answer,
    chunk,
    done,
    reply,
    token,
)

VECTOR = b'{"embeddings":[[1.0,0.5]]}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

WHOLE: dict[str, tuple[list[Step], bool]] = {  # and whether the connection can be used again
    "a length": ([HEAD + b"Content-Length: %d\r\n\r\n" % len(VECTOR) + VECTOR], True),
    "chunks": (
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(VECTOR[:9]) + chunk(VECTOR[9:]) + STREAM_END],
        True,
    ),
    "an extension and a trailer": (
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x;a=b\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(VECTOR), VECTOR)],
        True,
    ),
    "an interim reply": ([b"HTTP/1.1 100 Continue\r\n\r\n", reply(VECTOR)], True),
    "no framing": ([HEAD + b"\r\n" + VECTOR, CLOSE], False),
    "the wish to close": ([HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(VECTOR) + VECTOR], False),
    "HTTP/1.0": ([HEAD.replace(b"1.1", b"1.0") + b"Content-Length: %d\r\n\r\n" % len(VECTOR) + VECTOR], False),
    "bytes that nobody asked for": ([reply(VECTOR) + reply(VECTOR)], True),
}


@pytest.mark.parametrize(("steps", "reusable"), WHOLE.values(), ids=WHOLE.keys())
def test_a_reply_may_be_framed_in_any_way(
    steps: list[Step], reusable: bool, client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/embed"] = lambda request: steps
    assert embed(client) == [[1.0, 0.5]]
    server.plays["/api/embed"] = always([reply({"embeddings": [[2.0]]})])
    assert embed(client) == [[2.0]]  # of this call, not left over from the one before
    assert server.connections == (1 if reusable else 2)


def line_of(text: str) -> bytes:
    return b'{"message":{"content":"%s"},"done":false}\n' % text.encode()


@pytest.mark.parametrize("framing", [b"", b"Connection: close\r\n", b"Content-Length: SIZE\r\n"])
def test_a_stream_without_chunks_is_read_along_too(
    framing: bytes, client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    """As some proxies send it."""
    settings.STREAM_FLUSH_SECONDS = 0.0
    last = b'{"message":{"content":""},"done":true,"done_reason":"stop"}\n'
    came = threading.Event()
    body: list[Step] = [line_of("a"), came, last]
    head = b"HTTP/1.1 200 OK\r\n" + framing.replace(b"SIZE", b"%d" % (len(line_of("a")) + len(last))) + b"\r\n"
    server.plays["/api/chat"] = lambda request: [head, *body, CLOSE]
    stream = ask(client)
    assert next_of(stream) == Token("a")  # while the rest is still to come
    assert next(stream) == Tick()
    came.set()
    assert isinstance(list(stream)[-1], Finished)


ENDLESS: dict[str, list[Step]] = {
    "a size": [STREAM_HEAD, *[b"0" * 60_000] * 2000],
    "an extension": [STREAM_HEAD, b"5;", *[b"x" * 60_000] * 2000],
    "a trailer": [STREAM_HEAD, b"0\r\n", *[b"x" * 60_000] * 2000],
    "a header": [b"HTTP/1.1 200 OK\r\nX: ", *[b"x" * 60_000] * 2000],
    "headers": [b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n" * 10_000] * 2000],
    "a chunk of no size, without end": [STREAM_HEAD, b"-1\r\n", *[b" " * 60_000] * 2000],
    "a chunk of terabytes": [STREAM_HEAD, b"fffffffffff\r\n", *[b" " * 60_000] * 2000],
    "a body of terabytes": [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", *[b" " * 60_000] * 2000],
}


@pytest.mark.parametrize("steps", ENDLESS.values(), ids=ENDLESS.keys())
def test_what_has_no_end_is_refused_with_little_kept(
    steps: list[Step], client: OllamaClient, server: ScriptedOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = 0
    readinto = connections.ReplyBytes.readinto

    def counting(self: connections.ReplyBytes, buffer: memoryview) -> int | None:
        nonlocal received
        size = readinto(self, buffer)
        received += size or 0
        return size

    monkeypatch.setattr(connections.ReplyBytes, "readinto", counting)
    server.plays["/api/chat"] = server.plays["/api/embed"] = lambda request: steps
    for call in (lambda: read(client, seconds=60.0), lambda: embed(client, seconds=60.0)):
        received = 0
        with pytest.raises(BrokenReply):
            call()
        assert received < 40 * 1024 * 1024


BROKEN_HEADS = [
    b"SSH-2.0-OpenSSH_9.9\r\n",  # another service on the port
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1\r\n\r\n",
    STREAM_HEAD + b"zz\r\n",
    STREAM_HEAD + b"\r\n",
    STREAM_HEAD + b"-5\r\n12345\r\n",
    STREAM_HEAD + b"5\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nab",
]


@pytest.mark.parametrize("wire", BROKEN_HEADS)
def test_broken_http_is_said_in_words_in_calls_and_streams(
    wire: bytes, client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = server.plays["/api/embed"] = lambda request: [wire, CLOSE]
    for call in (read, embed):
        with pytest.raises(BrokenReply):
            call(client)


def test_a_redirect_is_not_followed(
    client: OllamaClient, server: ScriptedOllama, make_server: Callable[..., ScriptedOllama]
) -> None:
    other = make_server()
    server.plays["/api/embed"] = server.plays["/api/chat"] = lambda request: [
        reply(b"", 307, Location=f"{other.url}{request.path}")
    ]
    for call in (read, embed):
        with pytest.raises(OllamaMisconfigured, match="redirect"):
            call(client)
    assert other.connections == 0


def test_cookies_of_a_proxy_are_not_sent_back(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = lambda request: [reply(VECTOR, Set_Cookie="sticky=1; Path=/")]
    embed(client)
    embed(client)
    assert "cookie" not in server.requests[-1].headers


def test_calls_and_streams_share_their_connections(client: OllamaClient, server: ScriptedOllama) -> None:
    for _time in range(3):
        embed(client)
        read(client)
        client.tags()
    assert server.connections == 1


def test_a_connection_that_was_closed_while_idle_is_not_used(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = lambda request: [reply(VECTOR), CLOSE]
    server.plays["/api/chat"] = lambda request: [*answer("a"), CLOSE]
    for _time in range(3):
        embed(client)
        time.sleep(0.1)
        read(client)
        time.sleep(0.1)
    assert client.get_circuit_state()["failure_count"] == 0
    assert len(server.requests) == 6  # no call was made twice


def test_a_connection_that_was_idle_for_long_is_not_used(
    client: OllamaClient, server: ScriptedOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(client)
    monkeypatch.setattr(connections, "IDLE_MAX_SECONDS", 0.0)
    embed(client)
    assert server.connections == 2


def test_an_answer_given_before_the_whole_request_was_read_is_heard(
    client: OllamaClient, server: ScriptedOllama
) -> None:
    """A proxy refuses a body that is too large while it is being sent, and hangs up."""
    server.plays["/api/embed"] = lambda request: [reply(b"too large", 413)]
    with pytest.raises(OllamaMisconfigured, match="413"):
        embed(client, "x" * 100_000)


@pytest.mark.usefixtures("short_times")
def test_half_a_chunk_is_waited_for_no_longer_than_a_token(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), b"20\r\n{", HANG]
    got = []
    with pytest.raises(OllamaTimeout):
        got.extend(ask(client))
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), done(), STREAM_END]
    assert read(client)[0] == "a"


def test_a_host_that_hangs_up_without_a_word_is_lost(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = server.plays["/api/embed"] = always([CLOSE])
    for call in (read, embed):
        with pytest.raises(OllamaUnavailable, match="lost"):
            call(client)
