"""Failures while a document is indexed: of its file, of the model, of this software, and a cancellation."""

from __future__ import annotations

import io

import pytest
from pytest_django import Settings

from documents.indexing.attempts import CRASHES_MAX, Interrupted, Superseded, claim, fail, fenced, restart
from documents.indexing.pipeline import index_document
from documents.indexing.versions import SpaceChanged
from documents.models import Chunk, Corpus, Document, Embedding, EmbeddingSpace
from documents.storage.file_store import remove_file
from documents.uploads.acceptance import replace_file
from ragsite.errors import EmbeddingMismatch, ModelNotFound, OllamaBusy, OllamaUnavailable
from tests.documents.embedder import Embedder, stand_before_the_embedder
from tests.factories import make_corpus
from tests.uploads import chunks_of, make_text, upload, vectors_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Embedder:
    return stand_before_the_embedder(monkeypatch, settings)


def test_a_document_that_fails_says_why_and_keeps_its_version() -> None:
    document = upload(make_corpus(), make_text(5))
    index_document(document.pk)
    chunks = chunks_of(document)
    replace_file(document, file=io.BytesIO(b""))
    assert index_document(document.pk) == "failed"
    document.refresh_from_db()
    assert document.error_code == "empty"
    assert document.error_detail
    assert document.version == 1
    assert chunks_of(document) == chunks


def test_a_lost_file_is_a_failure_with_advice() -> None:
    document = upload(make_corpus())
    remove_file(document.file_key)
    assert index_document(document.pk) == "failed"
    document.refresh_from_db()
    assert document.error_code == "file_missing"
    assert "upload it again" in document.error_detail


@pytest.mark.parametrize("error", [OllamaUnavailable("gone"), OllamaBusy("full"), ModelNotFound("no such model")])
def test_a_model_that_is_away_leaves_the_document_waiting_and_unblamed(embedder: Embedder, error: Exception) -> None:
    document = upload(make_corpus(), make_text(40))
    embedder.failures = dict.fromkeys(range(2, 100), error)
    for _ in range(CRASHES_MAX + 2):
        with pytest.raises(type(error)):
            index_document(document.pk)
    document.refresh_from_db()
    assert (document.status, document.error_code, document.crashes) == ("processing", "waiting_for_model", 0)
    assert "goes on by itself" in document.error_detail
    embedder.failures = {}
    assert index_document(document.pk) == "ready"
    document.refresh_from_db()
    assert document.error_code == ""
    assert len(embedder.texts) == 40  # the first batch was not embedded twice
    assert len(chunks_of(document)) == 40


def test_a_hiccup_of_the_model_costs_no_run(embedder: Embedder) -> None:
    document = upload(make_corpus(), make_text(40))
    embedder.failures = {2: OllamaUnavailable(), 3: OllamaBusy()}
    assert index_document(document.pk) == "ready"
    document.refresh_from_db()
    assert document.attempt == 1


def test_vectors_that_do_not_fit_are_asked_for_again_and_the_document_waits(embedder: Embedder) -> None:
    document = upload(make_corpus())
    embedder.failures = {number: EmbeddingMismatch() for number in range(1, 10)}
    with pytest.raises(EmbeddingMismatch):
        index_document(document.pk)
    document.refresh_from_db()
    assert (document.status, document.error_code) == ("processing", "waiting_for_model")
    assert "Reindex with the right model" in document.error_detail
    embedder.failures = {embedder.calls + 1: EmbeddingMismatch()}  # for a moment only
    assert index_document(document.pk) == "ready"
    document.refresh_from_db()
    assert (document.attempt, document.error_code) == (2, "")


def test_what_nobody_expected_is_tried_three_times_and_never_shown(
    embedder: Embedder, caplog: pytest.LogCaptureFixture
) -> None:
    document = upload(make_corpus(), make_text(3))
    embedder.failures = {number: ValueError("the secret paragraph") for number in range(1, 10)}
    for _ in range(CRASHES_MAX - 1):
        with pytest.raises(ValueError, match="secret"):
            index_document(document.pk)
        document.refresh_from_db()
        assert document.status == "processing"
    assert index_document(document.pk) == "failed"
    document.refresh_from_db()
    assert document.error_code == "internal_error"
    assert "secret" not in document.error_detail
    assert len(chunks_of(document)) == 0
    assert "ValueError" in caplog.text
    assert "secret" not in "".join(str(record.__dict__) for record in caplog.records)


def test_a_run_that_was_overtaken_writes_nothing(embedder: Embedder) -> None:
    document = upload(make_corpus(), make_text(40))

    def overtake() -> None:
        if embedder.calls == 2:
            restart(document)
            assert index_document(document.pk) == "ready"

    embedder.during = overtake
    assert index_document(document.pk) is None
    document.refresh_from_db()
    assert document.status == "ready"
    assert document.version == document.attempt == 3
    assert len(chunks_of(document)) == vectors_of(document) == 40
    document.corpus.refresh_from_db()
    assert (document.corpus.chunk_count, document.corpus.epoch) == (40, 1)


def test_an_old_run_can_neither_fail_nor_fence_a_document() -> None:
    document = upload(make_corpus())
    zombie = claim(document.pk)
    assert zombie is not None
    index_document(document.pk)
    with pytest.raises(Superseded), fenced(zombie, title="from the grave"):
        pytest.fail("the transaction must not begin")
    assert not fail(zombie, "broken", "late")
    document.refresh_from_db()
    assert (document.status, document.error_code, document.title) == ("ready", "", "policy")


def test_a_document_deleted_while_it_is_indexed_stays_deleted(embedder: Embedder) -> None:
    document = upload(make_corpus(), make_text(40))
    embedder.during = lambda: Document.objects.update(deleted_at="2026-01-01T00:00:00Z")
    assert index_document(document.pk) is None
    document.refresh_from_db()
    assert document.version == 0
    assert vectors_of(document) == 0


def test_a_corpus_deleted_while_it_is_indexed_is_no_error(embedder: Embedder) -> None:
    corpus = make_corpus()
    document = upload(corpus, make_text(40))
    embedder.during = lambda: Corpus.objects.filter(pk=corpus.pk).delete()
    assert index_document(document.pk) is None
    assert not Chunk.objects.exists()


def test_a_stop_is_obeyed_between_batches_and_the_next_run_goes_on(embedder: Embedder) -> None:
    document = upload(make_corpus(), make_text(40))
    with pytest.raises(Interrupted):
        index_document(document.pk, keep_going=lambda: embedder.calls < 2)
    assert len(embedder.texts) == 32
    assert index_document(document.pk) == "ready"
    assert len(embedder.texts) == 40
    document.refresh_from_db()
    assert document.crashes == 0


def test_an_embedding_space_that_changed_meanwhile_asks_for_another_run(embedder: Embedder) -> None:
    corpus = make_corpus()
    document = upload(corpus)

    def promote_another() -> None:
        if embedder.calls == 1:
            corpus.spaces.update(status="retired")
            EmbeddingSpace.objects.create(corpus=corpus, provider="embedded", model="wordllama", status="live")

    embedder.during = promote_another
    with pytest.raises(SpaceChanged):
        index_document(document.pk)
    assert index_document(document.pk) == "ready"
    assert Embedding.objects.filter(space=corpus.live_space).count() == vectors_of(document)
