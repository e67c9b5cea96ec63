"""The worker's process: signals, failures of the database, and its end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from subprocess import Popen

import psutil
import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from documents.indexing.queue import UPKEEP_QUEUE, defer
from documents.models import Document
from documents.worker import NICENESS
from monitoring.lab.ollama_simulator.running import StandIn
from tests.factories import make_corpus
from tests.uploads import make_text, upload
from tests.workers import end, start_command, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def started() -> Iterator[list[Popen[str]]]:
    processes: list[Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(["nomic-embed-text"]) as standin:
        yield standin


def start_worker(started: list[Popen[str]], *arguments: str, **environment: str) -> Popen[str]:
    process = start_command("work", *arguments, **environment)
    started.append(process)
    return process


def is_ready(document: Document) -> bool:
    document.refresh_from_db()
    return document.status == "ready"


def test_a_worker_leaves_the_cpu_to_requests(started: list[Popen[str]]) -> None:
    worker = start_worker(started)
    wait_until(ProcrastinateWorker.objects.exists)
    assert psutil.Process(worker.pid).nice() == NICENESS > psutil.Process().nice()
    worker.send_signal(signal.SIGTERM)
    assert end(worker) == 0


def test_a_worker_indexes_what_comes_and_leaves_no_trace_when_told_to_stop(started: list[Popen[str]]) -> None:
    worker = start_worker(started)
    wait_until(lambda: ProcrastinateWorker.objects.count() == 2)
    documents = [upload(make_corpus(), f"text {number}") for number in range(3)]
    wait_until(lambda: all(is_ready(document) for document in documents))
    worker.send_signal(signal.SIGTERM)
    assert end(worker) == 0
    assert not ProcrastinateWorker.objects.exists()
    assert not ProcrastinateJob.objects.filter(task_name="index_document").exists()


def test_a_worker_that_is_told_to_stop_leaves_a_large_document_to_the_next(
    started: list[Popen[str]], standin: StandIn
) -> None:
    standin.set(embed_seconds=0.5)
    document = upload(make_corpus(with_space=False), make_text(100))
    worker = start_worker(started, WORKER_GRACE_SECONDS="0", OLLAMA_BASE_URL=standin.url)
    wait_until(lambda: Document.objects.get().chunks_done > 0)
    worker.send_signal(signal.SIGTERM)
    assert end(worker) == 0
    document.refresh_from_db()
    assert (document.status, document.crashes) == ("processing", 0)
    assert ProcrastinateJob.objects.get(task_name="index_document").status == "todo"
    standin.set(embed_seconds=0)
    assert end(start_worker(started, "--until-idle", OLLAMA_BASE_URL=standin.url)) == 0
    assert is_ready(document)


def test_a_worker_outlives_its_connections(started: list[Popen[str]]) -> None:
    worker = start_worker(started)
    wait_until(lambda: ProcrastinateWorker.objects.count() == 2)
    assert end_other_connections() >= 1
    document = upload(make_corpus())
    wait_until(lambda: is_ready(document))
    assert worker.poll() is None


def end_other_connections() -> int:
    """End every connection to the test database but our own, as a restart does; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def test_upkeep_does_not_wait_behind_a_large_document(started: list[Popen[str]], standin: StandIn) -> None:
    standin.set(embed_seconds=20)
    upload(make_corpus(with_space=False))
    start_worker(started, OLLAMA_BASE_URL=standin.url)
    wait_until(lambda: Document.objects.get().chunks_total > 0)
    with transaction.atomic():
        defer("rescue", {"timestamp": 0}, queue=UPKEEP_QUEUE, lock=None)
    wait_until(lambda: not ProcrastinateJob.objects.filter(task_name="rescue").exists(), timeout_seconds=10)
    assert Document.objects.get().status == "processing"


def test_jobs_give_their_connections_back(started: list[Popen[str]]) -> None:
    worker = start_worker(started, DATABASE_POOL_SIZE="2")
    for number in range(20):
        upload(make_corpus(), f"text {number}")
    wait_until(lambda: Document.objects.filter(status="ready").count() == 20)
    assert worker.poll() is None
