"""A repeated question costs no search and no model."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.models import Corpus, EmbeddingSpace
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering import pipeline as answering_pipeline
from querying.answering.pipeline import answer_events, answer_question
from querying.caching.keys import keys_of
from querying.models import CachedAnswer, QueryLog
from querying.types import AnswerMode, Done, Heartbeat, Meta, PassagesFound, Question, Token
from tests.querying.asking import ask, generations, mode_of
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)
GENERATED, EXTRACTIVE, CACHED = AnswerMode.GENERATED, AnswerMode.EXTRACTIVE, AnswerMode.CACHED


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def test_the_same_question_costs_no_search_and_no_model(
    corpus: Corpus, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = answer_question(ask(corpus))
    assert (first.mode, first.cache.hit) == (GENERATED, False)

    def search(asked: Question) -> None:
        raise AssertionError("it was searched again")

    monkeypatch.setattr(answering_pipeline, "search", search)
    asked = ask(corpus)
    second = answer_question(asked)
    assert (second.mode, second.id) == (CACHED, asked.id)
    assert (second.text, second.citations, second.passages) == (first.text, first.citations, first.passages)
    assert second.model == first.model
    assert second.usage is None  # nothing was used
    assert (second.degraded, second.answerable, second.reasons) == (False, True, ())
    assert second.cache.hit
    assert second.cache.similarity == 1.0
    assert 0 <= (second.cache.age_seconds or -1) < 10
    assert generations(standin) == 1
    assert list(QueryLog.objects.order_by("created_at").values_list("answer_mode", flat=True)) == [
        "generated",
        "cached",
    ]


def test_a_stream_from_the_cache_says_so_in_its_first_event(corpus: Corpus, standin: StandIn) -> None:
    first = answer_question(ask(corpus))
    events = [event for event in answer_events(ask(corpus)) if not isinstance(event, Heartbeat)]
    assert [type(event) for event in events] == [Meta, PassagesFound, Token, Done]
    meta, found, token, done = events
    assert isinstance(meta, Meta)
    assert isinstance(found, PassagesFound)
    assert isinstance(token, Token)
    assert isinstance(done, Done)
    assert meta.mode == done.answer.mode == CACHED
    assert found.passages == first.passages
    assert token.text == done.answer.text == first.text


def test_a_streamed_answer_is_cached(corpus: Corpus, standin: StandIn) -> None:
    list(answer_events(ask(corpus)))
    assert mode_of(corpus) == CACHED


def test_over_http_the_cache_is_named(corpus: Corpus, standin: StandIn) -> None:
    client = APIClient()
    body = {"query": QUESTION, "corpora": ["handbook"]}
    client.post("/api/v1/query", body, format="json")
    reply = client.post("/api/v1/query", body, format="json").json()
    assert reply["answer_mode"] == "cached"
    assert reply["cache"]["hit"] is True
    assert reply["cache"]["age_seconds"] >= 0


def test_without_a_model_extractive_answers_are_cached(corpus: Corpus) -> None:
    assert [mode_of(corpus), mode_of(corpus)] == [EXTRACTIVE, CACHED]


def test_the_shape_of_the_question_does_not_matter_but_its_letters_do(corpus: Corpus) -> None:
    mode_of(corpus, "Where do visitors park in the café?")
    assert mode_of(corpus, "  Where do\tvisitors \n park in the cafe\u0301? ") == CACHED
    assert mode_of(corpus, "Where do Visitors park in the café?") != CACHED


OTHER: list[dict[str, Any]] = [
    {"top_k": 3},
    {"mode": "fast"},
    {"answer_style": "full"},
    {"filters": {"source": "handbook.txt"}},
]


@pytest.mark.parametrize("options", OTHER)
def test_other_options_are_another_question(corpus: Corpus, options: dict[str, Any]) -> None:
    mode_of(corpus)
    assert mode_of(corpus, **options) == EXTRACTIVE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLM_MODEL", "other"),
        ("OLLAMA_NUM_CTX", 4096),
        ("OLLAMA_MAX_TOKENS", 99),
        ("OLLAMA_TEMPERATURE", 0.9),
        ("OLLAMA_TOP_K", 3),
        ("OLLAMA_BASE_URLS", []),
    ],
)
def test_other_settings_of_the_model_are_another_key(
    corpus: Corpus, standin: StandIn, settings: Settings, name: str, value: Any
) -> None:
    before = keys_of(ask(corpus))
    setattr(settings, name, value)
    after = keys_of(ask(corpus))
    assert before.exact != after.exact
    assert before.alike != after.alike
    assert before.stale == after.stale


def test_another_prompt_is_another_key(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys_of(ask(corpus))
    monkeypatch.setattr("querying.caching.keys.PROMPT_VERSION", 999)
    assert keys_of(ask(corpus)).exact != before.exact


def test_another_live_space_is_another_key(corpus: Corpus) -> None:
    before = keys_of(ask(corpus))
    corpus.spaces.update(status=EmbeddingSpace.Status.RETIRED)
    EmbeddingSpace.objects.create(
        corpus=corpus, provider="embedded", model="wordllama", dimensions=256, status=EmbeddingSpace.Status.LIVE
    )
    assert keys_of(ask(corpus)).exact != before.exact


def test_keys_are_the_same_in_every_process(corpus: Corpus) -> None:
    assert keys_of(ask(corpus)) == keys_of(ask(corpus))
    assert len(keys_of(ask(corpus)).exact) == 64


def test_a_question_may_leave_the_caches_alone(corpus: Corpus, standin: StandIn) -> None:
    assert mode_of(corpus, use_cache=False) == GENERATED
    assert not CachedAnswer.objects.exists()
    assert mode_of(corpus) == GENERATED
    assert mode_of(corpus, use_cache=False) == GENERATED
    assert generations(standin) == 3


def test_caching_can_be_switched_off(corpus: Corpus, standin: StandIn, settings: Settings) -> None:
    settings.ENABLE_CACHING = False
    assert [mode_of(corpus), mode_of(corpus)] == [GENERATED, GENERATED]
    assert not CachedAnswer.objects.exists()


def test_a_cached_answer_expires(corpus: Corpus, settings: Settings) -> None:
    mode_of(corpus)
    settings.CACHE_TTL_SECONDS = 0
    time.sleep(0.01)
    assert mode_of(corpus) == EXTRACTIVE


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_a_degraded_answer_is_not_cached(corpus: Corpus, standin: StandIn, fault: str) -> None:
    standin.set(tokens_per_second=500)
    standin.fail(fault, operation="chat")
    assert answer_question(ask(corpus)).degraded
    assert not CachedAnswer.objects.exists()
    standin.heal()
    assert mode_of(corpus) == GENERATED


def test_that_the_documents_do_not_know_is_not_kept(corpus: Corpus) -> None:
    answer = answer_question(ask(corpus, "Which volcano erupted on Iceland in 1783?"))
    assert not answer.answerable
    assert not CachedAnswer.objects.exists()
