"""What goes wrong is said: by status, by a stable code, and in words that say what to change. It is never a 500."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.models import ApiKey, Corpus, Document
from monitoring.lab.ollama_simulator.running import StandIn
from querying.api.serializers import BATCH_MAX_QUESTIONS
from ragsite.ollama import get_client
from ragsite.ollama.values import OPERATIONS
from tests.api import file
from tests.factories import make_corpus, make_user
from tests.querying.library import make_library
from tests.redis import cache_settings
from tests.server import running_server

pytestmark = pytest.mark.django_db
QUESTION = "How many days of paid leave do employees get?"
NO_ID = "00000000-0000-0000-0000-000000000000"
QUERY, SEARCH, BATCH, DOCUMENTS = "/api/v1/query", "/api/v1/search", "/api/v1/query/batch", "/api/v1/documents"
Row = tuple[str, str, str, Any, int, str, set[str]]

# (who, method, path, body, status, code, fields): what somebody got wrong, on every public route.
MISTAKES: list[Row] = [
    ("nobody", "POST", QUERY, {}, 400, "invalid_input", {"query"}),
    ("nobody", "POST", QUERY, {"query": ""}, 400, "invalid_input", {"query"}),
    ("nobody", "POST", QUERY, {"query": "x", "topk": 3}, 400, "invalid_input", {"topk"}),
    ("nobody", "POST", QUERY, {"query": "x", "top_k": 1000}, 400, "invalid_input", {"top_k"}),
    ("nobody", "POST", QUERY, {"query": "x", "mode": "best", "top_k": 0}, 400, "invalid_input", {"mode", "top_k"}),
    ("nobody", "POST", QUERY, {"query": "x", "filters": {"colour": "red"}}, 400, "invalid_input", {"filters"}),
    ("nobody", "POST", QUERY, {"query": "x", "deadline_ms": 0}, 400, "invalid_input", {"deadline_ms"}),
    ("nobody", "POST", QUERY, {"query": "x", "corpora": ["nothing"]}, 404, "corpus_not_found", set()),
    ("nobody", "POST", QUERY, {"query": "x", "corpora": ["closed"]}, 404, "corpus_not_found", set()),
    ("nobody", "POST", QUERY, {"query": "x", "stream": True, "corpora": ["no"]}, 404, "corpus_not_found", set()),
    ("nobody", "POST", QUERY, "not an object", 400, "invalid_input", {"body"}),
    ("nobody", "GET", QUERY, None, 405, "method_not_allowed", set()),
    ("nobody", "POST", BATCH, {"queries": []}, 400, "invalid_input", {"queries"}),
    ("nobody", "POST", BATCH, {"queries": ["x"] * (BATCH_MAX_QUESTIONS + 1)}, 400, "invalid_input", {"queries"}),
    ("nobody", "POST", SEARCH, {"query": "x", "stream": True}, 400, "invalid_input", {"stream"}),
    ("nobody", "POST", f"{SEARCH}/batch", {"queries": "x"}, 400, "invalid_input", {"queries"}),
    ("nobody", "POST", "/api/query", {"k": 3}, 400, "invalid_input", {"query"}),
    ("nobody", "POST", "/ask", {"question": "x", "k": "many"}, 400, "invalid_input", {"top_k"}),
    ("nobody", "POST", "/api/v1/feedback", {"rating": 5}, 400, "invalid_input", {"query_id", "rating"}),
    ("nobody", "POST", "/api/v1/feedback", {"query_id": NO_ID, "rating": 1}, 404, "query_not_found", set()),
    ("nobody", "POST", "/api/v1/corpora", {"name": "New"}, 401, "not_authenticated", set()),
    ("nobody", "GET", "/api/v1/corpora/closed", None, 404, "corpus_not_found", set()),
    ("nobody", "GET", f"{DOCUMENTS}/{NO_ID}", None, 404, "document_not_found", set()),
    ("nobody", "GET", f"{DOCUMENTS}/no-id/text", None, 404, "document_not_found", set()),
    ("nobody", "GET", "/api/v1/nothing", None, 404, "not_found", set()),
    ("bad key", "POST", QUERY, {"query": "x"}, 401, "authentication_failed", set()),
    ("reader", "POST", "/api/v1/corpora", {"name": "New", "slug": "new"}, 403, "not_allowed", set()),
    ("reader", "PATCH", "/api/v1/corpora/closed", {"name": "Mine"}, 403, "not_allowed", set()),
    ("reader", "DELETE", "/api/v1/corpora/closed", None, 403, "not_allowed", set()),
    ("reader", "POST", f"{DOCUMENTS}/{{document}}/reindex", None, 403, "not_allowed", set()),
    ("reader", "DELETE", f"{DOCUMENTS}/{{document}}", None, 403, "not_allowed", set()),
    ("manager", "POST", "/api/v1/corpora", {"name": "", "slug": "a b"}, 400, "invalid_input", {"name", "slug"}),
    ("manager", "GET", f"{DOCUMENTS}?limit=many", None, 400, "invalid_input", {"limit"}),
    ("manager", "GET", f"{DOCUMENTS}/{{document}}/text?start=-1", None, 400, "invalid_input", {"start"}),
    ("manager", "POST", DOCUMENTS, {"corpus": "closed"}, 415, "unsupported_media_type", set()),
]


@pytest.fixture
def clients() -> dict[str, APIClient]:
    """Everybody who may call, by what they are."""
    corpus = make_corpus(slug="closed")
    make_corpus(slug="open", is_public=True)
    made = {"nobody": APIClient(), "bad key": APIClient(headers={"Authorization": "Bearer rag_12345678_wrong"})}
    for role in ("reader", "manager"):
        _, secret = ApiKey.issue(make_user(role=role, tenant=corpus.tenant), "test", ["query", "ingest"])
        made[role] = APIClient(headers={"Authorization": f"Bearer {secret}"})
    return made


@pytest.fixture
def document(clients: dict[str, APIClient]) -> Document:
    corpus = Corpus.objects.get(slug="closed")
    return Document.objects.create(tenant=corpus.tenant, corpus=corpus, title="D", sha256="d")


def check_problem(reply: Any, status: int, code: str) -> dict[str, Any]:
    """Return a reply's problem: complete, in words for people, and without a word of our insides."""
    assert reply.status_code == status, reply.content
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = reply.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:ragsite:problem:{code}"
    assert problem["title"]
    assert re.search(r"\w[.?!]$|\w\"\.$|['`)]\.$", problem["detail"]), problem["detail"]
    assert not re.search(r"Traceback|Error\(|psycopg|, line \d|site-packages|SELECT", reply.content.decode())
    if status in (429, 503):
        assert int(reply.headers["Retry-After"]) > 0
    return problem


