"""The routes of older clients: their field names in requests, columns in replies."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from documents.models import Corpus
from querying.api.reply_shapes import AnswerSerializer
from tests.factories import make_corpus
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def post(path: str, body: Any, **headers: str) -> Any:
    return APIClient().post(path, body, format="json", headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        {"query": QUESTION, "k": 1, "method": "hybrid", "provider": "ollama"},
        {"query": QUESTION, "top_k": 1, "db": "chroma", "unknown": [1]},
        {"question": QUESTION, "k": 1, "filters": None},
    ],
)
def test_the_old_query_route_answers_in_columns(corpus: Corpus, body: dict[str, Any]) -> None:
    reply = post("/api/query", body)
    assert reply.status_code == 200, reply.content
    found = reply.json()
    assert "25 days" in found["answer"]
    assert len(found["documents"]) == len(found["metadatas"]) == len(found["distances"]) == 1
    assert found["documents"][0] == found["passages"][0]["text"]
    assert found["metadatas"][0]["title"] == "handbook"
    assert 0 <= found["distances"][0] <= 2
    assert found["db"] == "handbook"


@pytest.mark.parametrize(
    "body", [{"question": QUESTION, "mode": "fast"}, {"query": QUESTION, "k": 2}, {"question": QUESTION, "top_k": 2}]
)
def test_the_old_ask_route_answers_as_the_canonical_one(corpus: Corpus, body: dict[str, Any]) -> None:
    reply = post("/ask", body)
    assert reply.status_code == 200, reply.content
    assert set(reply.json()) == set(AnswerSerializer().fields)


@pytest.mark.parametrize("path", ["/api/query", "/ask"])
def test_the_old_routes_stream_too(corpus: Corpus, path: str) -> None:
    reply = post(path, {"question": QUESTION}, Accept="text/event-stream")
    assert b"event: done" in b"".join(reply.streaming_content)
    reply.close()


@pytest.mark.parametrize("path", ["/api/query", "/ask"])
@pytest.mark.parametrize(
    "body", [{}, [], "x", {"question": ""}, {"question": "x", "k": 0}, {"query": "x", "mode": "x"}]
)
def test_the_old_routes_refuse_what_they_can_not_read(path: str, body: Any) -> None:
    make_corpus(is_public=True)
    reply = post(path, body)
    assert reply.status_code == 400
    assert reply["Content-Type"] == "application/problem+json"
