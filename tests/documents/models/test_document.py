"""A document's row stores how its indexing ended; only the newest run writes to it."""

from __future__ import annotations

import pytest

from documents.indexing.attempts import claim
from documents.models import Document
from documents.models.document import CRASHED_WORKER, ERROR_DETAIL_MAX_CHARS, WAITING_FOR_MODEL
from tests.factories import make_corpus
from tests.uploads import upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def document() -> Document:
    """Return a document whose run has begun."""
    document = claim(upload(make_corpus()).pk)
    assert document is not None
    return document


def test_a_parked_document_has_failed_with_advice(document: Document) -> None:
    assert document.park(CRASHED_WORKER)
    document.refresh_from_db()
    assert (document.status, document.error_code) == (Document.Status.FAILED, CRASHED_WORKER)
    assert "convert it" in document.error_detail


def test_a_run_that_was_overtaken_changes_nothing(document: Document) -> None:
    assert claim(document.pk) is not None
    assert not document.park(CRASHED_WORKER)
    document.wait_for_model("It is busy.")
    document.refresh_from_db()
    assert (document.status, document.error_code, document.error_detail) == (Document.Status.PROCESSING, "", "")


def test_a_waiting_document_says_what_for_and_no_more_than_fits(document: Document) -> None:
    document.wait_for_model("x" * 2 * ERROR_DETAIL_MAX_CHARS)
    document.refresh_from_db()
    assert (document.status, document.error_code) == (Document.Status.PROCESSING, WAITING_FOR_MODEL)
    assert len(document.error_detail) == ERROR_DETAIL_MAX_CHARS


def test_an_erased_document_keeps_its_id_and_hash_alone(document: Document) -> None:
    document.metadata, document.notes = {"team": "SECRET"}, [["cut_off", 1]]
    document.title = document.source = document.error_detail = "SECRET"
    document.erase()
    stored = Document.objects.filter(pk=document.pk).values().get()
    assert stored["sha256"] == document.sha256
    assert stored["deleted_at"] is not None
    assert "SECRET" not in repr(stored)
    assert (stored["file_key"], stored["notes"], stored["size_bytes"]) == ("", [], 0)
