"""While questions are switched off each one is refused with a message, health says so, and the rest works."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.models import Corpus
from querying.models import QueryLog
from tests.api import client_of, file, problem
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus(settings: Settings) -> Corpus:
    made = make_library(slug="handbook")
    settings.RAG_DISABLE = True
    return made


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/query", {"query": QUESTION}),
        ("/api/v1/query", {"query": QUESTION, "stream": True}),
        ("/api/v1/query/batch", {"queries": [QUESTION]}),
        ("/api/v1/search", {"query": QUESTION}),
        ("/api/v1/search/batch", {"queries": [QUESTION]}),
        ("/api/query", {"query": QUESTION}),
        ("/ask", {"question": QUESTION}),
    ],
)
def test_every_route_of_questions_refuses_in_words(corpus: Corpus, path: str, body: dict[str, Any]) -> None:
    reply = APIClient().post(path, body, format="json")
    assert problem(reply) == (503, "questions_disabled")
    assert "switched off" in reply.json()["detail"]
    assert reply["Retry-After"] == "60"
    assert not QueryLog.objects.exists()


def test_an_answer_that_is_in_memory_is_not_given_either(corpus: Corpus, settings: Settings) -> None:
    settings.RAG_DISABLE = False
    client = APIClient()
    for _ in range(2):
        assert client.post("/api/v1/query", {"query": QUESTION}, format="json").status_code == 200
    settings.RAG_DISABLE = True
    assert client.post("/api/v1/query", {"query": QUESTION}, format="json").status_code == 503
    settings.RAG_DISABLE = False
    assert client.post("/api/v1/query", {"query": QUESTION}, format="json").status_code == 200


def test_what_is_wrong_with_a_question_is_still_said_first(corpus: Corpus) -> None:
    reply = APIClient().post("/api/v1/query", {"query": ""}, format="json")
    assert problem(reply) == (400, "invalid_input")


def test_health_says_so_and_the_server_stays_ready(corpus: Corpus, settings: Settings) -> None:
    client = APIClient()
    body = client.get("/health").json()
    assert body["status"] == "degraded"
    assert body["services"]["questions"]["healthy"] is False
    assert "RAG_DISABLE" in body["services"]["questions"]["message"]
    assert client.get("/health/ready").status_code == 200
    settings.RAG_DISABLE = False
    assert "questions" not in client.get("/health").json()["services"]


def test_uploads_lists_the_admin_and_the_operators_questions_go_on(corpus: Corpus) -> None:
    editor = client_of(make_user(role="editor", tenant=corpus.tenant, is_staff=True))
    assert editor.post("/api/v1/documents", {"corpus": "handbook", "file": file("New.")}).status_code == 202
    assert editor.get("/api/v1/documents?corpus=handbook").status_code == 200
    assert editor.get("/admin/").status_code == 200
    assert "25 days" in call_command("ask", "handbook", QUESTION)