@pytest.mark.parametrize(("who", "method", "path", "body", "status", "code", "fields"), MISTAKES)
def test_a_mistake_is_named_with_what_to_change(
    clients: dict[str, APIClient],
    document: Document,
    who: str,
    method: str,
    path: str,
    body: Any,
    status: int,
    code: str,
    fields: set[str],
) -> None:
    path = path.replace("{document}", str(document.pk))
    reply = clients[who].generic(method, path, *(() if body is None else (_json(body), "application/json")))
    problem = check_problem(reply, status, code)
    errors = problem.get("errors", [])
    assert {error["field"] for error in errors} == fields
    assert all(len(error["message"]) > 5 for error in errors), "each says what to change"


def _json(body: Any) -> str:
    return str(requests.Request("POST", "http://x", json=body).prepare().body.decode())  # type: ignore[union-attr]


def test_uploads_are_refused_with_a_reason(clients: dict[str, APIClient], settings: Settings) -> None:
    def upload(who: str, **fields: Any) -> Any:
        return clients[who].post(DOCUMENTS, {"corpus": "closed", **fields}, format="multipart")

    check_problem(upload("nobody", file=file()), 401, "not_authenticated")
    check_problem(upload("reader", file=file()), 403, "not_allowed")
    check_problem(upload("manager", file=file(), corpus="nothing"), 404, "corpus_not_found")
    assert check_problem(upload("manager"), 400, "invalid_input")["errors"][0]["field"] == "file"
    settings.UPLOAD_MAX_BYTES = 10
    check_problem(upload("manager", file=file("More than ten bytes.")), 413, "too_large")
    settings.FREE_DISK_FLOOR_BYTES = 10**18
    check_problem(upload("manager", file=file("Short.")), 507, "storage_full")
    assert not Document.objects.exists()


def test_who_asks_too_often_is_told_when_to_come_back(clients: dict[str, APIClient], settings: Settings) -> None:
    settings.RATE_LIMIT_QUERY = "1/h"
    client = clients["nobody"]
    assert client.post(SEARCH, {"query": QUESTION}, format="json").status_code == 200
    check_problem(client.post(SEARCH, {"query": QUESTION}, format="json"), 429, "throttled")


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"  # bound and not listening: connections are refused


@pytest.fixture
def library(settings: Settings) -> Iterator[StandIn]:
    """A public corpus with vectors of a model server."""
    with StandIn(["llama3.2:1b", "nomic-embed-text"]) as standin:
        settings.OLLAMA_BASE_URLS = [standin.url]
        settings.ENABLE_EMBEDDING_CACHE = False  # the vector of a question that was asked before needs no model
        make_library(slug="handbook", with_space=False)
        connection.close()
        yield standin


def asked(path: str = QUERY, **body: Any) -> Any:
    reply = APIClient().post(path, {"query": QUESTION, "use_cache": False, **body}, format="json")
    assert reply.status_code == 200, reply.content
    return reply.json()


