"""Uploads: one document per content, with its job, in one transaction."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from documents.access.policy import Principal, readable_documents
from documents.indexing.queue import remove_job
from documents.models import Corpus, Document
from documents.storage.deletion import delete_document
from documents.storage.file_store import path_of
from documents.uploads.acceptance import accept_upload, accept_uploads, known_bytes, replace_file
from ragsite.errors import CorpusNotFound, DocumentNotFound, NotAllowed, UploadTooLarge
from tests.factories import make_corpus, make_user
from tests.uploads import stored_files, upload, waiting_jobs

pytestmark = pytest.mark.django_db


def test_an_upload_is_a_waiting_document_with_a_job_and_a_file() -> None:
    corpus = make_corpus()
    group = Group.objects.create(name="Board")
    document = upload(corpus, "abc", "Plan.txt", metadata={"year": 2026}, readers=[group])
    document.refresh_from_db()
    assert (document.title, document.source, document.status) == ("Plan", "Plan.txt", "processing")
    assert (document.tenant, document.corpus, document.size_bytes) == (corpus.tenant, corpus, 3)
    assert document.metadata == {"year": 2026}
    assert list(document.readers.all()) == [group]
    assert path_of(document.file_key).read_bytes() == b"abc"
    assert [job.args for job in waiting_jobs()] == [
        {"document_id": str(document.pk), "corpus_id": corpus.pk, "tenant_id": corpus.tenant_id}
    ]


def test_the_same_bytes_again_give_the_same_document_and_no_second_job() -> None:
    corpus = make_corpus()
    first = accept_upload(corpus, file=io.BytesIO(b"abc"), name="a.txt")
    second = accept_upload(corpus, file=io.BytesIO(b"abc"), name="b.txt", title="Other")
    assert first.created
    assert not second.created
    assert second.document == first.document
    assert len(waiting_jobs()) == 1
    assert stored_files() == 1


def test_the_same_bytes_in_another_corpus_are_another_document() -> None:
    assert upload(make_corpus(), "abc") != upload(make_corpus(), "abc")


def test_the_same_bytes_of_a_failed_document_give_it_another_try() -> None:
    document = upload(make_corpus(), "abc")
    Document.objects.update(status="failed", error_code="internal_error", crashes=3)
    remove_job(waiting_jobs()[0].pk)
    again = upload(document.corpus, "abc")
    assert again == document
    assert (again.status, again.error_code, again.crashes) == ("processing", "", 0)
    assert len(waiting_jobs()) == 1


def test_an_upload_too_large_leaves_nothing(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 2
    with pytest.raises(UploadTooLarge):
        upload(make_corpus(), "abc")
    assert not Document.objects.exists()
    assert stored_files() == 0
    assert waiting_jobs() == []


def test_a_row_that_can_not_be_stored_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(document: Document) -> None:
        raise RuntimeError("no queue")

    monkeypatch.setattr("documents.uploads.acceptance.enqueue", refuse)
    corpus = make_corpus()
    with pytest.raises(RuntimeError, match="no queue"):
        upload(corpus)
    assert not Document.objects.exists()
    assert stored_files() == 0


def test_new_bytes_keep_the_document_and_wait_to_be_indexed(django_capture_on_commit_callbacks: object) -> None:
    document = upload(make_corpus(), "old")
    Document.objects.update(status="ready", version=1, attempt=1)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        changed = replace_file(document, file=io.BytesIO(b"new"))
    assert changed == document
    assert (changed.status, changed.version, changed.attempt) == ("processing", 1, 2)
    assert path_of(changed.file_key).read_bytes() == b"new"
    assert stored_files() == 1


def test_new_bytes_for_a_deleted_document_are_refused() -> None:
    document = upload(make_corpus(), "old")
    Document.objects.update(deleted_at="2026-01-01T00:00:00Z")
    with pytest.raises(DocumentNotFound):
        replace_file(document, file=io.BytesIO(b"new"))
    assert stored_files() == 1


@pytest.mark.django_db(transaction=True)
def test_a_hundred_parallel_uploads_of_the_same_bytes_are_one_document() -> None:
    corpus = make_corpus()

    def upload_once(number: int) -> str:
        try:
            return str(upload(Corpus.objects.get(pk=corpus.pk), "the same", f"{number}.txt").pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(5) as executor:
        ids = set(executor.map(upload_once, range(100)))
    assert len(ids) == 1
    assert Document.objects.count() == 1
    assert len(waiting_jobs()) == 1
    assert stored_files() == 1


@pytest.mark.django_db(transaction=True)
def test_an_upload_to_a_corpus_that_was_deleted_meanwhile_leaves_nothing() -> None:
    corpus = make_corpus()
    Corpus.objects.get(pk=corpus.pk).delete()
    with pytest.raises(CorpusNotFound):
        upload(corpus)
    assert stored_files() == 0
    assert waiting_jobs() == []


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_upload_leaves_neither_row_nor_job() -> None:
    corpus = make_corpus()
    with pytest.raises(RuntimeError, match="power cut"), transaction.atomic():
        upload(corpus)
        raise RuntimeError("power cut")
    assert not Document.objects.exists()
    assert waiting_jobs() == []


@pytest.mark.django_db(transaction=True)
def test_a_deletion_at_the_same_moment_never_makes_a_refusal() -> None:
    """Two people: one sends the same file again and again, the other deletes it as often. Nothing is lost."""
    corpus = make_corpus()
    principal = Principal.of(make_user(role="editor", tenant=corpus.tenant))
    done = threading.Event()

    def delete() -> None:
        try:
            while not done.is_set():
                for document in Document.objects.filter(corpus=corpus, deleted_at=None):
                    delete_document(document)
        finally:
            connection.close()

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        for _ in range(60):
            sent = SimpleUploadedFile("a.txt", b"the same bytes")
            assert len(accept_uploads(principal, corpus, [sent])) == 1  # NotAllowed, before
    finally:
        done.set()
        deleting.join()


@pytest.mark.django_db
def test_one_query_says_whether_a_document_is_there_and_may_be_read(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    corpus = make_corpus()
    hers = accept_upload(corpus, file=io.BytesIO(b"abc"), name="a.txt").document
    principal = Principal.of(make_user(role="editor", tenant=corpus.tenant))
    with django_assert_num_queries(1):
        assert known_bytes(corpus, hers.sha256, readable_documents(principal)) == hers
    hers.readers.add(Group.objects.create(name="others"))
    with django_assert_num_queries(1), pytest.raises(NotAllowed):
        known_bytes(corpus, hers.sha256, readable_documents(principal))
