"""The jobs of workers, and when they are tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from pytest_django import Settings

from documents import jobs
from documents.indexing.queue import UPKEEP_QUEUE
from documents.jobs import RetryForLong, app
from documents.models import Corpus, Document, EmbeddingSpace, Word
from documents.storage.file_store import path_of
from documents.vectors.spaces import ensure_index, has_index, live_space_of
from ragsite.errors import OllamaUnavailable
from tests.factories import make_corpus
from tests.stock import stock
from tests.uploads import upload, waiting_jobs


class Context:
    """A worker's context that never asks to stop, or always."""

    def __init__(self, *, stop: bool = False) -> None:
        self.stop = stop
        self.job = SimpleNamespace(id=0)  # none that the queue knows: it takes no others along

    def should_abort(self) -> bool:
        return self.stop


def wait_after(attempts: int, error: BaseException) -> float:
    job = Job(id=1, queue="indexing", lock=None, queueing_lock=None, task_name="t", attempts=attempts)
    retry_at = RetryForLong().get_retry_decision(exception=error, job=job).retry_at
    assert retry_at is not None
    return (retry_at - datetime.now(UTC)) / timedelta(seconds=1)


@pytest.mark.parametrize(("attempts", "longest"), [(0, 5), (1, 10), (2, 20), (6, 300), (1000, 300)])
def test_a_job_waits_longer_each_time_but_never_gives_up(attempts: int, longest: float) -> None:
    waits = [wait_after(attempts, OllamaUnavailable()) for _ in range(20)]
    assert all(longest / 2 - 1 <= wait <= longest for wait in waits)
    assert max(waits) - min(waits) > longest / 20  # they don't all come back together


def test_a_job_that_a_shutdown_interrupted_goes_on_at_once() -> None:
    assert wait_after(3, JobAborted()) < 1


def test_the_clock_rescues_each_half_minute_in_a_queue_of_its_own() -> None:
    periodic = {task.task.name: (task.cron, task.task.queue) for task in app.periodic_registry.periodic_tasks.values()}
    assert periodic["rescue"] == ("* * * * * */30", UPKEEP_QUEUE)
    assert periodic["upkeep"] == ("*/10 * * * *", UPKEEP_QUEUE)


@pytest.mark.django_db
def test_a_job_indexes_its_document() -> None:
    document = upload(make_corpus())
    jobs.index(Context(), **waiting_jobs()[0].args)  # type: ignore[arg-type]
    document.refresh_from_db()
    assert document.status == "ready"


@pytest.mark.django_db
def test_a_job_of_a_stopping_worker_is_aborted_and_its_document_waits() -> None:
    document = upload(make_corpus())
    with pytest.raises(JobAborted):
        jobs.index(Context(stop=True), **waiting_jobs()[0].args)  # type: ignore[arg-type]
    document.refresh_from_db()
    assert (document.status, document.crashes) == ("processing", 0)


@pytest.mark.django_db
def test_upkeep_may_run_at_any_time() -> None:
    upload(make_corpus())
    jobs.upkeep(timestamp=0)
    jobs.rescue(timestamp=0)
    assert Document.objects.filter(status="processing").count() == len(waiting_jobs()) == 1


def index_builds() -> list[Any]:
    return [job for job in waiting_jobs() if job.task_name == "build_index"]


@pytest.mark.django_db(transaction=True)
def test_a_space_that_outgrew_the_exact_scan_gets_its_index_from_one_job(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 0
    corpus = make_corpus()
    documents = [upload(corpus, f"text {number}") for number in range(2)]
    monkeypatch.setattr(jobs, "LATE_INDEX_FACTOR", 10**6)
    for job in waiting_jobs():
        assert not index_builds()  # the other one is on its way
        jobs.index(Context(), **job.args)  # type: ignore[arg-type]
    assert all(Document.objects.get(pk=document.pk).status == "ready" for document in documents)
    builds = index_builds()
    assert len(builds) == 1
    jobs.build_index(**builds[0].args)
    space = EmbeddingSpace.objects.get(corpus=corpus)
    assert has_index(space)
    jobs.defer_index_build(corpus.pk)
    assert len(index_builds()) == 1
    space.status = EmbeddingSpace.Status.RETIRED
    ensure_index(space)
    jobs.build_index(space_id=0)


@pytest.fixture
def one_of_two(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A corpus that outgrew the exact scan with its first document; the job of the second one, which will fail."""
    settings.EXACT_SCAN_MAX_CHUNKS = 0
    monkeypatch.setattr(jobs, "LATE_INDEX_FACTOR", 10**6)
    corpus = make_corpus()
    for text in ("a text", "another one"):
        lost = upload(corpus, text)
    path_of(lost.file_key).unlink()
    first, last = waiting_jobs()
    jobs.index(Context(), **first.args)  # type: ignore[arg-type]
    jobs.upkeep(timestamp=0)
    assert not index_builds()
    return last


@pytest.mark.django_db(transaction=True)
def test_an_index_is_built_too_when_the_last_document_fails(one_of_two: Any) -> None:
    jobs.index(Context(), **one_of_two.args)  # type: ignore[arg-type]
    assert Document.objects.filter(status="failed").count() == 1
    assert len(index_builds()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_very_large_corpus_does_not_wait_for_its_last_document(
    one_of_two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LATE_INDEX_FACTOR", 0)
    jobs.upkeep(timestamp=0)  # and as the end of any document does
    assert len(index_builds()) == 1


@pytest.mark.django_db
def test_upkeep_learns_the_words_of_corpora_from_before() -> None:
    corpus = make_corpus()
    stock(corpus, "holiday", embed=False)
    Word.objects.all().delete()
    Corpus.objects.update(has_vocabulary=False)
    jobs.upkeep(timestamp=0)
    assert Word.objects.filter(corpus=corpus, word="holiday").exists()
    assert not Corpus.objects.filter(has_vocabulary=False).exists()


@pytest.mark.django_db
def test_a_space_is_measured_at_its_beginning_and_when_nothing_more_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[int] = []
    monkeypatch.setattr(jobs, "keep_closeness", lambda space, chunk_count: measured.append(chunk_count))
    corpus = make_corpus()
    document = stock(corpus, *(f"Page {number} is about cats." for number in range(6)))
    jobs.measure_closeness(corpus.pk)
    assert measured == [6]
    space = live_space_of(corpus)
    EmbeddingSpace.objects.filter(pk=space.pk).update(
        measured={"closeness": {"right": 0.9, "wrong": 0.5, "separation": 0.8, "sentences": 6, "chunks": 2}}
    )
    Document.objects.filter(pk=document.pk).update(status="processing")
    jobs.measure_closeness(corpus.pk)
    assert measured == [6]
    Document.objects.filter(pk=document.pk).update(status="ready")
    jobs.measure_closeness(corpus.pk)
    assert measured == [6, 6]
