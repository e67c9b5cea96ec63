"""Runs `manage.py work` processes on the stage's database, and reads their progress."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.conf import settings
from django.contrib.auth.models import User

from documents.models import ApiKey, Corpus, Tenant

STOP_SECONDS = 40.0
LONGEST_SECONDS = 400.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Indexed:
    """How the documents of a corpus were indexed. `seconds`: from the first one's beginning to the last one's end."""

    ready: int
    failed: int
    chunks: int
    seconds: float


@contextmanager
def indexing_workers(environment: Mapping[str, str], folder: Path, count: int) -> Iterator[list[int]]:
    """Run so many workers, and give their process ids."""
    log = (folder / "workers.log").open("ab")
    command = [sys.executable, "manage.py", "work"]
    running = [
        subprocess.Popen(command, cwd=settings.BASE_DIR, env=dict(environment), stdout=log, stderr=log)  # noqa: S603
        for _ in range(count)
    ]
    try:
        yield [process.pid for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


def make_corpus(slug: str) -> str:
    """Make a public corpus without a space yet, and return a new key that may add documents to it."""
    tenant, _ = Tenant.objects.get_or_create(slug="benchmark", defaults={"name": "Benchmark"})
    Corpus.objects.create(tenant=tenant, name=slug, slug=slug, language="en", is_public=True)
    user, _ = User.objects.get_or_create(username="benchmark", defaults={"is_superuser": True})
    return ApiKey.issue(user, slug, [ApiKey.Scope.QUERY, ApiKey.Scope.INGEST])[1]


def wait_until_indexed(database_url: str, slug: str, count: int) -> Indexed:
    """Return how it went when `count` documents of the corpus are ready or failed. Raises TimeoutError."""
    give_up_at = time.monotonic() + LONGEST_SECONDS
    with psycopg.connect(database_url, autocommit=True) as database:
        while True:
            found = _look(database, slug)
            if found.ready + found.failed >= count:
                return found
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{found.ready} of {count} documents are ready after {LONGEST_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)


def wait_for_index(database_url: str) -> None:
    """Wait until no vector index is about to be built. Raises TimeoutError."""
    give_up_at = time.monotonic() + LONGEST_SECONDS
    with psycopg.connect(database_url, autocommit=True) as database:
        while database.execute(
            "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'build_index' AND status IN ('todo', 'doing') LIMIT 1"
        ).fetchone():
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the vector index is not built after {LONGEST_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the CPU time of processes and of all their children so far, also of those that have ended."""
    total = 0.0
    for pid in pids:
        head = psutil.Process(pid)
        for process in (head, *head.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def _look(database: psycopg.Connection[Any], slug: str) -> Indexed:
    row = database.execute(
        "SELECT count(*) FILTER (WHERE status = 'ready'), count(*) FILTER (WHERE status = 'failed'),"
        " coalesce(sum(chunks_total) FILTER (WHERE status = 'ready'), 0),"
        " coalesce(extract(epoch FROM max(indexed_at) - min(document.started_at)), 0)"
        " FROM documents_document AS document JOIN documents_corpus AS corpus ON corpus.id = corpus_id"
        " WHERE corpus.slug = %s",
        [slug],
    ).fetchone()
    assert row is not None
    return Indexed(int(row[0]), int(row[1]), int(row[2]), float(row[3]))
