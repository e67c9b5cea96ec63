"""Small files of a corpus are indexed together, with the result that each would have by itself."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from documents.indexing import batch_pipeline, batch_versions
from documents.indexing.batch_pipeline import index_with_companions
from documents.indexing.companion_jobs import Companions
from documents.indexing.queue import reindex_document
from documents.indexing.stalled_jobs import rescue_stalled_jobs
from documents.models import Abbreviation, Chunk, Corpus, Document, DocumentText, Embedding, TermFrequency, Word
from monitoring.lab.ollama_simulator.running import StandIn
from tests.factories import make_corpus
from tests.uploads import chunks_of, make_text, upload
from tests.workers import STALLED_SECONDS, let_its_heart_stop, run_worker, start_command, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

FILES = 12


def upload_many(corpus: Corpus, count: int = FILES, *, paragraphs: int = 2) -> list[Document]:
    return [upload(corpus, make_text(paragraphs, seed=number), f"{number}.txt") for number in range(count)]


def index_next() -> Document.Status | None:
    """Do what a worker does with its next job."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, args FROM procrastinate_fetch_job_v2(ARRAY['indexing'], NULL)")
        [(job_id, args)] = cursor.fetchall()
    given = json.loads(args) if isinstance(args, str) else args
    return index_with_companions(given["document_id"], Companions(job_id, given["corpus_id"]), lambda: True)


def statuses(corpus: Corpus) -> dict[str, int]:
    found: dict[str, int] = {}
    for status in corpus.documents.values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found


