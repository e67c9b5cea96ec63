"""The Ollama contract, points 45 to 50: framing, the OpenAI-like paths, pull, odd requests."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import numpy as np
import pytest

from monitoring.lab.ollama_simulator import StandIn
from tests.monitoring.lab.ollama_simulator.conftest import Wire, ask_on

HELLO = [{"role": "user", "content": "hello old world"}]


def events_of(text: str) -> list[Any]:
    assert text.endswith("\n\n")
    found = [event.removeprefix("data: ") for event in text[:-2].split("\n\n")]
    return [event if event == "[DONE]" else json.loads(event) for event in found]


def test_45_long_replies_come_in_chunks_and_short_ones_with_a_length(wire: Wire) -> None:
    short, long = wire.embed("a"), wire.embed(["a"] * 32)
    assert int(short.headers["content-length"]) == len(short.body) < 2048
    assert not short.is_chunked
    assert long.is_chunked
    assert "content-length" not in long.headers
    assert len(long.json["embeddings"]) == 32


def test_45_a_connection_serves_many_requests(standin: StandIn, wire: Wire) -> None:
    with closing(HTTPConnection("127.0.0.1", standin.port, timeout=10)) as connection:
        for _ in range(3):
            assert ask_on(connection, "POST", "/api/generate", {"model": "nano-llama", "prompt": "hello"}).status == 200
            assert ask_on(connection, "GET", "/api/version").status == 200
            assert ask_on(connection, "POST", "/api/embed", {"model": "nope", "input": "a"}).status == 404
        assert standin.state()["max_connections"] == 1


def test_46_float_and_base64_vectors_agree(wire: Wire) -> None:
    plain = wire.post("/v1/embeddings", {"model": "nano-bert", "input": ["the cat", "hello"]})
    assert (plain.status, plain.type) == (200, "application/json")
    assert plain.text.endswith("\n")
    assert [row["index"] for row in plain.json["data"]] == [0, 1]
    assert plain.json["usage"] == {"prompt_tokens": 8, "total_tokens": 8}
    packed = wire.post("/v1/embeddings", {"model": "nano-bert", "input": "the cat", "encoding_format": "base64"})
    found = np.frombuffer(base64.b64decode(packed.json["data"][0]["embedding"]), dtype="<f4")
    assert found.tolist() == np.array(plain.json["data"][0]["embedding"], dtype=np.float32).tolist()
    assert len(wire.post("/v1/embeddings", {"model": "nano-bert", "input": ""}).json["data"]) == 1


def test_46_errors_have_the_form_of_openai(wire: Wire) -> None:
    empty = wire.post("/v1/embeddings", {"model": "nano-bert", "input": []})
    assert (empty.status, empty.type) == (400, "application/json; charset=utf-8")
    assert empty.text == (
        '{"error":{"message":"invalid input","type":"invalid_request_error","param":null,"code":null}}'
    )
    unknown = wire.post("/v1/embeddings", {"model": "nope", "input": "a"})
    assert (unknown.status, unknown.error["type"]) == (404, "not_found_error")
    chat = wire.post("/v1/chat/completions", {"model": "nope", "messages": HELLO})
    assert (chat.status, chat.type, chat.error["message"]) == (404, "application/json", "model 'nope' not found")
    none = wire.post("/v1/chat/completions", {"model": "nano-llama", "messages": []})
    assert (none.status, none.error["message"]) == (400, "[] is too short - 'messages'")


def test_47_a_chat_stream_of_events(standin: StandIn, wire: Wire) -> None:
    standin.set(answers="echo")
    body = {"model": "nano-llama", "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    told = wire.post("/v1/chat/completions", body)
    assert (told.status, told.type, told.is_chunked) == (200, "text/event-stream", True)
    first, *middle, reason, usage, done = events_of(told.text)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "hello"}
    assert [event["choices"][0]["delta"] for event in middle] == [{"content": " old"}, {"content": " world"}]
    assert reason["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 3
    assert done == "[DONE]"


def test_47_an_error_in_mid_stream_is_swallowed(standin: StandIn, wire: Wire) -> None:
    standin.set(answers="echo")
    standin.fail("crash", after=2, times=1)
    *_, last = events_of(
        wire.post("/v1/chat/completions", {"model": "nano-llama", "messages": HELLO, "stream": True}).text
    )
    assert (last["model"], last["choices"][0]["delta"]) == ("", {"content": ""})


def test_47_completions_and_whole_answers(standin: StandIn, wire: Wire) -> None:
    standin.set(answers="echo")
    whole = wire.post("/v1/chat/completions", {"model": "nano-llama", "messages": HELLO, "max_tokens": 2})
    assert whole.json["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": "hello old"},
        "finish_reason": "length",
    }
    *_, last, done = events_of(
        wire.post("/v1/completions", {"model": "nano-llama", "prompt": "hello", "stream": True}).text
    )
    assert (last["object"], last["choices"][0]["finish_reason"], done) == ("text_completion", "stop", "[DONE]")


def test_48_models_of_an_empty_server_are_null(wire: Wire) -> None:
    with StandIn([]) as empty:
        assert Wire(empty).get("/v1/models").text == '{"object":"list","data":null}\n'
    assert [model["id"] for model in wire.get("/v1/models").json["data"]] == ["nano-bert:latest", "nano-llama:latest"]
    assert wire.get("/v1/models/nano-bert").json["id"] == "nano-bert:latest"
    assert wire.get("/v1/models/nope").status == 404


def test_49_a_good_pull_ends_with_success(wire: Wire) -> None:
    told = wire.post("/api/pull", {"model": "all-minilm"})
    assert (told.status, told.type) == (200, "application/x-ndjson")
    first, layer, *_, last = told.lines
    assert first == {"status": "pulling manifest"}
    assert layer["digest"].startswith("sha256:")
    assert "completed" not in layer
    assert last == {"status": "success"}
    assert wire.post("/api/embed", {"model": "all-minilm", "input": "a"}).status == 200


def test_49_a_bad_pull_fails_inside_its_200(wire: Wire) -> None:
    told = wire.post("/api/pull", {"model": "nope"})
    assert told.status == 200
    assert told.lines == [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}]
    whole = wire.post("/api/pull", {"model": "nope", "stream": False})
    assert (whole.status, whole.type) == (500, "application/json")
    assert whole.error == "pull model manifest: file does not exist"
    assert wire.post("/api/pull", {"name": "all-minilm", "stream": False}).json == {"status": "success"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"MODEL":"nano-bert","Input":"the cat"}', "application/json"),
        ('{"model":"nano-bert","input":"the cat"}', "text/plain"),
        ('{"model":"nano-bert","input":"the cat"} and more }{', "application/json"),
        ('  {"model":"nano-bert","input":"the cat","zzz":[1]}{"model":"nope"}', "application/x-www-form-urlencoded"),
    ],
)
def test_50_odd_requests_are_taken(wire: Wire, body: str, kind: str) -> None:
    told = wire.post("/api/embed", body, Content_Type=kind, Authorization="Bearer x")
    assert (told.status, told.json["embeddings"]) == (200, wire.embed("the cat").json["embeddings"])


@pytest.mark.parametrize(
    "text",
    [b'"caf\xc3\x28"', rb'"\ud800 lone"', b'"a\\u0000b"', '"Nhà thầu 北京"'.encode()],
    ids=["invalid UTF-8", "lone surrogate", "NUL", "other scripts"],
)
def test_50_any_text_is_taken(wire: Wire, text: bytes) -> None:
    assert wire.post("/api/embed", b'{"model":"nano-bert","input":%b}' % text).status == 200
    assert wire.post("/api/generate", b'{"model":"nano-llama","prompt":%b}' % text).status == 200
