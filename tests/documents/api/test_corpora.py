"""Corpora over HTTP: list, create, change and delete, by users with the right to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from documents.indexing.pipeline import index_document
from documents.models import ApiKey, Corpus, Document, Membership, Tenant
from tests.api import client_of, fields_of, problem
from tests.factories import make_corpus, make_tenant, make_user
from tests.uploads import upload

pytestmark = pytest.mark.django_db

URL = "/api/v1/corpora"


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(slug="acme")


@pytest.fixture
def manager(tenant: Tenant) -> APIClient:
    return client_of(make_user(role="manager", tenant=tenant))


def create(client: APIClient, **fields: Any) -> Any:
    return client.generic("POST", URL, json.dumps(fields), content_type="application/json")


def test_a_manager_creates_a_corpus_and_a_name_is_enough(manager: APIClient) -> None:
    response = create(manager, name="Staff handbook")
    assert response.status_code == 201
    body = response.json()
    assert (body["slug"], body["tenant"], body["language"], body["is_public"]) == (
        "staff-handbook",
        "acme",
        "en",
        False,
    )
    assert (body["documents"], body["chunks"], body["chunk_size"]) == (0, 0, 800)
    assert manager.get(body["url"]).json() == body
    assert manager.get(f"{URL}/staff-handbook").json() == body


def test_what_is_given_is_kept(manager: APIClient) -> None:
    fields = {
        "name": "H", "slug": "h", "tenant": "acme", "language": "vi", "is_public": True, "chunk_unit": "tokens",
        "chunk_size": 256, "chunk_overlap": 32, "defaults": {"top_k": 3, "mode": "fast", "suggestions": ["Why?"]},
    }  # fmt: skip
    body = create(manager, **fields).json()
    assert {name: body[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"name"}),
        ({"name": ""}, {"name"}),
        ({"name": "a\x00b"}, {"name"}),
        ({"name": "\ud800"}, {"name"}),
        ({"name": "x" * 201}, {"name"}),
        ({"name": "H", "slug": "a b"}, {"slug"}),
        ({"name": "H", "slug": "taken"}, {"slug"}),
        ({"name": "H", "language": "english"}, {"language"}),
        ({"name": "H", "chunk_size": 0}, {"chunk_size"}),
        ({"name": "H", "chunk_size": 10**30}, {"chunk_size"}),
        ({"name": "H", "chunk_size": 100, "chunk_overlap": 100}, {"chunk_overlap"}),
        ({"name": "H", "chunk_size": 60}, {"chunk_overlap"}),
        ({"name": "H", "defaults": {"top_k": 0}}, {"defaults.top_k"}),
        ({"name": "H", "defaults": {"suggestions": ["\x00"]}}, {"defaults.suggestions.0"}),
        ({"name": "H", "is_public": "perhaps"}, {"is_public"}),
        ({"name": ["H"]}, {"name"}),
    ],
)
def test_what_can_not_be_stored_is_named(
    manager: APIClient, tenant: Tenant, fields: dict[str, Any], wrong: set[str]
) -> None:
    make_corpus(tenant=tenant, slug="taken")
    assert fields_of(create(manager, **fields)) == wrong


def test_a_body_that_is_no_object_is_refused(manager: APIClient) -> None:
    assert problem(manager.post(URL, [1], format="json"))[0] == 400
    assert problem(manager.post(URL, {"name": "H"}, format="multipart"))[0] == 415


def test_two_tenants_may_use_the_same_slug_and_the_address_says_which(manager: APIClient, tenant: Tenant) -> None:
    mine = make_corpus(tenant=tenant, slug="handbook", name="Mine")
    make_corpus(slug="handbook", name="Public", is_public=True)
    assert problem(manager.get(f"{URL}/handbook")) == (400, "invalid_input")
    assert manager.get(f"{URL}/acme/handbook").json()["name"] == mine.name


def test_who_manages_several_tenants_names_one(manager: APIClient, tenant: Tenant) -> None:
    user = Membership.objects.get(tenant=tenant).user
    Membership.objects.create(user=user, tenant=make_tenant(slug="globex"), role="manager")
    assert fields_of(create(manager, name="H")) == {"tenant"}
    assert create(manager, name="H", tenant="globex").json()["tenant"] == "globex"


def test_only_managers_create_change_and_delete(tenant: Tenant) -> None:
    make_corpus(tenant=tenant, slug="handbook")
    for role in ("reader", "editor"):
        client = client_of(make_user(role=role, tenant=tenant))
        assert client.get(f"{URL}/handbook").status_code == 200
        assert problem(create(client, name="H")) == (403, "not_allowed")
        assert problem(client.patch(f"{URL}/handbook", {"name": "x"}, format="json")) == (403, "not_allowed")
        assert problem(client.delete(f"{URL}/handbook")) == (403, "not_allowed")
    nobody = APIClient()
    assert problem(create(nobody, name="H"))[0] == 401
    assert problem(nobody.delete(f"{URL}/handbook"))[0] == 401
    assert problem(nobody.get(f"{URL}/handbook")) == (404, "corpus_not_found")


def test_a_key_for_questions_changes_nothing(tenant: Tenant) -> None:
    make_corpus(tenant=tenant, slug="handbook")
    _, secret = ApiKey.issue(make_user(role="manager", tenant=tenant), "test", ["query"])
    key = {"Authorization": f"Bearer {secret}"}
    assert APIClient().get(f"{URL}/handbook", headers=key).status_code == 200
    assert problem(APIClient().delete(f"{URL}/handbook", headers=key)) == (403, "not_allowed")


def test_the_list_holds_what_one_may_ask_with_its_counts(manager: APIClient, tenant: Tenant) -> None:
    mine = make_corpus(tenant=tenant, slug="mine")
    make_corpus(slug="foreign")
    public = make_corpus(slug="public", is_public=True)
    index_document(upload(mine).pk)
    gone = upload(mine, "gone")
    Document.objects.filter(pk=gone.pk).update(deleted_at="2026-01-01T00:00:00Z")
    listed = {corpus["slug"]: corpus for corpus in manager.get(URL).json()["corpora"]}
    assert listed.keys() == {"mine", "public"}
    assert (listed["mine"]["documents"], listed["mine"]["chunks"]) == (1, 1)
    assert listed["public"]["documents"] == 0
    assert [corpus["slug"] for corpus in APIClient().get(URL).json()["corpora"]] == [public.slug]


@pytest.mark.parametrize("name", ["nowhere", "%00", "é", "a b", "x" * 500, "acme/nowhere", "%00/x", "-/-"])
def test_what_is_no_corpus_is_a_404(manager: APIClient, name: str) -> None:
    for method in ("get", "patch", "delete"):
        assert problem(getattr(manager, method)(f"{URL}/{name}")) == (404, "corpus_not_found"), method


def test_a_change_is_stored_and_makes_caches_forget(manager: APIClient, tenant: Tenant) -> None:
    corpus = make_corpus(tenant=tenant, slug="handbook")
    response = manager.patch(f"{URL}/handbook", {"name": "New", "is_public": True, "chunk_size": 500}, format="json")
    assert response.status_code == 200
    assert (response.json()["name"], response.json()["is_public"], response.json()["chunk_size"]) == ("New", True, 500)
    corpus.refresh_from_db()
    assert (corpus.name, corpus.epoch) == ("New", 1)
    assert manager.patch(f"{URL}/handbook", {}, format="json").status_code == 200
    assert fields_of(manager.patch(f"{URL}/handbook", {"chunk_overlap": 500}, format="json")) == {"chunk_overlap"}


def test_the_language_is_fixed_once_there_are_documents(manager: APIClient, tenant: Tenant) -> None:
    corpus = make_corpus(tenant=tenant, slug="handbook")
    assert manager.patch(f"{URL}/handbook", {"language": "de"}, format="json").json()["language"] == "de"
    upload(corpus)
    assert fields_of(manager.patch(f"{URL}/handbook", {"language": "fr"}, format="json")) == {"language"}
    assert manager.patch(f"{URL}/handbook", {"language": "de"}, format="json").status_code == 200


def test_a_deleted_corpus_is_gone_with_its_documents(manager: APIClient, tenant: Tenant) -> None:
    corpus = make_corpus(tenant=tenant, slug="handbook")
    index_document(upload(corpus).pk)
    assert manager.delete(f"{URL}/handbook").status_code == 204
    assert problem(manager.get(f"{URL}/handbook")) == (404, "corpus_not_found")
    assert not Corpus.objects.exists()
    assert not Document.objects.exists()
