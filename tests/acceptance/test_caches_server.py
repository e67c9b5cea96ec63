"""The caches of the real server: two gunicorn workers, every layer on, and documents that change under load."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import requests
from django.contrib.auth.models import Group

from documents.indexing.pipeline import index_document
from documents.indexing.queue import reindex_document
from documents.models import ApiKey, Chunk, Corpus, Document, Membership
from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.lab.testbed.redis_server import RedisProcess
from querying.models import CacheCount, CachedAnswer, CacheEntry, QueryLog
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library
from tests.redis import patient, redis_server
from tests.server import Server, running_server

__all__ = ["redis_server"]
pytestmark = pytest.mark.django_db(transaction=True)
IN_OTHER_WORDS = "Can you tell me how many paid leave days employees get?"
WAYS = [("query", QUESTION), ("query", IN_OTHER_WORDS), ("search", QUESTION)]
ASKERS, WARM_SECONDS, AFTER_SECONDS, PATIENCE_SECONDS = 8, 2.0, 2.0, 40.0
TWO_WORKERS = {
    "WEB_WORKERS": "2",
    "WEB_THREADS": "80",
    "MAX_OPEN_STREAMS": "64",
    "DATABASE_POOL_SIZE": "5",
    "LLM_MODEL": "llama3.2:1b",
}


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(["llama3.2:1b"], num_parallel=64) as server:
        yield server


@contextmanager
def two_workers(folder: Path, standin: StandIn, **more: str) -> Iterator[Server]:
    """Give a server with two workers that ask the stand-in, once both are there."""
    with running_server(folder, environment={**TWO_WORKERS, "OLLAMA_BASE_URL": standin.url, **more}) as server:
        give_up_at = time.monotonic() + 60
        while server.log.read_text().count("database pool: ") < 2:  # each worker says that once
            assert time.monotonic() < give_up_at, "the second worker did not start"
            time.sleep(0.05)
        yield server


def ask(url: str, way: str, question: str, slug: str) -> requests.Response:
    body = {"query": question, "corpora": [slug], "deadline_ms": 60_000}
    return requests.post(f"{url}/api/v1/{way}", json=body, timeout=60)


@dataclass
class Case:
    """A corpus, what happens to it, and what no question that begins after that may be shown."""

    corpus: Corpus
    change: Callable[[], None]
    forbidden: list[str]
    changed: threading.Event = field(default_factory=threading.Event)
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    @property
    def is_warm(self) -> bool:
        """Whether every cache has had a part in an answer before the change."""
        found = list(self.before)  # others count on meanwhile
        wanted = {"cached", "cached_semantic", "search"}
        return wanted <= {each.removesuffix(" again") for each in found} and "search again" in found

    @property
    def is_settled(self) -> bool:
        """Whether people were answered after the change as they are to be."""
        return bool(self.after) if self.corpus.slug == "private" else "search again" in self.after

    def ask_all_ways(self, url: str) -> None:
        """Ask in every way, and note where it came from and whether it may have been shown."""
        for way, question in WAYS:
            is_after = self.changed.is_set()
            reply = ask(url, way, question, self.corpus.slug)
            came_from = self.after if is_after else self.before
            if reply.status_code != 200:
                came_from[str(reply.status_code)] += 1
                continue
            body = reply.json()
            came_from[body.get("answer_mode", "search") + (" again" if body["cache"]["hit"] else "")] += 1
            if is_after and any(text in reply.text for text in self.forbidden):
                self.shown.append(f"{way} {question}: {reply.text[:300]}")


def handbook_of(corpus: Corpus) -> Document:
    return Document.objects.get(corpus=corpus, title="handbook")


def deleted(url: str) -> Case:
    corpus = make_library(slug="deleted")
    _, key = ApiKey.issue(make_user(role=Membership.Role.MANAGER, tenant=corpus.tenant), "key", ["ingest"])

    def change() -> None:
        address = f"{url}/api/v1/documents/{handbook_of(corpus).pk}"
        reply = requests.delete(address, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert reply.status_code == 204, reply.text

    return Case(corpus, change, ["25 days", str(handbook_of(corpus).pk)])


def closed(url: str) -> Case:
    corpus = make_library(slug="closed")
    board = Group.objects.create(name="board")
    return Case(corpus, lambda: handbook_of(corpus).readers.add(board), ["25 days"])


def private(url: str) -> Case:
    corpus = make_library(slug="private")

    def change() -> None:
        Corpus.objects.filter(pk=corpus.pk).update(is_public=False)

    return Case(corpus, change, ["25 days"])


def reindexed(url: str) -> Case:
    corpus = make_library(slug="reindexed")
    old = Chunk.objects.filter(document=handbook_of(corpus)).values_list("pk", flat=True)

    def change() -> None:
        document = handbook_of(corpus)
        reindex_document(document)
        assert index_document(document.pk) == "ready"

    return Case(corpus, change, [f'"chunk_id":{pk},' for pk in old])


def run_under_load(url: str) -> list[Case]:
    """Return the cases after all of them were asked all the time, changed, and asked on."""
    cases = [make(url) for make in (deleted, closed, private, reindexed)]
    over = threading.Event()
    for case in cases:
        # Alone at first. Of several who ask at once, one may be answered while the answer is still being stored, and
        # find nothing alike for the same question in other words: that one then has an answer of its own for good.
        case.ask_all_ways(url)

    def go_on_asking(number: int) -> None:
        while not over.is_set():
            for case in cases[number % len(cases) :] + cases[: number % len(cases)]:
                case.ask_all_ways(url)

    askers = [threading.Thread(target=go_on_asking, args=[number]) for number in range(ASKERS)]
    for asker in askers:
        asker.start()
    go_on_for(WARM_SECONDS, until=lambda: all(case.is_warm for case in cases))
    for case in cases:
        case.change()
        case.changed.set()
    go_on_for(AFTER_SECONDS, until=lambda: all(case.is_settled for case in cases))
    over.set()
    for asker in askers:
        asker.join(60)
    return cases


def go_on_for(seconds: float, *, until: Callable[[], bool]) -> None:
    """Wait that long, and on a slow machine until enough has happened: `check` says what has not."""
    begun_at = time.monotonic()
    while (waited := time.monotonic() - begun_at) < seconds or (not until() and waited < PATIENCE_SECONDS):
        time.sleep(0.05)


def check(cases: list[Case]) -> None:
    for case in cases:
        assert case.shown == [], case.corpus.slug
        # That nothing was shown says something only if the caches were at work, before and after.
        assert case.is_warm, case
        assert case.is_settled, case
        if case.corpus.slug == "private":
            assert set(case.after) == {"404"}


def test_nothing_that_is_gone_closed_or_changed_is_shown_from_a_cache(standin: StandIn, tmp_path: Path) -> None:
    with two_workers(tmp_path, standin) as server:
        cases = run_under_load(server.url)
    check(cases)
    gone = {pk for case in cases if case.corpus.slug == "deleted" for pk in Document.objects.filter(
        corpus=case.corpus).exclude(deleted_at=None).values_list("pk", flat=True)}  # fmt: skip
    assert gone
    for model in (CachedAnswer, CacheEntry):
        assert not model.objects.filter(documents__overlap=list(gone)).exists()


@pytest.mark.redis
def test_nor_with_redis(standin: StandIn, tmp_path: Path, redis_server: RedisProcess) -> None:
    with two_workers(tmp_path, standin, REDIS_URL=patient(redis_server.url)) as server:
        check(run_under_load(server.url))
    assert not CacheEntry.objects.exists()


# When the one who makes the answer for all fails.


def ask_fifty(url: str) -> list[requests.Response | None]:
    """Return the replies to one question that fifty ask at once; None: the connection broke."""
    replies: list[requests.Response | None] = [None] * 50
    start = threading.Barrier(50)

    def go(number: int) -> None:
        start.wait()
        with suppress(requests.RequestException):
            replies[number] = ask(url, "query", QUESTION, "handbook")

    threads = [threading.Thread(target=go, args=[number]) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    return replies


def worker_that_generates(server: Server, standin: StandIn) -> psutil.Process:
    """Return the worker process that is connected to the model server; waits until there is a generation."""
    port = int(standin.url.rpartition(":")[2])
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        if standin.requests("chat"):
            for worker in psutil.Process(server.process.pid).children():
                if any(each.raddr and each.raddr.port == port for each in worker.net_connections()):
                    return worker
        time.sleep(0.05)
    raise AssertionError("nobody asked the model server")


def test_when_the_worker_of_the_leader_dies_the_other_one_makes_one_answer(standin: StandIn, tmp_path: Path) -> None:
    make_library(slug="handbook")
    standin.set(first_token_seconds=4.0)
    replies: list[requests.Response | None] = []
    with two_workers(tmp_path, standin) as server:
        asking = threading.Thread(target=lambda: replies.extend(ask_fifty(server.url)))
        asking.start()
        time.sleep(1.5)  # so that all fifty wait
        worker_that_generates(server, standin).kill()
        asking.join(90)
    answered = [reply for reply in replies if reply is not None]
    assert 0 < len(answered) < 50, "the fifty were all at one worker"
    assert {reply.status_code for reply in answered} == {200}
    assert len({reply.json()["answer"] for reply in answered}) == 1
    assert {reply.json()["answer_mode"] for reply in answered} <= {"generated", "cached"}
    assert len(standin.requests("chat")) == 2


def test_when_the_model_fails_all_are_answered_and_it_is_not_overrun(standin: StandIn, tmp_path: Path) -> None:
    make_library(slug="handbook")
    standin.fail("error", operation="chat")
    with two_workers(tmp_path, standin) as server:
        replies = ask_fifty(server.url)
    assert {reply.status_code for reply in replies if reply is not None} == {200}
    assert len([reply for reply in replies if reply is not None]) == 50
    assert {reply.json()["answer_mode"] for reply in replies if reply is not None} == {"extractive"}
    assert len(standin.requests("chat")) <= 12  # a few leaders, each with its retries; not fifty


def test_what_was_counted_is_stored_when_the_server_stops(standin: StandIn, tmp_path: Path) -> None:
    corpus = make_library(slug="handbook")
    with two_workers(tmp_path, standin) as server:
        for _ in range(5):
            assert ask(server.url, "query", QUESTION, "handbook").status_code == 200
        server.terminate()
        server.wait()
    counted = CacheCount.objects.filter(corpus_id=corpus.pk, layer="questions")
    # On a busy machine a worker may be asked before the other one's answer is stored for it, and make its own.
    assert sum(row.misses for row in counted) in (1, 2)
    assert sum(row.hits + row.misses for row in counted) == 5
    assert CacheEntry.objects.filter(kind="search").count() == 1
    assert QueryLog.objects.count() == 5
