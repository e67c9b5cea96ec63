"""Nothing that a client can send makes a 500, on any route; and every refusal of the API is a problem document."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings
from rest_framework.views import APIView

from documents.models import ApiKey, Corpus, Document
from tests.factories import make_corpus, make_user

pytestmark = pytest.mark.django_db

JSON = "application/json"
DEEP = 200_000
BODIES: list[tuple[str, bytes, str]] = [
    # (what it is, body, content type)
    ("nothing", b"", JSON),
    ("nothing at all", b"", ""),
    ("white space", b" \n ", JSON),
    ("truncated", b'{"query": "x', JSON),
    ("two values", b"{} {}", JSON),
    ("a deep list", b"[" * DEEP, JSON),
    ("a deep object", b'{"a":' * (DEEP // 5), JSON),
    ("a deep and complete list", b"[" * 900 + b"]" * 900, JSON),
    ("a deep value", b'{"query": ' + b"[" * 15 + b"]" * 15 + b"}", JSON),
    ("deep filters", b'{"query": "x", "filters": {"metadata": ' + b'{"a":' * 15 + b"1" + b"}" * 15 + b"}}", JSON),
    ("an array", b"[]", JSON),
    ("an array of objects", b'[{"query": "x"}]', JSON),
    ("a string", b'"x"', JSON),
    ("a number", b"5", JSON),
    ("null", b"null", JSON),
    ("true", b"true", JSON),
    ("NaN", b"NaN", JSON),
    ("NaN inside", b'{"query": "x", "top_k": NaN}', JSON),
    ("infinity", b'{"query": "x", "top_k": Infinity}', JSON),
    ("a float beyond all", b'{"query": "x", "top_k": 1e999}', JSON),
    ("a float beyond all in filters", b'{"query": "x", "filters": {"metadata": {"a": 1e999}}}', JSON),
    ("a long integer", b'{"query": "x", "top_k": ' + b"9" * 4000 + b"}", JSON),
    ("a longer integer", b'{"query": "x", "top_k": ' + b"9" * 5000 + b"}", JSON),
    ("a long integer in filters", b'{"query": "x", "filters": {"metadata": {"a": ' + b"9" * 4000 + b"}}}", JSON),
    ("a negative top_k", b'{"query": "x", "top_k": -1}', JSON),
    ("a top_k of nothing", b'{"query": "x", "top_k": 0}', JSON),
    ("a huge top_k", b'{"query": "x", "top_k": 2147483648}', JSON),
    ("a boolean deadline", b'{"query": "x", "deadline_ms": true}', JSON),
    ("NUL", b'{"query": "a\\u0000b"}', JSON),
    ("NUL in names", b'{"query": "x", "corpora": ["a\\u0000b"], "filters": {"source": "a\\u0000b"}}', JSON),
    ("NUL in metadata", b'{"query": "x", "filters": {"metadata": {"a\\u0000": "b\\u0000"}}}', JSON),
    ("a half character", b'{"query": "a\\ud800b"}', JSON),
    ("a half character in names", b'{"query": "x", "corpora": ["\\ud800"], "filters": {"source": "\\udfff"}}', JSON),
    ("a half character in metadata", b'{"query": "x", "filters": {"metadata": {"\\ud800": "\\udfff"}}}', JSON),
    ("a half character as a field", b'{"query": "x", "\\ud800": 1}', JSON),
    ("broken UTF-8", b'{"query": "\xff\xfe"}', JSON),
    ("UTF-16", '{"query": "x"}'.encode("utf-16"), JSON),
    ("a byte order mark", b'\xef\xbb\xbf{"query": "x"}', JSON),
    ("a long question", json.dumps({"query": "x" * 100_000}).encode(), JSON),
    ("a body above the limit", json.dumps({"query": "x" * 3_000_000}).encode(), JSON),
    ("many fields", json.dumps({f"field-{n}": n for n in range(5000)}).encode(), JSON),
    ("a long field", json.dumps({"f" * 50_000: 1}).encode(), JSON),
    ("wrong types", b'{"query": {}, "corpora": {}, "top_k": [], "mode": {}, "filters": 5, "stream": []}', JSON),
    ("null everywhere", b'{"query": null, "corpora": null, "top_k": null, "filters": null, "stream": null}', JSON),
    ("wrong types inside", b'{"query": "x", "filters": {"document": {}, "source": [], "metadata": 5}}', JSON),
    ("odd documents", b'{"query": "x", "filters": {"document": [null, 5, "x", {}]}}', JSON),
    ("a question of signs", json.dumps({"query": "' OR 1=1; -- %s %(a)s {} \\ & | ! :* <-> ()"}).encode(), JSON),
    ("a question of emptiness", json.dumps({"query": "\u200b\u00ad\ufeff"}).encode(), JSON),
    ("a batch of nonsense", b'{"queries": ["", null, 5, {}, []]}', JSON),
    ("a batch of signs", b'{"queries": ["?", "\\u200b", "%"]}', JSON),
    ("feedback of nonsense", b'{"query_id": "\\u0000", "rating": 1e999, "comment": {}}', JSON),
    ("feedback on another kind of id", b'{"query_id": 5, "rating": 1}', JSON),
    ("a form", b"query=x&top_k=1", "application/x-www-form-urlencoded"),
    ("a form without an end", b"--x\r\n", "multipart/form-data; boundary=x"),
    ("a form without a boundary", b"--x\r\n", "multipart/form-data"),
    ("a form with an odd boundary", b"--x\r\n", "multipart/form-data; boundary=\xff"),
    ("a form with NUL", b'--x\r\nContent-Disposition: form-data; name="corpus"\r\n\r\na\x00b\r\n--x--\r\n',
     "multipart/form-data; boundary=x"),
    ("a file without a name", b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\na\r\n--x--\r\n',
     "multipart/form-data; boundary=x"),
    ("an odd character set", b'{"query": "x"}', "application/json; charset=nonsense"),
    ("an odd content type", b'{"query": "x"}', "nonsense"),
    ("XML", b"<a/>", "application/xml"),
    ("text", b"query", "text/plain"),
]  # fmt: skip
HEADERS: list[dict[str, str]] = [
    {"X-Deadline-Ms": "NaN"},
    {"X-Deadline-Ms": "9" * 5000},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer rag_\x00_x"},
    {"Authorization": "Bearer rag__"},
    {"Authorization": "Bearer rag_" + "a" * 5000 + "_b"},
    {"Authorization": "Basic x"},
    {"Authorization": "Bearer ü"},
    {"Accept": "application/xml"},
    {"Accept": "nonsense"},
    {"Accept": "text/html"},
    {"Accept-Language": "\x00"},
    {"X-Request-ID": "a\nb"},
    {"Host": "evil.example"},
    {"Cookie": "sessionid=\x00; csrftoken=x"},
]
QUERY_STRINGS = [
    "?top_k=-1",
    "?limit=-1&offset=9" + "9" * 50,
    "?start=NaN&end=%00",
    "?corpus=%00",
    "?%ff=%ff",
    "?status=x",
]
PARAMETERS = ["x", "%00", "%ff", "..%2f..", "-1", "9" * 400, "a" * 3000, "a b", "é", str(uuid.UUID(int=0)), "null"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "INVENTED"]


def routes() -> Iterator[str]:
    """Yield the pattern of every route, admin excepted: that one belongs to Django, and has a test of its own below."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
            elif isinstance(pattern, URLPattern):
                yield "/" + prefix + str(pattern.pattern)

    yield from (route for route in walk(get_resolver().url_patterns, "") if not route.startswith("/admin"))


