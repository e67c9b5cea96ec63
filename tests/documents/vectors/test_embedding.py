from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from documents.models import EmbeddingSpace
from documents.vectors import embedding
from documents.vectors.embedding import bare_name, embed_passages, embed_question, prefixes_of
from monitoring.lab.ollama_simulator.running import StandIn
from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded, EmbeddingMismatch, OllamaError
from ragsite.ollama import get_client

EMBEDDED = EmbeddingSpace(provider="embedded", model="wordllama", dimensions=256)


def space_of(model: str = "nomic-embed-text", **fields: object) -> EmbeddingSpace:
    return EmbeddingSpace(provider="ollama", model=model, **fields)


@pytest.fixture
def standin(settings: Settings) -> Iterator[StandIn]:
    with StandIn() as server:
        settings.OLLAMA_BASE_URLS = [server.url]
        yield server


def soon() -> Deadline:
    return Deadline.after(20)


def test_near_texts_have_near_vectors() -> None:
    passages = embed_passages(EMBEDDED, ["The cat sleeps on the sofa.", "Interest rates rose again."], deadline=soon())
    question = embed_question(EMBEDDED, "Where does the cat sleep?", deadline=soon())
    assert passages.shape == (2, 256)
    assert passages.dtype == question.dtype == np.float32
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)
    assert question @ passages[0] > question @ passages[1] + 0.1


def test_the_order_of_texts_does_not_depend_on_their_number() -> None:
    texts = [f"text about subject {number} " * (number % 7 + 1) for number in range(40)]
    together = embed_passages(EMBEDDED, texts, deadline=soon())
    alone = embed_passages(EMBEDDED, [texts[33]], deadline=soon())
    assert np.allclose(together[33], alone[0], atol=1e-5)


def test_nothing_to_embed_is_no_error() -> None:
    assert embed_passages(EMBEDDED, [], deadline=soon()).shape == (0, 256)
    for question in ("", "  \n"):
        assert not embed_question(EMBEDDED, question, deadline=soon()).any()


def test_threads_that_need_the_model_at_once_load_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    real = embedding._wordllama.__wrapped__

    @lru_cache(maxsize=1)
    def counted() -> Any:
        loads.append(1)
        return real()

    monkeypatch.setattr(embedding, "_wordllama", counted)
    threads = [
        threading.Thread(target=embed_question, args=(EMBEDDED, f"question {number}"), kwargs={"deadline": soon()})
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]


@pytest.mark.parametrize(
    ("model", "query", "passage"),
    [
        ("nomic-embed-text", "search_query: ", "search_document: "),
        ("somebody/nomic-embed-text:v1.5", "search_query: ", "search_document: "),  # by the bare name
        ("mxbai-embed-large:latest", "Represent this sentence for searching relevant passages: ", ""),
        ("snowflake-arctic-embed2", "query: ", ""),
        ("embeddinggemma:300m", "task: search result | query: ", "title: none | text: "),
        ("bge-m3", "", ""),
        ("all-minilm", "", ""),
        ("never-heard-of", "", ""),
    ],
)
def test_each_model_gets_the_prefixes_it_was_trained_with(model: str, query: str, passage: str) -> None:
    prefixes = prefixes_of(space_of(model))
    assert (prefixes.query, prefixes.passage) == (query, passage)


def test_an_instruction_has_its_line_end_and_no_blank_after_it() -> None:
    assert prefixes_of(space_of("qwen3-embedding:0.6b")).query.endswith("answer the query\nQuery:")


def test_a_space_can_have_prefixes_of_its_own() -> None:
    space = space_of("never-heard-of", index_settings={"query_prefix": "Q: ", "passage_prefix": "P: "})
    assert (prefixes_of(space).query, prefixes_of(space).passage) == ("Q: ", "P: ")


def test_names_lose_their_namespace_and_tag() -> None:
    assert bare_name("Somebody/BGE-m3:567m") == "bge-m3"


def test_ollama_gets_prefixed_batches_at_most_two_at_a_time(standin: StandIn, settings: Settings) -> None:
    settings.OLLAMA_EMBED_BATCH_SIZE = 4
    standin.set(embed_seconds=0.02, embed_parallel=8)
    vectors = embed_passages(space_of(), [f"passage {number}" for number in range(18)], deadline=soon())
    assert vectors.shape == (18, 768)
    bodies = standin.requests("embed")
    assert sorted(len(body["input"]) for body in bodies) == [2, 4, 4, 4, 4]
    assert all(text.startswith("search_document: passage") for body in bodies for text in body["input"])
    assert standin.state()["max_embeds"] <= 2


def test_batches_come_back_in_the_order_of_the_texts(standin: StandIn, settings: Settings) -> None:
    texts = [f"passage about subject number {number}" for number in range(7)]
    alone = embed_passages(space_of(), [texts[5]], deadline=soon())
    settings.OLLAMA_EMBED_BATCH_SIZE = 2
    assert np.allclose(embed_passages(space_of(), texts, deadline=soon())[5], alone[0], atol=1e-5)


def test_a_question_has_its_own_prefix(standin: StandIn) -> None:
    vector = embed_question(space_of(), "how long is the leave?", deadline=soon())
    assert np.isclose(np.linalg.norm(vector), 1, atol=1e-5)
    [body] = standin.requests("embed")
    assert body["input"] == ["search_query: how long is the leave?"]


@pytest.mark.parametrize("fault", ["wrong_dimension", "too_few_vectors", "nan_vectors", "zero_vectors"])
def test_broken_vectors_are_never_returned(standin: StandIn, fault: str) -> None:
    standin.fail(fault)
    with pytest.raises((EmbeddingMismatch, OllamaError)):
        embed_passages(space_of(dimensions=768), ["one", "two"], deadline=soon())


def test_vectors_of_another_model_do_not_fit_the_space(standin: StandIn) -> None:
    with pytest.raises(EmbeddingMismatch, match="768"):
        embed_passages(space_of(dimensions=1024), ["one"], deadline=soon())
    with pytest.raises(EmbeddingMismatch):
        embed_question(space_of(dimensions=1024), "one", deadline=soon())


def test_no_time_left_is_said_so() -> None:
    with pytest.raises(DeadlineExceeded):
        embed_question(EMBEDDED, "question", deadline=Deadline.after(0))


def test_a_model_server_that_is_gone_is_an_error(settings: Settings) -> None:
    settings.OLLAMA_BASE_URLS = ["http://127.0.0.1:9"]
    with pytest.raises(OllamaError):
        embed_passages(space_of(), ["one"], deadline=soon())
    get_client().close()