def reasons(body: Any) -> set[str]:
    return {reason["code"] for reason in body["degraded_reasons"]}


@pytest.mark.django_db(transaction=True)
def test_without_a_model_server_the_documents_answer_and_it_is_said_why(library: StandIn) -> None:
    whole = asked()
    assert (whole["answer_mode"], whole["degraded"]) == ("generated", False)
    library.stop()
    body = asked()
    assert body["answer_mode"] == "extractive"
    assert "25 days" in body["answer"]
    # The circuit opens with the first refused connection, which may be the one for the question's vector.
    assert reasons(body) - {"model_unavailable", "circuit_open"} == {"embedding_unavailable"}
    assert len(reasons(body)) == 2
    found = asked(SEARCH)
    assert {leg["name"]: leg["status"] for leg in found["legs"]} == {"lexical": "ok", "dense": "failed"}
    assert reasons(found) == {"embedding_unavailable"}
    for operation in OPERATIONS:
        get_client().open_circuit(library.url, operation)
    assert reasons(asked()) == {"circuit_open", "embedding_unavailable"}
    health = APIClient().get("/health").json()
    assert (health["status"], health["services"]["ollama"]["healthy"]) == ("degraded", False)
    library.start()
    for operation in OPERATIONS:
        get_client().close_circuit(library.url, operation)
    assert (asked()["answer_mode"], asked()["degraded"]) == ("generated", False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda standin: standin.fail("missing", operation="chat"), "model_missing"),
        (lambda standin: standin.fail("busy", operation="chat"), "model_busy"),
        (lambda standin: standin.fail("error", operation="chat", status=500), "model_unavailable"),
        (lambda standin: standin.fail("html", operation="chat"), "model_misconfigured"),
    ],
    ids=["missing", "busy", "failing", "another service"],
)
def test_each_fault_of_a_model_has_a_reason_of_its_own(
    library: StandIn, harm: Callable[[StandIn], None], reason: str
) -> None:
    harm(library)
    body = asked(deadline_ms=8000)
    assert body["answer_mode"] == "extractive"
    assert reason in reasons(body)
    assert all(each["message"].endswith(".") for each in body["degraded_reasons"])


@pytest.mark.django_db(transaction=True)
def test_without_redis_nobody_notices_but_health(library: StandIn, settings: Settings, nowhere: str) -> None:
    settings.REDIS_URL = f"redis://{nowhere}/0"
    settings.CACHES = {"default": cache_settings(settings.REDIS_URL)}
    settings.RATE_LIMIT_QUERY = "1000/h"  # which Redis would count
    assert asked(use_cache=True)["degraded"] is False
    assert asked(SEARCH, use_cache=True)["degraded"] is False
    health = APIClient().get("/health").json()
    assert (health["status"], health["services"]["redis"]["healthy"]) == ("degraded", False)


def test_without_a_database_every_route_says_so_in_time(tmp_path: Path, nowhere: str) -> None:
    gone = {"DATABASE_URL": f"postgresql://somebody:secret@{nowhere}/ragsite", "DATABASE_POOL_TIMEOUT": "0.1"}
    with running_server(tmp_path, environment=gone) as server:
        calls: list[tuple[str, str, Any]] = [
            ("POST", QUERY, {"query": QUESTION}),
            ("POST", QUERY, {"query": QUESTION, "stream": True}),
            ("POST", BATCH, {"queries": [QUESTION]}),
            ("POST", SEARCH, {"query": QUESTION}),
            ("POST", "/ask", {"question": QUESTION}),
            ("GET", "/api/v1/corpora", None),
            ("GET", DOCUMENTS, None),
            ("GET", f"{DOCUMENTS}/{NO_ID}", None),
            ("POST", "/api/v1/feedback", {"query_id": NO_ID, "rating": 1}),
        ]
        for method, path, body in calls:
            reply = requests.request(method, server.url + path, json=body, timeout=20)
            assert "secret" not in reply.text
            assert nowhere not in reply.text
            assert reply.status_code == 503, f"{method} {path}: {reply.text}"
            check_problem(reply, 503, reply.json()["code"])
            assert reply.json()["code"] in {"database_unavailable", "overloaded"}
        page = requests.get(server.url, timeout=20)
        assert page.status_code == 503, "people get a page that says so"
        bad = requests.post(server.url + QUERY, json={"query": ""}, timeout=20)
        check_problem(bad, 400, "invalid_input")
        assert requests.get(f"{server.url}/health/live", timeout=20).status_code == 200
        assert requests.get(f"{server.url}/health/ready", timeout=20).status_code == 503
        health = requests.get(f"{server.url}/health", timeout=20)
        assert (health.status_code, health.json()["services"]["postgres"]["healthy"]) == (200, False)