ROUTES = sorted(set(routes()))
SPEAKS_JSON = ("/api/", "/ask", "/documents", "/health")


def filled(route: str, value: str) -> str:
    """Return the route with every parameter as `value`."""
    parts = [value if part.startswith("<") and part.endswith(">") else part for part in route.split("/")]
    return "/".join(parts)


@pytest.fixture
def clients(settings: Settings) -> list[Client]:
    """Nobody, and a manager with a key."""
    corpus = make_corpus(is_public=True, slug="x")
    Document.objects.create(tenant=corpus.tenant, corpus=corpus, title="D", sha256="d")
    _, secret = ApiKey.issue(make_user(role="manager", tenant=corpus.tenant), "test", ["query", "ingest"])
    return [
        Client(raise_request_exception=False),
        Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"}),
    ]


def check(response: Any, path: str, what: str) -> None:
    """Assert that the response is no 500, and that a refusal is a problem."""
    assert response.status_code < 500, f"{path}: {what}: {response.status_code} {response.content[:300]!r}"
    if response.status_code >= 400 and path.startswith(SPEAKS_JSON) and response.request["REQUEST_METHOD"] != "HEAD":
        assert response["Content-Type"] == "application/problem+json", f"{path}: {what}: {response['Content-Type']}"
        assert response.json()["status"] == response.status_code
    if response.streaming:
        ends = [line for line in b"".join(response.streaming_content).split(b"\n") if line.startswith(b"event: ")]
        assert ends[-1:] == [b"event: done"], f"{path}: {what}: {ends}"


@pytest.mark.parametrize("route", ROUTES)
def test_no_body_makes_a_500(route: str, clients: list[Client]) -> None:
    path = filled(route, "x")
    for client in clients:
        for what, body, content_type in BODIES:
            for method in ("POST", "PATCH") if "corpora" in route else ("POST",):
                check(client.generic(method, path, body, content_type), path, f"{method} {what}")


@pytest.mark.parametrize("route", ROUTES)
def test_no_address_method_or_header_makes_a_500(route: str, clients: list[Client]) -> None:
    for client in clients:
        for value in PARAMETERS if "<" in route else ["x"]:
            path = filled(route, value)
            check(client.get(path), path, "GET")
        path = filled(route, "x")
        for query in QUERY_STRINGS:
            check(client.get(path + query), path, query)
        for method in METHODS:
            check(client.generic(method, path, b'{"query": "x"}', JSON), path, method)
        for headers in HEADERS:
            check(client.get(path, headers=headers), path, str(headers))
            check(client.post(path, b'{"query": "x"}', JSON, headers=headers), path, str(headers))


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/login/", "/admin/documents/document/", "/admin/querying/querylog/x/"]
)
def test_the_admin_makes_no_500_either(path: str, clients: list[Client]) -> None:
    for what, body, content_type in BODIES:
        check(clients[0].generic("POST", path, body, content_type), path, what)


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1/nothing", "/api/", "/%00", "/%ff", "/..", "//", "/" + "a" * 5000]
)
def test_an_address_that_does_not_exist_is_not_found(path: str, clients: list[Client]) -> None:
    for method in METHODS:
        check(clients[0].generic(method, path), path, method)


def test_every_view_says_who_may_use_it() -> None:
    missing = []

    def walk(patterns: list[Any]) -> None:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns)
                continue
            view = getattr(pattern.callback, "cls", None)
            if view is None or any("permission_classes" in vars(base) for base in view.__mro__ if base is not APIView):
                continue
            missing.append(view.__name__)

    walk(get_resolver().url_patterns)
    assert missing == []


def test_the_corpus_of_this_test_is_really_there(clients: list[Client]) -> None:
    assert Corpus.objects.get().slug == "x"
    for client in clients:
        assert client.post("/api/v1/query", {"query": "x"}, JSON).status_code == 200
