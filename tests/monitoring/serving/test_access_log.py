"""Every request is a line in the log, and its X-Request-ID leads from the reply to it and to the question."""

from __future__ import annotations

import logging

import pytest
from django.contrib.auth.models import User
from django.test import Client

from documents.models import ApiKey
from querying.models import QueryLog
from tests.api import client_of
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "ragsite.access")
    return caplog


def of_access(lines: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in lines.records if record.name == "ragsite.access"]


def test_a_request_is_one_line_without_anything_that_was_typed(client: Client, lines: pytest.LogCaptureFixture) -> None:
    make_library(slug="handbook")
    client.post("/api/v1/query", {"query": QUESTION}, JSON)
    client.get("/api/v1/documents?corpus=typed-by-somebody")
    client.get("/typed-by-somebody")
    client.get("/api/v1/corpora/typed-by-somebody")
    found = [(each.method, each.route, each.status) for each in of_access(lines)]  # type: ignore[attr-defined]
    assert found == [
        ("POST", "api/v1/query", 200),
        ("GET", "api/v1/documents", 404),
        ("GET", "-", 404),
        ("GET", "api/v1/corpora/<str:name>", 404),
    ]
    for record in of_access(lines):
        assert record.ms >= 0  # type: ignore[attr-defined]
        assert "typed" not in str(record.__dict__)
        assert QUESTION not in str(record.__dict__)


def test_a_stream_is_logged_when_it_has_ended(client: Client, lines: pytest.LogCaptureFixture) -> None:
    make_library(slug="handbook")
    reply = client.post("/api/v1/query", {"query": QUESTION, "stream": True}, JSON)
    assert of_access(lines) == []
    assert b"event: done" in b"".join(reply.streaming_content)  # type: ignore[attr-defined]
    reply.close()
    assert [record.getMessage().split()[:3] for record in of_access(lines)] == [["POST", "api/v1/query", "200"]]


def test_probes_and_files_of_the_page_are_no_news(client: Client, lines: pytest.LogCaptureFixture) -> None:
    client.get("/health/live")
    client.get("/static/ragsite/site.css").close()
    assert [record.levelname for record in of_access(lines)] == ["DEBUG"]


def test_the_id_of_a_reply_leads_to_the_question_in_api_and_admin(client: Client) -> None:
    corpus = make_library(slug="handbook")
    user = make_user(role="editor", tenant=corpus.tenant)
    _, key = ApiKey.issue(user, "test", ["query"])
    auth = {"Authorization": f"Bearer {key}"}
    reply = client.post("/api/v1/query", {"query": QUESTION}, JSON, headers=auth)
    request_id = reply["X-Request-ID"]
    client.post("/api/v1/query", {"query": "Another one?"}, JSON, headers={**auth, "X-Request-ID": "mine"})
    batch = {"queries": [QUESTION, "What else?"]}
    client.post("/api/v1/query/batch", batch, JSON, headers={**auth, "X-Request-ID": "both"})
    client.post("/api/v1/query", {"query": "Odd"}, JSON, headers={**auth, "X-Request-ID": "x" * 65})

    found = client.get(f"/api/v1/queries?request_id={request_id}", headers=auth).json()
    assert [(each["id"], each["question"]) for each in found["queries"]] == [(reply.json()["id"], QUESTION)]
    assert client.get("/api/v1/queries?request_id=mine", headers=auth).json()["count"] == 1
    assert client.get("/api/v1/queries?request_id=both", headers=auth).json()["count"] == 2
    assert client.get("/api/v1/queries", headers=auth).json()["count"] == 5
    assert all(len(each) <= 64 for each in QueryLog.objects.values_list("request_id", flat=True))

    assert client.get("/api/v1/queries").status_code == 401
    stranger = client_of(make_user(role="manager", tenant=corpus.tenant))
    assert stranger.get(f"/api/v1/queries?request_id={request_id}").json()["count"] == 0
    root = client_of(User.objects.create_superuser("root", password="a-long-password"))
    assert root.get("/api/v1/queries?request_id=mine").json()["count"] == 1
    page = root.get(f"/admin/querying/querylog/?q={request_id}")
    assert QUESTION.encode()[:20] in page.content
    assert b"Another one" not in page.content
