"""kill -9 at any point: nothing is lost or stored twice, and a file that crashes workers does not stop the others."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from documents.indexing.queue import reindex_document
from documents.models import Chunk, Corpus, Document, DocumentText, Embedding, TermFrequency
from monitoring.lab.ollama_simulator.running import StandIn
from tests.factories import make_corpus
from tests.uploads import chunks_of, make_text, upload, vectors_of
from tests.workers import end, go_on, is_stopped, let_its_heart_stop, run_worker, start_command, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

CHUNKS = 200
CALL_CHUNKS = 8
PLACES = [
    "claimed:1",
    "extracted:1",
    "stored_text:1",
    "stored_chunk_batch:1",
    "stored_chunks:1",
    "kept_vectors:1",
    "embedded_batch:1",
    "embedded_batch:7",
    "embedded:1",
    "publishing:1",
    "published:1",
]


NO_RESCUE = {"WORKER_STALLED_SECONDS": "3600"}


def kill_a_worker(place: str, **environment: str) -> None:
    """Start a worker that dies at this place, and takes over nothing before."""
    code = run_worker(RAGSITE_CHECKPOINT=f"{place}:kill", **NO_RESCUE, **environment)
    assert code == -signal.SIGKILL, place


def state_of(document: Document) -> dict[str, Any]:
    """Return everything that must be as if nothing had happened, and check what must always hold."""
    document.refresh_from_db()
    corpus = Corpus.objects.get(pk=document.corpus_id)
    assert (document.status, document.error_code, document.crashes) == ("ready", "", 0)
    assert set(Chunk.objects.filter(document=document).values_list("version", flat=True)) == {document.version}
    assert list(DocumentText.objects.filter(document=document).values_list("version", flat=True)) == [document.version]
    assert Embedding.objects.filter(document=document, chunk__version=document.version).count() == CHUNKS
    assert vectors_of(document) == CHUNKS
    assert not ProcrastinateJob.objects.filter(status__in=["todo", "doing"], task_name="index_document").exists()
    return {
        "chunks": [row[:6] for row in chunks_of(document)],
        "counts": [row[7] for row in chunks_of(document)],
        "statistics": (corpus.chunk_count, corpus.lexeme_count),
        "frequencies": sorted(TermFrequency.objects.filter(corpus=corpus).values_list("chunks", flat=True)),
        "vectors": [
            vector
            for (vector,) in Embedding.objects.filter(document=document)
            .order_by("chunk__ordinal")
            .values_list("vector")
        ],
    }


@pytest.mark.timeout(300)
def test_a_worker_that_is_killed_anywhere_leaves_what_an_undisturbed_run_does() -> None:
    text = make_text(CHUNKS)
    undisturbed = upload(make_corpus(), text)
    assert run_worker() == 0
    expected = state_of(undisturbed)
    assert len(expected["chunks"]) == CHUNKS
    documents = {}
    for place in PLACES:
        documents[place] = upload(make_corpus(), text)
        kill_a_worker(place)
    let_its_heart_stop()
    assert run_worker() == 0
    for place, document in documents.items():
        assert state_of(document) == expected, place
        document.corpus.refresh_from_db()
        assert document.corpus.epoch == 1, place


def test_a_document_that_is_being_replaced_is_found_as_it_was_until_the_new_version_is_whole() -> None:
    document = upload(make_corpus(), make_text(CHUNKS))
    assert run_worker() == 0
    before = state_of(document)
    reindex_document(document)
    kill_a_worker("publishing:1")
    document.refresh_from_db()
    live = Chunk.objects.filter(document=document, version=document.version)
    assert (document.status, live.count()) == ("processing", CHUNKS)
    document.corpus.refresh_from_db()
    assert (document.corpus.chunk_count, document.corpus.epoch) == (CHUNKS, 1)
    let_its_heart_stop()
    assert run_worker() == 0
    assert state_of(document) == before


@pytest.mark.parametrize("place", ["stored_text:1", "stored_chunks:1", "embedded_batch:6"])
def test_a_crash_costs_two_calls_to_the_model_at_most(place: str) -> None:
    with StandIn(["nomic-embed-text"]) as standin:
        corpus = make_corpus(with_space=False)
        document = upload(corpus, make_text(CHUNKS))
        there = {"OLLAMA_BASE_URL": standin.url, "EMBED_MODEL": "nomic-embed-text"}
        kill_a_worker(place, **there)
        stored = CALL_CHUNKS * int(place.partition(":")[2]) if place.startswith("embedded_batch") else 0
        assert Embedding.objects.filter(document=document).count() == stored
        assert stored <= len(texts_embedded(standin)) <= stored + 2 * CALL_CHUNKS
        let_its_heart_stop()
        assert run_worker(**there) == 0
        assert len(set(texts_embedded(standin))) == CHUNKS
        assert len(texts_embedded(standin)) <= CHUNKS + 2 * CALL_CHUNKS
        state_of(document)


def test_an_undisturbed_worker_embeds_each_chunk_once() -> None:
    with StandIn(["nomic-embed-text"]) as standin:
        document = upload(make_corpus(with_space=False), make_text(CHUNKS))
        assert run_worker(OLLAMA_BASE_URL=standin.url, EMBED_MODEL="nomic-embed-text") == 0
        assert len(texts_embedded(standin)) == len(set(texts_embedded(standin))) == CHUNKS
        state_of(document)


def texts_embedded(standin: StandIn) -> list[str]:
    """Return the passages; sentences that the space is measured with are embedded as questions."""
    texts = [text for body in standin.requests("embed") for text in body["input"]]
    return [text for text in texts if text.startswith("search_document: ")]


@pytest.mark.parametrize("place", ["stored_text:1", "embedded_batch:3", "embedded:1"])
def test_a_worker_that_was_frozen_and_replaced_changes_nothing_when_it_wakes_up(place: str) -> None:
    document = upload(make_corpus(), make_text(CHUNKS))
    zombie = start_command("work", "--until-idle", RAGSITE_CHECKPOINT=f"{place}:pause")
    try:
        wait_until(lambda: is_stopped(zombie))
        let_its_heart_stop()
        assert run_worker() == 0
        expected = state_of(document)
        version = document.version
        go_on(zombie)
        end(zombie)
    finally:
        zombie.kill()
    assert state_of(document) == expected
    assert document.version == version
    document.corpus.refresh_from_db()
    assert document.corpus.epoch == 1


def test_a_file_that_kills_its_worker_is_parked_after_three_times_and_the_others_are_indexed() -> None:
    corpus = make_corpus()
    poison = upload(corpus, make_text(3), "poison.txt")
    for number in range(5):
        upload(corpus, f"Harmless text number {number}.", f"{number}.txt")
    kill_a_worker("extracted:1")
    assert run_worker(**NO_RESCUE) == 0
    assert Document.objects.filter(status="ready").count() == 5
    for _ in range(2):
        let_its_heart_stop()
        assert run_worker(RAGSITE_CHECKPOINT="extracted:1:kill") == -signal.SIGKILL
    let_its_heart_stop()
    assert run_worker(RAGSITE_CHECKPOINT="extracted:1:kill") == 0
    poison.refresh_from_db()
    assert (poison.status, poison.error_code) == ("failed", "crashed_worker")
    assert "three times" in poison.error_detail
    assert not Chunk.objects.filter(document=poison).exists()
    assert not ProcrastinateJob.objects.filter(task_name="index_document").exists()


def test_the_model_may_be_away_for_long_and_no_document_fails() -> None:
    with StandIn(["nomic-embed-text"]) as standin:
        corpus = make_corpus(with_space=False)
        documents = [upload(corpus, make_text(3, seed=number)) for number in range(5)]
        there = {"OLLAMA_BASE_URL": standin.url, "EMBED_MODEL": "nomic-embed-text"}
        standin.stop()
        assert run_worker(**there) == 0
        for document in documents:
            document.refresh_from_db()
            assert (document.status, document.crashes) == ("processing", 0)
            assert document.error_code == "waiting_for_model"
        standin.start()
        hurry_the_retries()
        assert run_worker(**there) == 0
        assert set(Document.objects.values_list("status", "error_code")) == {("ready", "")}


def hurry_the_retries() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