def state_of(corpus: Corpus) -> dict[str, Any]:
    """Return all that is stored of a corpus, but ids."""
    corpus.refresh_from_db()
    documents = list(corpus.documents.order_by("source"))
    assert not ProcrastinateJob.objects.filter(status="todo", task_name="index_document").exists()
    for document in documents:
        assert set(Chunk.objects.filter(document=document).values_list("version", flat=True)) == {document.version}
        assert list(DocumentText.objects.filter(document=document).values_list("version", flat=True)) == [
            document.version
        ]
    return {
        "documents": [(d.source, d.status, d.crashes, d.title, d.chunks_total, d.chunks_done) for d in documents],
        "chunks": [[row[:6] for row in chunks_of(document)] for document in documents],
        "statistics": (corpus.chunk_count, corpus.lexeme_count),
        "frequencies": sorted(TermFrequency.objects.filter(corpus=corpus).values_list("chunks", flat=True)),
        "words": sorted(Word.objects.filter(corpus=corpus).values_list("word", flat=True)),
        "abbreviations": Abbreviation.objects.filter(corpus=corpus).count(),
        "vectors": [
            list(Embedding.objects.filter(document=d).order_by("chunk__ordinal").values_list("vector", flat=True))
            for d in documents
        ],
    }


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what is stored of the same files when each is indexed by itself."""
    corpus = make_corpus()
    documents = upload_many(corpus)
    with monkeypatch.context() as patched:
        patched.setattr(batch_pipeline, "SMALL_BYTES", 0)
        for _ in documents:
            assert index_next() == "ready"
    ProcrastinateJob.objects.all().delete()
    return state_of(corpus)


def test_files_indexed_together_are_stored_as_those_that_are_indexed_alone(alone: dict[str, Any]) -> None:
    corpus = make_corpus()
    upload_many(corpus)
    assert index_next() == "ready"

    assert state_of(corpus) == alone
    assert ProcrastinateJob.objects.count() == 1  # the one that the queue itself ends


def test_calls_to_the_model_are_filled_across_files() -> None:
    with StandIn(["nomic-embed-text"]) as standin:
        corpus = make_corpus(with_space=False)
        upload_many(corpus, paragraphs=1)
        assert run_worker(OLLAMA_BASE_URL=standin.url, EMBED_MODEL="nomic-embed-text") == 0
        sizes = [
            len(body["input"]) for body in standin.requests("embed") if body["input"][0].startswith("search_document: ")
        ]
    assert statuses(corpus) == {"ready": FILES}
    assert sorted(sizes) == [4, 8]  # OLLAMA_EMBED_BATCH_SIZE of these workers is 8


def test_a_small_file_costs_few_statements(django_assert_max_num_queries: Any) -> None:
    corpus = make_corpus()
    upload_many(corpus, 60, paragraphs=1)
    with django_assert_max_num_queries(60 * 2):
        assert index_next() == "ready"
    assert statuses(corpus) == {"ready": 60}


def test_a_file_that_can_not_be_read_fails_by_itself() -> None:
    corpus = make_corpus()
    upload_many(corpus, 3)
    upload(corpus, "\x00" * 50, "nothing.txt")
    upload(corpus, "%PDF-1.7 broken", "broken.pdf")
    assert index_next() == "ready"
    assert statuses(corpus) == {"ready": 3, "failed": 2}
    assert set(corpus.documents.filter(status="failed").values_list("error_code", flat=True)) == {"empty", "broken"}
    assert ProcrastinateJob.objects.filter(status="todo").count() == 0


@pytest.mark.parametrize("stage", ["store_together", "publish_together"])
def test_what_fails_for_the_group_is_done_for_each_alone(
    stage: str, monkeypatch: pytest.MonkeyPatch, alone: dict[str, Any]
) -> None:
    corpus = make_corpus()
    upload_many(corpus)

    def fail(*arguments: object) -> None:
        raise ValueError("one of them is odd")

    monkeypatch.setattr(batch_pipeline, stage, fail)
    assert index_next() == "ready"
    assert state_of(corpus) == alone
    assert ProcrastinateJob.objects.count() == 1


def test_a_document_that_is_replaced_meanwhile_is_left_to_its_newer_run(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = make_corpus()
    documents = upload_many(corpus, 4)
    store = batch_versions.store_together

    def replace_one_then_store(reads: Any) -> Any:
        reindex_document(documents[2])
        return store(reads)

    monkeypatch.setattr(batch_pipeline, "store_together", replace_one_then_store)
    assert index_next() == "ready"
    assert statuses(corpus) == {"ready": 3, "processing": 1}
    assert index_next() == "ready"
    assert statuses(corpus) == {"ready": 4}


def test_only_small_new_files_of_the_same_corpus_are_taken_along() -> None:
    corpus, other = make_corpus(), make_corpus()
    first = upload(corpus, "The first.", "first.txt")
    large = upload(corpus, make_text(200), "large.txt")
    crashed = upload(corpus, "This one ended a worker.", "crashed.txt")
    Document.objects.filter(pk=crashed.pk).update(crashes=1)
    elsewhere = upload(other, "Of another corpus.", "other.txt")
    small = upload(corpus, "Another small one.", "small.txt")
    assert index_next() == "ready"
    ready = set(Document.objects.filter(status="ready").values_list("pk", flat=True))
    assert ready == {first.pk, small.pk}
    assert {large.pk, crashed.pk, elsewhere.pk}.isdisjoint(ready)


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give runs no time, and groups of one file besides the first."""
    monkeypatch.setattr(batch_pipeline, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(batch_pipeline, "GROUP_FILES", 1)


@pytest.mark.usefixtures("one_by_one")
def test_a_run_goes_on_as_long_as_its_files_are_next_in_the_queue() -> None:
    corpus = make_corpus()
    upload_many(corpus)
    assert index_next() == "ready"
    assert statuses(corpus) == {"ready": FILES}


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("waiting", ["file of another tenant", "large file"])
def test_a_run_ends_when_another_job_is_next_in_the_queue(waiting: str) -> None:
    corpus = make_corpus()
    upload_many(corpus, 2)
    if waiting == "large file":
        upload(corpus, make_text(200), "large.txt")
    else:
        upload(make_corpus(), "Of another tenant.", "other.txt")
    upload_many(corpus)
    assert index_next() == "ready"
    assert corpus.documents.filter(status="ready").count() <= 3
    assert corpus.documents.filter(status="processing").count() >= FILES - 3


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", ["extracted:6", "stored_group:1", "publishing:1", "published_group:1"])
def test_a_worker_that_is_killed_loses_and_doubles_nothing(place: str, alone: dict[str, Any]) -> None:
    corpus = make_corpus()
    upload_many(corpus)
    assert run_worker(RAGSITE_CHECKPOINT=f"{place}:kill", WORKER_STALLED_SECONDS="3600") == -signal.SIGKILL
    let_its_heart_stop()
    assert run_worker() == 0
    assert state_of(corpus) == alone


def test_files_that_were_with_a_worker_when_it_died_are_indexed_one_by_one(settings: Settings) -> None:
    """So the one that ended it is with no other the next time."""
    corpus = make_corpus()
    upload_many(corpus, 5)
    run_worker(RAGSITE_CHECKPOINT="extracted:3:kill", WORKER_STALLED_SECONDS="3600")
    let_its_heart_stop()
    settings.WORKER_STALLED_SECONDS = STALLED_SECONDS
    assert rescue_stalled_jobs() == 5
    assert set(corpus.documents.values_list("crashes", flat=True)) == {1}
    assert run_worker(RAGSITE_CHECKPOINT="stored_group:1:kill") == 0
    assert statuses(corpus) == {"ready": 5}
    assert set(corpus.documents.values_list("crashes", flat=True)) == {0}


def test_a_worker_that_is_told_to_stop_gives_back_what_it_took_along() -> None:
    with StandIn(["nomic-embed-text"], embed_seconds=1.0) as standin:
        corpus = make_corpus(with_space=False)
        upload_many(corpus)
        there = {"OLLAMA_BASE_URL": standin.url, "EMBED_MODEL": "nomic-embed-text", "WORKER_GRACE_SECONDS": "0.1"}
        worker = start_command("work", **there)
        wait_until(lambda: bool(standin.requests("embed")))
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
        assert not ProcrastinateJob.objects.filter(status="doing").exists()
        assert set(corpus.documents.values_list("crashes", flat=True)) == {0}
        assert set(corpus.documents.values_list("status", flat=True)) <= {"processing", "ready"}
