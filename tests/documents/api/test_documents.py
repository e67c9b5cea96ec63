"""Documents over HTTP: show, read, reindex, cancel and delete, by users with the right to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from documents.indexing.pipeline import index_document
from documents.models import Corpus, Document
from tests.api import client_of, fields_of, problem
from tests.factories import make_corpus, make_user
from tests.uploads import make_text, upload, waiting_jobs

pytestmark = pytest.mark.django_db

URL = "/api/v1/documents"


@pytest.fixture
def corpus() -> Corpus:
    return make_corpus(slug="handbook")


@pytest.fixture
def editor(corpus: Corpus) -> APIClient:
    return client_of(make_user(role="editor", tenant=corpus.tenant))


@pytest.fixture
def reader(corpus: Corpus) -> APIClient:
    return client_of(make_user(role="reader", tenant=corpus.tenant))


def test_a_document_shows_its_progress(reader: APIClient, corpus: Corpus) -> None:
    document = upload(corpus)
    body = reader.get(f"{URL}/{document.pk}").json()
    assert (body["status"], body["searchable"], body["seconds_left"], body["error"]) == (
        "processing",
        False,
        None,
        None,
    )
    Document.objects.update(chunks_done=50, chunks_total=200, started_at="2026-01-01T00:00:00Z")
    body = reader.get(f"{URL}/{document.pk}").json()
    assert (body["chunks_done"], body["chunks_total"]) == (50, 200)
    assert body["seconds_left"] > 0
    index_document(document.pk)
    body = reader.get(f"{URL}/{document.pk}").json()
    assert (body["status"], body["searchable"], body["seconds_left"]) == ("ready", True, None)
    assert (body["corpus"], body["tenant"]) == ("handbook", corpus.tenant.slug)


def test_a_failed_document_says_why(reader: APIClient, corpus: Corpus) -> None:
    document = upload(corpus, "")
    index_document(document.pk)
    error = reader.get(f"{URL}/{document.pk}").json()["error"]
    assert error["code"] == "empty"
    assert len(error["message"]) > 20


@pytest.mark.parametrize("document_id", ["nonsense", "0", "9" * 500, "%00", str(UUID(int=7)), "é", "a b"])
@pytest.mark.parametrize(("method", "path"), [("get", ""), ("delete", ""), ("post", "/reindex"), ("get", "/text")])
def test_what_is_no_document_is_a_404(editor: APIClient, document_id: str, method: str, path: str) -> None:
    assert problem(getattr(editor, method)(f"{URL}/{document_id}{path}")) == (404, "document_not_found")


def test_a_document_of_others_is_not_there_and_one_that_may_be_read_may_not_be_changed(
    reader: APIClient, corpus: Corpus
) -> None:
    mine, foreign, secret = upload(corpus), upload(make_corpus()), upload(corpus, "x")
    secret.readers.add(Group.objects.create(name="Board"))
    for method, path in [("get", ""), ("delete", ""), ("post", "/reindex"), ("get", "/text")]:
        for hidden in (foreign, secret):
            response = getattr(reader, method)(f"{URL}/{hidden.pk}{path}")
            assert problem(response) == (404, "document_not_found"), (method, path)
    for method, path in [("delete", ""), ("post", "/reindex")]:
        assert problem(getattr(reader, method)(f"{URL}/{mine.pk}{path}")) == (403, "not_allowed")
    assert problem(APIClient().delete(f"{URL}/{mine.pk}"))[0] == 401


def test_anybody_reads_documents_of_a_public_corpus() -> None:
    document = upload(make_corpus(is_public=True))
    assert APIClient().get(f"{URL}/{document.pk}").status_code == 200
    assert APIClient().get(URL).json()["count"] == 1


def test_a_deleted_document_is_gone(editor: APIClient, corpus: Corpus) -> None:
    document = upload(corpus)
    index_document(document.pk)
    assert editor.delete(f"{URL}/{document.pk}").status_code == 204
    assert problem(editor.get(f"{URL}/{document.pk}")) == (404, "document_not_found")
    assert problem(editor.delete(f"{URL}/{document.pk}")) == (404, "document_not_found")
    assert editor.get(URL).json()["count"] == 0


def test_a_document_is_reindexed_in_the_background(editor: APIClient, corpus: Corpus) -> None:
    document = upload(corpus)
    index_document(document.pk)
    response = editor.post(f"{URL}/{document.pk}/reindex")
    assert (response.status_code, response.json()["status"]) == (202, "processing")
    assert len(waiting_jobs()) == 1


# Text


def test_the_text_around_a_quote_is_shown(reader: APIClient, corpus: Corpus) -> None:
    text = make_text(30)
    document = upload(corpus, text)
    index_document(document.pk)
    body = reader.get(f"{URL}/{document.pk}/text", {"start": 100, "end": 160}).json()
    assert body == {
        "text": text[100:160], "start": 100, "end": 160, "page": None, "title": "policy", "total_chars": len(text),
    }  # fmt: skip
    assert reader.get(f"{URL}/{document.pk}/text").json()["text"] == text[:4000]
    assert reader.get(f"{URL}/{document.pk}/text", {"start": 90_000}).json()["text"] == ""


def test_the_page_of_a_quote_is_found(reader: APIClient, corpus: Corpus) -> None:
    document = upload(corpus, "one two three")
    index_document(document.pk)
    document.texts.update(page_starts=[0, 4, 8])
    pages = [reader.get(f"{URL}/{document.pk}/text", {"start": start}).json()["page"] for start in (0, 3, 4, 8, 13)]
    assert pages == [1, 1, 2, 3, 3]


def test_a_document_without_text_says_so(reader: APIClient, corpus: Corpus) -> None:
    assert problem(reader.get(f"{URL}/{upload(corpus).pk}/text")) == (404, "document_not_found")


@pytest.mark.parametrize(
    "window",
    [
        {"start": "-1"},
        {"start": "x"},
        {"start": "10", "end": "9"},
        {"start": "0", "end": "30000"},
        {"start": "9" * 30},
        {"end": "9" * 2000},
    ],
)
def test_a_window_that_makes_no_sense_is_refused(reader: APIClient, corpus: Corpus, window: dict[str, str]) -> None:
    document = upload(corpus)
    index_document(document.pk)
    assert fields_of(reader.get(f"{URL}/{document.pk}/text", window)) <= {"start", "end"}


# Lists


def test_documents_are_listed_newest_first_by_corpus_and_status(reader: APIClient, corpus: Corpus) -> None:
    other = make_corpus(tenant=corpus.tenant, slug="other")
    first, second, third = upload(corpus, "1"), upload(corpus, "2"), upload(other, "3")
    upload(make_corpus(), "4")
    index_document(first.pk)

    def listed(**chosen: Any) -> list[str]:
        return [document["id"] for document in reader.get(URL, chosen).json()["documents"]]

    assert listed() == [str(third.pk), str(second.pk), str(first.pk)]
    assert listed(corpus="handbook") == [str(second.pk), str(first.pk)]
    assert listed(status="ready") == [str(first.pk)]
    assert listed(limit=1, offset=1) == [str(second.pk)]
    assert reader.get(URL, {"limit": 1}).json()["count"] == 3
    assert problem(reader.get(URL, {"corpus": "nowhere"})) == (404, "corpus_not_found")


@pytest.mark.parametrize(
    "chosen", [{"limit": "0"}, {"limit": "100000"}, {"offset": "9" * 40}, {"offset": "-1"}, {"status": "done"},
               {"corpus": "\x00"}, {"corpus": "x" * 300}]
)  # fmt: skip
def test_a_list_that_can_not_be_made_is_refused(reader: APIClient, chosen: dict[str, str]) -> None:
    assert fields_of(reader.get(URL, chosen)) == set(chosen)


def test_a_long_list_costs_no_more_queries_than_a_short_one(
    reader: APIClient, corpus: Corpus, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        upload(corpus, str(number))
    with django_assert_max_num_queries(6):
        assert len(reader.get(URL).json()["documents"]) == 20
