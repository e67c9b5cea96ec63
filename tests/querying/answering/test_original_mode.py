"""A cached answer says how it was written, in every form of reply; `use_cache: false` computes another one."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.models import Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering import pipeline as answering_pipeline
from querying.answering.ladder import UNCERTAIN, is_degraded
from querying.answering.pipeline import answer_question
from querying.cachestore.memory import memory
from querying.caching.answers import is_worth_keeping
from querying.caching.serialization import pack, unpack
from querying.models import CachedAnswer, QueryLog
from querying.retrieval.pipeline import retrieve
from querying.types import Answer, AnswerMode
from tests.querying.asking import ask, generations
from tests.querying.conftest import QUESTION
from tests.querying.library import add_document, make_library

pytestmark = pytest.mark.django_db(transaction=True)
IN_OTHER_WORDS = "Can you tell me how many days of paid leave employees get?"
GENERATED, EXTRACTIVE, CACHED = AnswerMode.GENERATED, AnswerMode.EXTRACTIVE, AnswerMode.CACHED


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def modes(answer: Answer) -> tuple[AnswerMode, AnswerMode]:
    return answer.mode, answer.written_as


def post(path: str, **body: Any) -> Any:
    return APIClient().post(path, {"query": QUESTION, **body}, format="json")


def events_of(path: str) -> dict[str, Any]:
    """Return what each event of a stream says, by name; the last one of a name."""
    reply = post(path, stream=True)
    frames = b"".join(reply.streaming_content).decode().split("\n\n")
    reply.close()
    found = [frame.split("\n", 1) for frame in frames if frame.startswith("event: ")]
    return {name.removeprefix("event: "): json.loads(data.removeprefix("data: ")) for name, data in found}


def test_from_memory_and_from_the_table(corpus: Corpus, standin: StandIn) -> None:
    assert modes(answer_question(ask(corpus))) == (GENERATED, GENERATED)
    assert modes(answer_question(ask(corpus))) == (CACHED, GENERATED)
    memory().clear()
    assert modes(answer_question(ask(corpus))) == (CACHED, GENERATED)
    assert list(QueryLog.objects.order_by("created_at").values_list("answer_mode", "original_mode")) == [
        ("generated", "generated"),
        ("cached", "generated"),
        ("cached", "generated"),
    ]


def test_quoted_answers_too(corpus: Corpus) -> None:
    assert modes(answer_question(ask(corpus))) == (EXTRACTIVE, EXTRACTIVE)
    assert modes(answer_question(ask(corpus))) == (CACHED, EXTRACTIVE)
    assert modes(answer_question(ask(corpus, IN_OTHER_WORDS))) == (AnswerMode.CACHED_SEMANTIC, EXTRACTIVE)


def test_a_stale_answer_says_how_it_was_written(corpus: Corpus, standin: StandIn) -> None:
    answer_question(ask(corpus))
    add_document(corpus, "Something else. It says nothing of what is asked here.", "else.txt")
    standin.stop()
    assert modes(answer_question(ask(corpus))) == (AnswerMode.STALE, GENERATED)


def test_followers_of_a_stale_answer_get_its_age(corpus: Corpus, standin: StandIn) -> None:
    answer_question(ask(corpus))
    add_document(corpus, "Something else. It says nothing of what is asked here.", "else.txt")
    CachedAnswer.objects.update(created_at=timezone.now() - timedelta(hours=3))
    standin.set(first_token_seconds=1.0)
    standin.fail("error", operation="chat", seconds=60)
    for answer in together(4, lambda: answer_question(ask(corpus, seconds=30))):
        assert modes(answer) == (AnswerMode.STALE, GENERATED)
        assert answer.cache.age_seconds == pytest.approx(3 * 3600, abs=60)


def test_followers_get_the_original_mode_too(corpus: Corpus, standin: StandIn) -> None:
    standin.set(first_token_seconds=1.0)
    answers = together(4, lambda: answer_question(ask(corpus, seconds=30)))
    assert sorted(modes(answer) for answer in answers) == [(CACHED, GENERATED)] * 3 + [(GENERATED, GENERATED)]


@pytest.mark.parametrize("path", ["/api/v1/query", "/api/query", "/ask"])
def test_every_route_tells_it(corpus: Corpus, path: str) -> None:
    first = post(path).json()
    assert (first["answer_mode"], first["original_mode"]) == ("extractive", "extractive")
    second = post(path).json()
    assert (second["answer_mode"], second["original_mode"]) == ("cached", "extractive")
    streamed = events_of(path)
    for name in ("meta", "done"):
        assert (streamed[name]["answer_mode"], streamed[name]["original_mode"]) == ("cached", "extractive"), name


def test_a_new_stream_tells_it_at_the_beginning_and_at_the_end(corpus: Corpus) -> None:
    streamed = events_of("/api/v1/query")
    assert streamed["meta"]["original_mode"] == streamed["done"]["original_mode"] == "extractive"


def test_a_batch_and_the_command_tell_it(corpus: Corpus) -> None:
    post("/api/v1/query")
    [reply] = APIClient().post("/api/v1/query/batch", {"queries": [QUESTION]}, format="json").json()["results"]
    assert (reply["answer_mode"], reply["original_mode"]) == ("cached", "extractive")
    out = io.StringIO()
    call_command("ask", "handbook", QUESTION, stdout=out)
    CachedAnswer.objects.update(created_at=timezone.now() - timedelta(minutes=12, seconds=5))
    memory().clear()
    call_command("ask", "handbook", QUESTION, stdout=out)
    assert "(extractive)" not in out.getvalue()
    assert "(cached, 12 minutes old: extractive)" in out.getvalue()


def test_a_doubt_is_kept_with_the_answer(corpus: Corpus) -> None:
    doubted = replace(answer_question(ask(corpus)), reasons=(UNCERTAIN,))
    assert not is_degraded(doubted.reasons)
    assert is_worth_keeping(doubted)
    assert unpack(json.loads(json.dumps(pack(doubted)))).reasons == (UNCERTAIN,)


def test_without_use_cache_every_cache_is_bypassed(
    corpus: Corpus, standin: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []

    def noted(question: str, *rest: Any, **options: Any) -> Any:
        searched.append(question)
        return retrieve(question, *rest, **options)

    monkeypatch.setattr(answering_pipeline, "retrieve", noted)
    answer_question(ask(corpus))
    for question in (QUESTION, IN_OTHER_WORDS):
        anew = answer_question(ask(corpus, question, use_cache=False))
        assert (anew.mode, anew.cache.hit) == (GENERATED, False)
        assert anew.legs, "it was searched"
    assert searched == [QUESTION, QUESTION, IN_OTHER_WORDS]
    assert generations(standin) == 3
    standin.set(first_token_seconds=0.5)
    answers = together(3, lambda: answer_question(ask(corpus, seconds=30, use_cache=False)))
    assert [answer.cache.hit for answer in answers] == [False] * 3, "nobody waits for another's answer"
    assert generations(standin) == 6


def together(count: int, act: Any) -> list[Answer]:
    """Return what `act` returns in so many threads at once."""
    start = threading.Barrier(count)

    def run(_: int) -> Answer:
        start.wait()
        try:
            answer: Answer = act()
            return answer
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))
