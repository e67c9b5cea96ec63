"""The Ollama contract, points 1 to 13: small paths, wrong requests, names."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from monitoring.lab.ollama_simulator import StandIn
from tests.monitoring.lab.ollama_simulator.conftest import Wire

JSON_UTF8 = "application/json; charset=utf-8"


def test_01_root_says_that_ollama_is_running(wire: Wire) -> None:
    told, head = wire.get("/"), wire.ask("HEAD", "/")
    assert (told.status, told.type, told.text) == (200, "text/plain; charset=utf-8", "Ollama is running")
    assert head.status == 200
    assert head.headers == told.headers
    assert head.body == b""


def test_02_version_is_three_numbers(wire: Wire) -> None:
    told = wire.get("/api/version")
    assert told.status == 200
    assert told.type == JSON_UTF8
    assert re.fullmatch(r"\d+\.\d+\.\d+", told.json["version"])
    assert set(told.json) == {"version"}


def test_03_tags_of_an_empty_server_are_an_empty_list() -> None:
    with StandIn([]) as empty:
        assert Wire(empty).get("/api/tags").text == '{"models":[]}'


def test_03_tags_list_every_model_newest_first(wire: Wire) -> None:
    listed = wire.get("/api/tags").json["models"]
    assert {model["name"] for model in listed} == {"nano-bert:latest", "nano-llama:latest"}
    for model in listed:
        assert model["name"] == model["model"]
        assert re.fullmatch("[0-9a-f]{64}", model["digest"])
    assert [model["details"]["context_length"] for model in listed if model["name"] == "nano-bert:latest"] == [64]
    seconds = [model["modified_at"][:19] for model in listed]
    assert seconds == sorted(seconds, reverse=True)


def test_03_a_model_that_was_added_later_comes_first(standin: StandIn, wire: Wire) -> None:
    time.sleep(1.05)  # order is by whole seconds
    standin.control({"add": ["all-minilm"]})
    assert wire.get("/api/tags").json["models"][0]["name"] == "all-minilm:latest"


def test_04_ps_shows_a_model_only_after_its_load(wire: Wire) -> None:
    assert wire.get("/api/ps").text == '{"models":[]}'
    wire.embed()
    (loaded,) = wire.get("/api/ps").json["models"]
    assert loaded["context_length"] == 64
    expires = datetime.fromisoformat(loaded["expires_at"])
    assert 280 < (expires - datetime.now(UTC)).total_seconds() < 301


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("POST", "/api/tags", "HEAD, GET"), ("GET", "/api/embed", "POST")]
)
def test_05_wrong_method_is_405_with_the_right_ones(wire: Wire, method: str, path: str, allowed: str) -> None:
    told = wire.ask(method, path, {} if method == "POST" else None)
    assert (told.status, told.type, told.text) == (405, "text/plain", "405 method not allowed")
    assert told.headers["allow"] == allowed


def test_06_unknown_path_is_404_in_plain_text(wire: Wire) -> None:
    told = wire.get("/api/nope")
    assert (told.status, told.type, told.text) == (404, "text/plain", "404 page not found")


@pytest.mark.parametrize(("path", "status"), [("//api/embed", 301), ("/api/embed/", 307)])
def test_07_doubled_and_trailing_slashes_are_redirected(wire: Wire, path: str, status: int) -> None:
    told = wire.post(path, {})
    assert (told.status, told.headers["location"], told.body) == (status, "/api/embed", b"")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example.com", 403),
        ("8.8.8.8", 403),
        ("localhost:1", 200),
        ("host.docker.internal", 200),
        ("[::1]:11434", 200),
        ("10.1.2.3", 200),  # private
    ],
)
def test_08_a_foreign_host_is_refused_with_nothing(wire: Wire, host: str, status: int) -> None:
    told = wire.get("/api/version", Host=host)
    assert told.status == status
    if status == 403:
        assert told.headers == {"content-length": "0"}


def test_09_a_foreign_origin_is_refused_and_a_local_one_echoed(wire: Wire) -> None:
    refused = wire.get("/api/version", Origin="http://evil.example.com")
    assert (refused.status, refused.headers) == (403, {"content-length": "0"})
    allowed = wire.get("/api/version", Origin="http://localhost:3000")
    assert allowed.status == 200
    assert allowed.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert allowed.headers["vary"] == "Origin"


def test_09_preflight_is_204(wire: Wire) -> None:
    told = wire.ask("OPTIONS", "/api/embed", Origin="http://localhost:3000", Access_Control_Request_Method="POST")
    assert (told.status, told.body) == (204, b"")
    assert "POST" in told.headers["access-control-allow-methods"]
    assert "content-length" not in told.headers


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, "missing request body"),
        ("  ", "missing request body"),
        ("{", "unexpected EOF"),
        ("nope", "invalid character 'o' in literal null (expecting 'u')"),
        ("[]", "json: cannot unmarshal array into Go value of type api.EmbedRequest"),
        ({"model": 5}, "json: cannot unmarshal number into Go struct field EmbedRequest.model of type string"),
        ({"truncate": "x"}, "json: cannot unmarshal string into Go struct field EmbedRequest.truncate of type bool"),
        (b"\x1f\x8b", "invalid character '\\x1f' looking for beginning of value"),  # gzip is not undone
    ],
)
def test_10_a_broken_body_is_400_in_the_words_of_go(wire: Wire, body: Any, error: str) -> None:
    told = wire.post("/api/embed", body)
    assert (told.status, told.type, told.json) == (400, JSON_UTF8, {"error": error})


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/embed", 404, "model '' not found"),
        ("/api/generate", 404, "model '' not found"),
        ("/api/chat", 400, "model is required"),
        ("/api/embeddings", 400, "model is required"),
        ("/api/show", 400, "model is required"),
        ("/api/pull", 400, "invalid model name"),
    ],
)
def test_11_a_request_without_a_model(wire: Wire, path: str, status: int, error: str) -> None:
    told = wire.post(path, {})
    assert (told.status, told.json) == (status, {"error": error})


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/embed", 'model "nope" not found, try pulling it first'),
        ("/api/embeddings", 'model "nope" not found, try pulling it first'),
        ("/api/generate", "model 'nope' not found"),
        ("/api/chat", "model 'nope' not found"),
        ("/api/show", "model 'nope:latest' not found"),
    ],
)
def test_12_an_unknown_model_is_404(wire: Wire, path: str, error: str) -> None:
    told = wire.post(
        path, {"model": "nope", "input": "a", "prompt": "a", "messages": [{"role": "user", "content": "a"}]}
    )
    assert (told.status, told.json) == (404, {"error": error})


@pytest.mark.parametrize("name", ["bad name", "a/b/c/d", "a:b:c", "-x", "ünï"])
def test_13_a_malformed_name_is_400(wire: Wire, name: str) -> None:
    told = wire.post("/api/embed", {"model": name, "input": "a"})
    assert (told.status, told.json) == (400, {"error": "invalid model name"})


@pytest.mark.parametrize(
    "name",
    ["NANO-BERT", " nano-bert ", "nano-bert:latest", "library/nano-bert", "registry.ollama.ai/library/nano-bert"],
)
def test_names_are_found_in_every_way_of_writing_and_come_back_unchanged(wire: Wire, name: str) -> None:
    assert wire.post("/api/embed", {"model": name, "input": "a"}).json["model"] == name


def test_the_old_path_wants_the_name_in_its_own_case(wire: Wire) -> None:
    told = wire.post("/api/embeddings", {"model": "NANO-BERT", "prompt": "a"})
    assert (told.status, told.error) == (404, 'model "NANO-BERT" not found, try pulling it first')


def test_a_cloud_model_is_refused(wire: Wire) -> None:
    told = wire.post("/api/chat", {"model": "gpt-oss:cloud", "messages": [{"role": "user", "content": "a"}]})
    assert (told.status, told.error) == (403, "ollama cloud is disabled: remote model is unavailable")


def test_show_tells_dimension_context_and_abilities_in_chunks(wire: Wire) -> None:
    told = wire.post("/api/show", {"model": "nano-bert"})
    assert told.is_chunked
    info = told.json["model_info"]
    kind = info["general.architecture"]
    assert (info[f"{kind}.context_length"], info[f"{kind}.embedding_length"]) == (64, 32)
    assert told.json["capabilities"] == ["embedding"]
    assert told.json["tensors"]
    assert wire.post("/api/show", {"name": "nano-llama"}).json["capabilities"] == ["completion"]


def test_delete_and_copy_answer_with_nothing(wire: Wire) -> None:
    copied = wire.post("/api/copy", {"source": "nano-bert", "destination": "twin"})
    assert (copied.status, copied.body) == (200, b"")
    assert wire.post("/api/embed", {"model": "twin", "input": "a"}).status == 200
    gone = wire.ask("DELETE", "/api/delete", {"model": "twin"})
    assert (gone.status, gone.body) == (200, b"")
    assert wire.post("/api/embed", {"model": "twin", "input": "a"}).status == 404
