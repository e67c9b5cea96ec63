"""The queue: one job per document, in the document's transaction, and a fair order between tenants."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from documents import jobs
from documents.indexing.queue import (
    BYTES_PER_PLACE,
    LAST_PLACE,
    PLACES_PER_SECOND,
    charge,
    enqueue,
    purge_jobs,
    reindex_document,
    remove_job,
)
from documents.models import Corpus, Document
from documents.storage.deletion import delete_document
from ragsite.errors import DocumentNotFound
from tests.factories import make_corpus, make_tenant
from tests.uploads import upload, waiting_jobs

pytestmark = pytest.mark.django_db


def upload_many(corpus: Corpus, count: int) -> None:
    for number in range(count):
        upload(corpus, f"{corpus.slug} {number}", f"{number}.txt")


def corpora_in_order() -> list[int]:
    return [job.args["corpus_id"] for job in waiting_jobs()]


def start_next_job() -> None:
    """Take the next job as a worker does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(ARRAY['indexing'], NULL)")


def test_a_document_that_waits_gets_no_second_job() -> None:
    document = upload(make_corpus())
    enqueue(document)
    reindex_document(document)
    assert len(waiting_jobs()) == 1


def test_a_document_that_is_being_indexed_gets_another_job() -> None:
    document = upload(make_corpus())
    start_next_job()
    reindex_document(document)
    assert len(waiting_jobs()) == 1


def test_one_document_of_a_small_corpus_does_not_wait_behind_a_bulk_upload() -> None:
    large, small = make_corpus(), make_corpus()
    upload_many(large, 6)
    start_next_job()
    start_next_job()
    upload_many(small, 1)
    assert corpora_in_order()[:2] == [large.pk, small.pk]


def test_two_bulk_uploads_take_turns() -> None:
    first, second = make_corpus(), make_corpus()
    upload_many(first, 4)
    upload_many(second, 4)
    assert corpora_in_order() == [first.pk, second.pk] * 4


def test_the_corpora_of_a_tenant_share_its_turns() -> None:
    tenant = make_tenant()
    several, one = [make_corpus(tenant=tenant) for _ in range(3)], make_corpus()
    for corpus in several:
        upload_many(corpus, 2)
    upload_many(one, 4)
    assert [corpus == one.pk for corpus in corpora_in_order()][:8] == [False, True] * 4


def test_large_files_take_more_of_a_tenants_share_than_small_ones() -> None:
    large, small = make_corpus(), make_corpus()
    for number in range(3):
        upload(large, f"{number} " + 10 * BYTES_PER_PLACE * "x")
    upload_many(small, 12)
    order = corpora_in_order()
    assert [place for place, corpus in enumerate(order) if corpus == large.pk][:2] in ([0, 12], [0, 11])


def test_time_that_a_tenant_used_beyond_what_was_expected_is_charged() -> None:
    slow, other = make_corpus(), make_corpus()
    upload_many(slow, 3)
    upload_many(other, 3)
    charge(slow.tenant_id, 3 * PLACES_PER_SECOND)
    assert corpora_in_order() == [other.pk] * 3 + [slow.pk] * 3


def test_a_file_that_takes_long_puts_its_tenants_other_files_back(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, other = make_corpus(), make_corpus()
    upload_many(slow, 3)
    upload_many(other, 3)
    monkeypatch.setattr(jobs, "index_with_companions", lambda *given: time.sleep(1.2))
    [job] = waiting_jobs()[:1]
    context = SimpleNamespace(job=SimpleNamespace(id=job.pk), should_abort=lambda: False)
    jobs.index.func(context, **job.args)  # type: ignore[arg-type]
    assert corpora_in_order()[:3] == [other.pk] * 3


def test_no_place_is_beyond_what_the_column_holds() -> None:
    corpus = make_corpus()
    upload_many(corpus, 1)
    charge(corpus.tenant_id, 2_100_000_000)
    upload(corpus, "one more")
    assert [job.priority for job in waiting_jobs()] == [LAST_PLACE, LAST_PLACE]


def test_a_corpus_that_keeps_uploading_does_not_starve_the_one_that_waits() -> None:
    waiting, busy = make_corpus(), make_corpus()
    upload_many(waiting, 5)
    for number in range(20):
        upload(busy, f"more {number}")
        start_next_job()
    assert waiting.pk not in corpora_in_order()


def test_a_document_that_is_gone_can_not_be_reindexed() -> None:
    document = upload(make_corpus())
    delete_document(document)
    with pytest.raises(DocumentNotFound):
        reindex_document(document)


def test_a_job_and_its_document_are_one_transaction() -> None:
    document = upload(make_corpus())
    Document.objects.update(status="ready")
    remove_job(waiting_jobs()[0].pk)
    with pytest.raises(RuntimeError, match="power cut"), transaction.atomic():
        reindex_document(document)
        raise RuntimeError("power cut")
    assert waiting_jobs() == []
    document.refresh_from_db()
    assert document.status == "ready"


def test_finished_jobs_are_purged_and_waiting_ones_stay() -> None:
    upload_many(make_corpus(), 2)
    done = waiting_jobs()[0].pk
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %s", [done])
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '3 hours'")
    purge_jobs(older_than_hours=4)
    purge_jobs(older_than_hours=2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM procrastinate_jobs")
        assert cursor.fetchall() == [("todo",)]
