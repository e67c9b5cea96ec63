"""POST /api/v1/explain: who may ask it, of which document, and what comes back."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.models import ApiKey, Document
from querying.api.reply_shapes import ExplanationSerializer
from querying.api.schema import EXPLAIN_EXAMPLE
from tests.api import client_of, fields_of, problem
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def document() -> Document:
    return Document.objects.get(corpus=make_library(slug="handbook"), title="handbook")


@pytest.fixture
def editor(document: Document) -> APIClient:
    return client_of(make_user(role="editor", tenant=document.tenant))


def ask(client: APIClient, document: Document | str, **fields: Any) -> Any:
    pk = document if isinstance(document, str) else str(document.pk)
    return client.post("/api/v1/explain", {"query": QUESTION, "document": pk, **fields}, format="json")


def test_an_explanation_has_the_shape_of_the_schema(editor: APIClient, document: Document) -> None:
    reply = ask(editor, document, corpora=["handbook"], top_k=1)
    assert reply.status_code == 200, reply.content
    body = reply.json()
    assert set(body) == set(ExplanationSerializer().fields) == set(EXPLAIN_EXAMPLE)
    assert body["document"] == {
        "id": str(document.pk), "title": "handbook", "corpus": "handbook", "status": "ready",
    }  # fmt: skip
    assert (body["found"], body["reasons"], body["limits"]["passages"]) == (True, [], 1)
    assert set(body["passages"][0]) == set(EXPLAIN_EXAMPLE["passages"][0])  # type: ignore[index]
    assert body["passages"][0]["fused"]["rank"] == 1


def test_a_filter_is_named_as_the_reason(editor: APIClient, document: Document) -> None:
    body = ask(editor, document, filters={"source": "parking.txt"}).json()
    assert [reason["code"] for reason in body["reasons"]] == ["filtered"]


def test_only_who_may_change_a_document_is_told(document: Document) -> None:
    tenant = document.tenant
    assert problem(ask(APIClient(), document)) == (401, "not_authenticated")
    assert problem(ask(client_of(make_user(role="reader", tenant=tenant)), document)) == (403, "not_allowed")
    assert problem(ask(client_of(make_user(role="manager")), document)) == (403, "not_allowed")  # of another tenant
    document.corpus.is_public = False
    document.corpus.save()
    assert problem(ask(client_of(make_user(role="manager")), document)) == (404, "document_not_found")
    _, key = ApiKey.issue(make_user(role="editor", tenant=tenant), "asks only", ["query"])
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {key}")
    assert problem(ask(client, document)) == (403, "not_allowed")


def test_a_document_that_is_not_there(editor: APIClient) -> None:
    assert problem(ask(editor, str(uuid.uuid4()))) == (404, "document_not_found")
    assert fields_of(ask(editor, "handbook")) == {"document"}


def test_a_member_is_named_by_a_manager_only(editor: APIClient, document: Document) -> None:
    make_user(role="reader", tenant=document.tenant, username="rita")
    assert fields_of(ask(editor, document, asked_by="rita")) == {"asked_by"}
    manager = client_of(make_user(role="manager", tenant=document.tenant))
    assert ask(manager, document, asked_by="rita").json()["found"]
    assert fields_of(ask(manager, document, asked_by="stranger")) == {"asked_by"}


def test_a_visitor_is_named_by_an_empty_name(editor: APIClient, document: Document) -> None:
    assert ask(editor, document, asked_by="").json()["found"]
    document.corpus.is_public = False
    document.corpus.save()
    body = ask(editor, document, asked_by="").json()
    assert [reason["code"] for reason in body["reasons"]] == ["not_readable"]


def test_a_question_is_as_long_as_everywhere(editor: APIClient, document: Document, settings: Settings) -> None:
    longest = (QUESTION + " ") * (settings.QUESTION_MAX_CHARS // (len(QUESTION) + 1))
    assert ask(editor, document, query=longest.strip()).status_code == 200
    assert fields_of(ask(editor, document, query="x" * (settings.QUESTION_MAX_CHARS + 1))) == {"query"}
