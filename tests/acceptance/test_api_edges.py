"""What the API says at its edges: unknown names, wrong values, wrong credentials, pages of lists, chunked bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import Client
from django.urls import get_resolver
from rest_framework import exceptions, serializers

from documents.api import serializers as document_serializers
from documents.api.strict import ChoiceField, StrictSerializer
from documents.models import ApiKey, Corpus, Document
from querying.api import serializers as question_serializers
from ragsite.web.exception_handler import problem_of
from tests.acceptance.test_malformed_input import ROUTES, filled
from tests.api import client_of, fields_of, file, problem
from tests.factories import make_corpus, make_user
from tests.server import running_server
from tests.uploads import upload

JSON = "application/json"
REQUESTS = [
    each
    for module in (document_serializers, question_serializers)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, StrictSerializer) and each.__module__ == module.__name__
]


@pytest.mark.django_db
@pytest.mark.parametrize("route", [route for route in ROUTES if route.startswith(("/api/v1/", "/ask", "/documents"))])
def test_a_query_parameter_that_there_is_not_is_refused_by_name(route: str) -> None:
    if route in {"/api/v1/schema/", "/api/v1/docs/"}:
        return  # drf-spectacular's own, with parameters of their own
    corpus = make_corpus(slug="x", is_public=True)
    client = client_of(make_user(role="manager", tenant=corpus.tenant))
    view: Any = get_resolver().resolve(filled(route, "x")).func.cls  # type: ignore[attr-defined]
    methods = [each for each in ("get", "post") if hasattr(view, each)]
    for method in methods:
        assert "topk" in fields_of(getattr(client, method)(filled(route, "x") + "?topk=1"))
    assert client.put(filled(route, "x") + "?topk=1").status_code == 405


@pytest.mark.parametrize("serializer", REQUESTS, ids=lambda each: each.__name__)
def test_every_choice_names_what_it_takes(serializer: type[StrictSerializer]) -> None:
    for name, field in serializer().fields.items():
        assert type(field) is not serializers.ChoiceField, f"{name} would not say what it takes"
        if isinstance(field, ChoiceField):
            with pytest.raises(exceptions.ValidationError) as caught:
                field.run_validation("turbo")
            assert all(str(choice) in str(caught.value) for choice in field.choices)


@pytest.mark.django_db
def test_a_wrong_mode_is_answered_with_the_right_ones(client: Client) -> None:
    reply = client.post("/api/v1/query", {"query": "x", "mode": "turbo"}, JSON)
    assert fields_of(reply) == {"mode"}
    assert reply.json()["errors"][0]["message"] == '"turbo" is not possible here; write fast, balanced or quality.'


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header", ["Basic dXNlcjpwYXNz", "Token rag_a_b", "rag_a_b", "Bearer", "bearer rag_a_b", "ApiKey x y"]
)
def test_credentials_of_another_kind_are_401(client: Client, header: str) -> None:
    make_corpus(is_public=True)
    for method, path in [("GET", "/api/v1/corpora"), ("POST", "/api/v1/query"), ("DELETE", "/api/v1/corpora/x")]:
        reply = client.generic(method, path, b'{"query": "x"}', JSON, headers={"Authorization": header})
        assert reply.status_code == 401, path
        assert reply["WWW-Authenticate"] == "Bearer"


def test_refusals_are_in_our_words() -> None:
    for error in [
        exceptions.Throttled(wait=58),
        exceptions.NotAuthenticated(),
        exceptions.NotAcceptable(),
        exceptions.MethodNotAllowed("PUT"),
        exceptions.UnsupportedMediaType("text/x"),
    ]:
        detail = problem_of(error)[1]["detail"]
        assert detail != str(error.detail)
        assert "available in" not in detail
    assert problem_of(exceptions.Throttled(wait=58))[1]["detail"] == "That was too often; try again in 58 seconds."
    assert "2 minutes" in problem_of(exceptions.Throttled(wait=120))[1]["detail"]


@pytest.mark.django_db
def test_a_list_leads_from_page_to_page() -> None:
    corpus = make_corpus()
    for number in range(5):
        upload(corpus, f"Text {number}", name=f"{number}.txt")
    client = client_of(make_user(role="editor", tenant=corpus.tenant))
    found, address, numbers = [], "/api/v1/documents?status=processing&limit=2", []
    while address:
        page = client.get(address).json()
        assert page["count"] == 5
        found += [each["title"] for each in page["documents"]]
        numbers.append(page["page"])
        previous, address = page["previous"], page["next"]
    assert (len(set(found)), numbers) == (5, [1, 2, 3])
    assert previous == "/api/v1/documents?status=processing&limit=2&offset=2"
    listed = client.get("/api/v1/corpora?limit=1").json()
    assert (listed["count"], listed["next"], len(listed["corpora"])) == (1, None, 1)


@pytest.mark.django_db(transaction=True)
def test_bodies_in_chunks_and_pages_of_other_sites(tmp_path: Path) -> None:
    corpus = make_corpus(is_public=True, slug="handbook")
    _, key = ApiKey.issue(make_user(role="editor", tenant=corpus.tenant), "test", ["query", "ingest"])
    auth = {"Authorization": f"Bearer {key}"}
    origin = "https://intranet.example"
    with running_server(tmp_path, CORS_ALLOWED_ORIGINS=origin) as server:

        def send(pieces: list[bytes], path: str = "/api/v1/search", kind: str = JSON) -> requests.Response:
            headers = {**auth, "Content-Type": kind}
            return requests.post(server.url + path, data=iter(pieces), headers=headers, timeout=30)

        asked = json.dumps({"query": "rail"}).encode()
        assert send([asked[:5], asked[5:]]).status_code == 200
        assert problem_of_reply(send([asked[:5]])) == (400, "parse_error")
        assert problem_of_reply(send([b" " * 65_536] * 20 + [asked])) == (413, "too_large")
        form = requests.Request(
            "POST", server.url, data={"corpus": "handbook"}, files={"file": ("a.txt", b"Rail is preferred.")}
        ).prepare()
        assert isinstance(form.body, bytes)
        accepted = send([form.body[:40], form.body[40:]], "/api/v1/documents", form.headers["Content-Type"])
        assert accepted.status_code == 202
        assert Document.objects.get(pk=accepted.json()["id"]).size_bytes == len(b"Rail is preferred.")

        preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        mine = requests.options(f"{server.url}/api/v1/query", headers={"Origin": origin, **preflight}, timeout=30)
        assert mine.headers["Access-Control-Allow-Origin"] == origin
        assert "authorization" in mine.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in mine.headers
        other = requests.get(f"{server.url}/api/v1/corpora", headers={"Origin": "https://evil.example"}, timeout=30)
        assert "Access-Control-Allow-Origin" not in other.headers
        page = requests.get(f"{server.url}/", headers={"Origin": origin}, timeout=30)
        assert "Access-Control-Allow-Origin" not in page.headers, "only the API is for other sites"


def problem_of_reply(reply: requests.Response) -> tuple[int, str]:
    assert reply.headers["Content-Type"] == "application/problem+json"
    return reply.status_code, reply.json()["code"]


@pytest.mark.django_db
def test_other_sites_are_not_let_in_by_default(client: Client) -> None:
    reply = client.get("/api/v1/corpora", headers={"Origin": "https://intranet.example"})
    assert not [name for name in reply.headers if name.startswith("Access-Control")]


@pytest.mark.django_db
def test_what_went_away_is_404_and_not_403() -> None:
    corpus = make_corpus()
    client = client_of(make_user(role="manager", tenant=corpus.tenant))
    document = upload(corpus)
    document.deleted_at = document.created_at
    document.save()
    assert problem(client.delete(f"/api/v1/documents/{document.pk}")) == (404, "document_not_found")
    Corpus.objects.all().delete()
    body: dict[str, Any] = {"corpus": corpus.slug, "file": file()}
    assert problem(client.post("/api/v1/documents", body)) == (404, "corpus_not_found")
    assert problem(client.patch(f"/api/v1/corpora/{corpus.slug}", {"name": "x"}, format="json"))[0] == 404
