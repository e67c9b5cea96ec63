"""What a host says instead of an answer -> which error, in which words, and whether it speaks against the host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ragsite.errors import (
    BrokenReply,
    ModelInputTooLong,
    ModelNotFound,
    OllamaBusy,
    OllamaError,
    OllamaMisconfigured,
    OllamaUnavailable,
)
from ragsite.ollama import OllamaClient
from ragsite.ollama.failures import WrongKindOfModel, error_of_reply, is_fault

from .conftest import embed, read
from .scripted import RESET, STREAM_HEAD, ScriptedOllama, line, reply

TOO_LONG = json.dumps(
    {"error": {"code": 400, "message": "request (3252 tokens) exceeds the available context size (256 tokens), try it"}}
)


def said(text: Any, status: int = 400, content_type: str = "application/json", **headers: str) -> OllamaError:
    body = text.encode() if content_type != "application/json" else json.dumps({"error": text}).encode()
    return error_of_reply(status, {"content-type": content_type, **headers}, body, model="m", url="http://host:11434")


@pytest.mark.parametrize(
    ("error", "kind", "fault"),
    [
        # the host's own failures, whatever their status
        (said('do embedding request: Post "http://127.0.0.1:1/v1/embeddings": EOF'), OllamaUnavailable, True),
        (said("read tcp 127.0.0.1:1: read: connection reset by peer"), OllamaUnavailable, True),
        (said("failed to tokenize"), OllamaUnavailable, True),
        (said("embedding contains NaN or Inf values"), OllamaUnavailable, True),
        (said("llama-server process has terminated: exit status 1: x", 500), OllamaUnavailable, True),
        (said("timed out waiting for llama-server to start - x", 500), OllamaUnavailable, True),
        (said({}, 500), OllamaUnavailable, True),  # `error` as an empty object
        (said("", 500), OllamaUnavailable, True),
        (said("<html>Bad Gateway</html>", 502, "text/html"), OllamaUnavailable, True),
        (said("<html>down</html>", 503, "text/html"), OllamaUnavailable, True),
        (said("upstream timed out", 504, "text/plain"), OllamaUnavailable, True),
        # full, not failed
        (said("server busy, please try again.  maximum pending requests exceeded", 503), OllamaBusy, False),
        (said("slow down", 429), OllamaBusy, False),
        # the model
        (said("model 'm' not found", 404), ModelNotFound, False),
        (said('model "m" not found, try pulling it first', 404), ModelNotFound, False),
        (said('"m" does not support generate'), WrongKindOfModel, False),
        (
            said("This server does not support embeddings. Start it with `--embeddings`", 501),
            WrongKindOfModel,
            False,
        ),
        (said("this model does not support embeddings", 500), WrongKindOfModel, False),
        (said("ollama cloud is disabled: remote model is unavailable", 403), WrongKindOfModel, False),
        # the address
        (said("404 page not found", 404, "text/plain"), OllamaMisconfigured, False),
        (said("<html>", 404, "text/html"), OllamaMisconfigured, False),
        (said("405 method not allowed", 405, "text/plain"), OllamaMisconfigured, False),
        (said("", 301, location="/api/embed"), OllamaMisconfigured, False),
        (said("", 307, location="https://host/"), OllamaMisconfigured, False),
        (said("<html>Sign in</html>", 401, "text/html"), OllamaMisconfigured, False),
        # our request
        (said("the input length exceeds the context length"), ModelInputTooLong, False),
        (said("input exceeds maximum context length"), ModelInputTooLong, False),
        (said("the input length exceeds the context length", 500), ModelInputTooLong, False),
        (said(TOO_LONG), ModelInputTooLong, False),  # JSON text inside a string
        (said("<html>too large</html>", 413, "text/html"), OllamaMisconfigured, False),
        (said("invalid input type"), OllamaError, False),
        (said('option "num_ctx" must be of type integer', 500), OllamaError, False),
        (said('time: missing unit in duration "5"'), OllamaError, False),
    ],
)
def test_each_reply_means_one_error(error: OllamaError, kind: type[OllamaError], fault: bool) -> None:
    assert type(error) is kind
    assert is_fault(error) is fault


def test_the_words_say_what_to_do() -> None:
    assert "`ollama pull m`" in said("model 'm' not found", 404).message
    assert "'/api/embed'" in said("", 301, location="/api/embed").message
    empty = error_of_reply(403, {}, b"", model="m", url="http://host:11434").message
    assert "Host or Origin" in empty
    assert said("busy: maximum pending requests", 503).retry_after_seconds
    assert said("slow down", 429, **{"retry-after": "7"}).retry_after_seconds == 7
    assert len(said("x" * 100_000, 500).message) < 400
    assert "\n" not in said("a\n" * 100, 400, "text/plain").message


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (reply(b"<html>a login page</html>", content_type="text/html"), OllamaMisconfigured),
        (reply({"embeddings": [[1.0]]}, Content_Encoding="gzip"), BrokenReply),
        (reply(b"\x1f\x8b" + b"\0" * 1000), BrokenReply),  # compressed without saying so
        (reply(b"[" * 200_000), BrokenReply),
        (reply(b'{"embeddings": [[1' + b"0" * 5000 + b"]]}"), BrokenReply),
        (reply(b'{"embeddings":[[1.0]]}' + b" " * 3_000_000), BrokenReply),  # more than any embedding of one text
        (b"SSH-2.0-OpenSSH\r\n", BrokenReply),
        (reply({}, 302, Location="https://elsewhere/"), OllamaMisconfigured),
        (reply({"error": "boom"}, 500), OllamaUnavailable),
    ],
)
def test_over_http_every_kind_of_reply_becomes_one_of_our_errors(
    wire: bytes, kind: type[OllamaError], client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/embed"] = server.plays["/api/chat"] = lambda request: [wire]
    with pytest.raises(OllamaError) as caught:
        embed(client)
    assert type(caught.value) is kind
    with pytest.raises(OllamaError):
        read(client)


def test_a_redirect_is_not_followed(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = lambda request: [reply({}, 307, Location="/api/tags")]
    with pytest.raises(OllamaMisconfigured):
        embed(client)
    assert [request.path for request in server.requests if request.method == "POST"] == ["/api/embed"]


def test_an_error_line_may_be_the_first_of_a_stream(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, line({"error": "model 'm' is broken"}), RESET]
    with pytest.raises(OllamaUnavailable, match="is broken"):
        read(client)


def test_no_proxy_and_no_netrc_of_the_machine_is_used(
    client: OllamaClient, server: ScriptedOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert embed(client)
    assert "authorization" not in server.requests[0].headers
