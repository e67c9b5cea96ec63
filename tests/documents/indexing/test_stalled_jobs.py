"""Jobs of dead workers are requeued, and documents that crash their workers are parked."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import ConnectorException

from documents.indexing.attempts import CRASHES_MAX, claim
from documents.indexing.pipeline import index_document
from documents.indexing.queue import defer, remove_job
from documents.indexing.stalled_jobs import release_jobs, requeue_lost_documents, rescue_stalled_jobs
from documents.models import Chunk, Document
from tests.factories import make_corpus
from tests.uploads import chunks_of, make_text, upload, waiting_jobs

pytestmark = pytest.mark.django_db


def sql(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def start_worker(*, silent_seconds: int) -> int:
    """Register a worker that has not been heard of for so long, and return its id."""
    return int(
        sql(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 second') RETURNING id",
            silent_seconds,
        )[0][0]
    )


def take_job(worker: int) -> int:
    return int(sql("SELECT id FROM procrastinate_fetch_job_v2(ARRAY['indexing'], %s)", worker)[0][0])


def test_the_job_of_a_dead_worker_is_replaced_by_a_new_one() -> None:
    document = upload(make_corpus())
    taken = take_job(start_worker(silent_seconds=60))
    claim(document.pk)
    assert rescue_stalled_jobs() == 1
    (job,) = waiting_jobs()
    assert job.pk != taken
    assert job.args["document_id"] == str(document.pk)
    assert not ProcrastinateJob.objects.filter(pk=taken).exists()
    document.refresh_from_db()
    assert (document.status, document.crashes) == ("processing", 1)


def test_the_job_of_a_worker_that_lives_is_left_alone() -> None:
    upload(make_corpus())
    take_job(start_worker(silent_seconds=5))
    assert rescue_stalled_jobs() == 0


def test_the_job_of_a_worker_that_nobody_knows_any_more_is_rescued() -> None:
    upload(make_corpus())
    worker = start_worker(silent_seconds=5)
    take_job(worker)
    sql("DELETE FROM procrastinate_workers WHERE id = %s", worker)  # as a new worker does with silent ones
    assert rescue_stalled_jobs() == 1


def test_a_worker_that_wakes_up_can_not_finish_the_job_of_its_successor() -> None:
    upload(make_corpus())
    taken = take_job(start_worker(silent_seconds=60))
    rescue_stalled_jobs()
    with pytest.raises(ConnectorException):
        remove_job(taken)


def test_a_document_that_ended_three_workers_is_parked_with_advice() -> None:
    document = upload(make_corpus(), make_text(3))
    for crash in range(CRASHES_MAX):
        assert len(waiting_jobs()) == 1, crash
        take_job(start_worker(silent_seconds=60))
        claim(document.pk)
        rescue_stalled_jobs()
    assert waiting_jobs() == []
    document.refresh_from_db()
    assert (document.status, document.error_code) == ("failed", "crashed_worker")
    assert "three times" in document.error_detail


def test_a_parked_document_keeps_its_version_and_nothing_of_its_crashed_runs() -> None:
    document = upload(make_corpus(), make_text(3))
    index_document(document.pk)
    live = chunks_of(document)
    Document.objects.update(status="processing", crashes=CRASHES_MAX - 1)
    claim(document.pk)
    Chunk.objects.create(document=document, version=2, ordinal=0, text="x", start=0, end=1, content_hash="x")
    take_job(start_worker(silent_seconds=60))
    rescue_stalled_jobs()
    document.refresh_from_db()
    assert document.status == "failed"
    assert chunks_of(document) == live


def test_a_worker_that_died_after_its_last_write_is_blamed_on_nobody() -> None:
    document = upload(make_corpus())
    index_document(document.pk)
    take_job(start_worker(silent_seconds=60))
    assert rescue_stalled_jobs() == 1
    document.refresh_from_db()
    assert (document.status, document.crashes) == ("ready", 0)
    assert waiting_jobs() == []


def test_a_worker_that_only_lost_the_database_is_no_crash() -> None:
    document = upload(make_corpus())
    worker = start_worker(silent_seconds=5)
    take_job(worker)
    assert release_jobs([worker]) == 1
    document.refresh_from_db()
    assert document.crashes == 0
    assert len(waiting_jobs()) == 1


def test_other_jobs_are_repeated_a_few_times() -> None:
    defer("build_index", {"space_id": 1}, queue="indexing", lock="space-1")
    for _ in range(4):
        take_job(start_worker(silent_seconds=60))
        rescue_stalled_jobs()
        sql("UPDATE procrastinate_jobs SET scheduled_at = NULL")  # the clock of a transaction stands still
    assert not ProcrastinateJob.objects.exists()


def test_a_document_without_a_job_gets_one_after_an_hour() -> None:
    document = upload(make_corpus())
    remove_job(waiting_jobs()[0].pk)
    assert requeue_lost_documents() == 0
    Document.objects.update(created_at="2026-01-01T00:00:00Z")
    assert requeue_lost_documents() == 1
    assert requeue_lost_documents() == 0
    assert waiting_jobs()[0].args["document_id"] == str(document.pk)
