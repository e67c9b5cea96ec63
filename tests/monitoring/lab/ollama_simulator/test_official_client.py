"""The official Python client talks to the stand-in and notices nothing."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import ollama
import pytest

from monitoring.lab.ollama_simulator import StandIn

PASSAGES = (
    "Passages:\n[1] Shelters for cats close at noon on Sundays.\n"
    "[2] Dogs have to be registered at the town hall within a month. The fee is 40 euros.\n\n"
    "Question: Where are dogs registered?"
)


@pytest.fixture
def client(standin: StandIn) -> Iterator[ollama.Client]:
    own = ollama.Client(host=standin.url)
    yield own
    own._client.close()


def test_list_show_and_ps(client: ollama.Client) -> None:
    assert {model.model for model in client.list().models} == {"nano-bert:latest", "nano-llama:latest"}
    shown = client.show("nano-bert")
    assert shown.modelinfo is not None
    assert shown.modelinfo["bert.embedding_length"] == 32
    assert shown.capabilities == ["embedding"]
    assert client.ps().models == []
    client.embed("nano-bert", "a")
    (loaded,) = client.ps().models
    assert (loaded.name, loaded.context_length) == ("nano-bert:latest", 64)
    assert loaded.expires_at is not None
    assert loaded.expires_at.year < 2300


def test_embed_and_embeddings(client: ollama.Client) -> None:
    many = client.embed("nano-bert", ["the cat", "rain"], dimensions=16)
    assert [len(vector) for vector in many.embeddings] == [16, 16]
    assert many.prompt_eval_count == 7
    assert len(client.embeddings("nano-bert", "the cat").embedding) == 32


def test_generate_streamed_and_not(client: ollama.Client, standin: StandIn) -> None:
    standin.set(script=["first answer", "second answer"])
    assert client.generate("nano-llama", "x").response == "first answer"
    parts = list(client.generate("nano-llama", "x", stream=True))
    assert "".join(part.response or "" for part in parts) == "second answer"
    assert (parts[-1].done, parts[-1].done_reason, parts[-1].eval_count) == (True, "stop", 2)
    assert client.generate("nano-llama", "x").response == "first answer"


def test_chat_streamed_and_not(client: ollama.Client) -> None:
    messages = [{"role": "system", "content": "Cite passages."}, {"role": "user", "content": PASSAGES}]
    whole = client.chat("nano-llama", messages)
    assert whole.message.content == "Dogs have to be registered at the town hall within a month. [2]"
    assert whole.message.role == "assistant"
    parts = list(client.chat("nano-llama", messages, stream=True))
    assert "".join(part.message.content or "" for part in parts) == whole.message.content
    assert parts[-1].done


def test_pull_and_delete(client: ollama.Client) -> None:
    progress = list(client.pull("all-minilm", stream=True))
    assert (progress[0].status, progress[-1].status) == ("pulling manifest", "success")
    assert client.pull("all-minilm").status == "success"
    assert len(client.embed("all-minilm", "a").embeddings[0]) == 384
    assert client.delete("all-minilm").status == "success"
    with pytest.raises(ollama.ResponseError, match="not found"):
        client.embed("all-minilm", "a")


def test_errors_are_response_errors(client: ollama.Client, standin: StandIn) -> None:
    with pytest.raises(ollama.ResponseError) as missing:
        client.chat("nope", [{"role": "user", "content": "a"}])
    assert (missing.value.error, missing.value.status_code) == ("model 'nope' not found", 404)
    standin.fail("error_line", after=1, times=1)
    with pytest.raises(ollama.ResponseError) as broken:
        list(client.generate("nano-llama", "x", stream=True))
    assert broken.value.status_code == -1
    with pytest.raises(ollama.ResponseError, match="pull model manifest: file does not exist"):
        list(client.pull("nope", stream=True))


def test_an_outage_is_a_connection_error(client: ollama.Client, standin: StandIn) -> None:
    client.list()
    standin.stop()
    with pytest.raises(ConnectionError, match="Failed to connect to Ollama"):
        client.list()
    with pytest.raises(httpx.ConnectError):
        list(client.generate("nano-llama", "x", stream=True))
    standin.start()
    assert len(client.list().models) == 2
