"""A paraphrase is answered from the cache; a question that only looks like one is not."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from pytest_django import Settings

from documents.access.policy import NOBODY, Principal
from documents.models import Corpus, Document, EmbeddingSpace
from documents.storage.deletion import delete_document
from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.lab.testbed.redis_server import RedisProcess
from querying.answering.pipeline import answer_events, answer_question
from querying.cachestore.memory import memory
from querying.models import CachedAnswer
from querying.retrieval import query_embedding
from querying.retrieval.query_embedding import embed_once
from querying.types import AnswerMode, Done, Heartbeat
from ragsite.deadline import Deadline
from ragsite.process_memory import reset
from tests.factories import make_corpus, make_user
from tests.querying.asking import ask, generations, mode_of
from tests.querying.library import HANDBOOK, PARKING, add_document, make_library
from tests.redis import cache_settings, redis_server
from tests.timing import stays_below

__all__ = ["redis_server"]
pytestmark = pytest.mark.django_db(transaction=True)
LEAVE = "How many days of paid leave do employees get?"
ALIKE, CACHED, GENERATED, EXTRACTIVE = (
    AnswerMode.CACHED_SEMANTIC,
    AnswerMode.CACHED,
    AnswerMode.GENERATED,
    AnswerMode.EXTRACTIVE,
)
IN_OTHER_WORDS = "Can you tell me how many paid leave days employees get?"


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


@pytest.fixture
def ollama_corpus(standin: StandIn) -> Corpus:
    """A corpus whose vectors come from the model server."""
    corpus = make_corpus(is_public=True, slug="handbook", with_space=False)
    EmbeddingSpace.objects.create(corpus=corpus, provider="ollama", model="nomic-embed-text", status="live")
    add_document(corpus, HANDBOOK, "handbook.txt")
    add_document(corpus, PARKING, "parking.txt")
    corpus.refresh_from_db()
    return corpus


def embeddings(standin: StandIn, text: str) -> int:
    """Return how often the model server was asked for the vector of this question."""
    return sum(any(text in each for each in body["input"]) for body in standin.requests("embed"))


@pytest.mark.parametrize("corpus_of", ["corpus", "ollama_corpus"])
def test_the_same_question_in_other_words_costs_no_generation(
    corpus_of: str, standin: StandIn, request: pytest.FixtureRequest
) -> None:
    corpus = request.getfixturevalue(corpus_of)
    first = answer_question(ask(corpus, LEAVE))
    second = answer_question(ask(corpus, IN_OTHER_WORDS))
    assert (first.mode, second.mode) == (GENERATED, ALIKE)
    assert (second.text, second.citations) == (first.text, first.citations)
    assert second.cache.hit
    assert 0.8 <= (second.cache.similarity or 0) < 1
    assert second.cache.age_seconds is not None
    assert not second.degraded
    assert generations(standin) == 1


def test_it_is_streamed_too(corpus: Corpus, standin: StandIn) -> None:
    first = answer_question(ask(corpus, LEAVE))
    done = list(answer_events(ask(corpus, IN_OTHER_WORDS)))[-1]
    assert isinstance(done, Done)
    assert (done.answer.mode, done.answer.text) == (ALIKE, first.text)


@pytest.mark.parametrize(
    "question",
    [
        "How many days of unpaid leave do employees get?",
        "How many days of paid leave do managers get?",
        "How many hours of paid leave do employees get?",
        "How many days of paid leave do employees not get?",
        "How many days of paid leave did employees get in 2020?",
    ],
)
def test_a_question_that_only_looks_alike_gets_its_own_answer(corpus: Corpus, standin: StandIn, question: str) -> None:
    mode_of(corpus, LEAVE)
    assert mode_of(corpus, question) != ALIKE


def test_what_is_not_near_in_meaning_is_not_even_compared(corpus: Corpus, settings: Settings) -> None:
    settings.SEMANTIC_CACHE_SIMILARITY = 0.9999
    mode_of(corpus, LEAVE)
    assert mode_of(corpus, IN_OTHER_WORDS) == EXTRACTIVE


def test_it_can_be_switched_off(corpus: Corpus, settings: Settings) -> None:
    settings.ENABLE_SEMANTIC_CACHE = False
    mode_of(corpus, LEAVE)
    assert mode_of(corpus, IN_OTHER_WORDS) == EXTRACTIVE
    assert mode_of(corpus, LEAVE) == CACHED


def test_other_options_and_other_documents_are_another_question(corpus: Corpus) -> None:
    mode_of(corpus, LEAVE)
    assert mode_of(corpus, IN_OTHER_WORDS, top_k=2) == EXTRACTIVE
    delete_document(Document.objects.get(title="handbook"))
    assert "25 days" not in str(answer_question(ask(corpus, IN_OTHER_WORDS)))


def test_never_across_rights(corpus: Corpus) -> None:
    group = Group.objects.create(name="staff")
    Document.objects.get(title="handbook").readers.add(group)
    member = make_user()
    member.groups.add(group)
    principal = Principal.of(member)
    mode_of(corpus, LEAVE, principal=principal)
    assert mode_of(corpus, IN_OTHER_WORDS, principal=principal) == ALIKE
    assert "25 days" not in str(answer_question(ask(corpus, IN_OTHER_WORDS, principal=NOBODY)))


def test_never_from_another_corpus(corpus: Corpus) -> None:
    mode_of(corpus, LEAVE)
    assert mode_of(make_library(slug="other"), IN_OTHER_WORDS) == EXTRACTIVE


def test_an_answer_that_is_too_old_is_not_given(corpus: Corpus, settings: Settings) -> None:
    mode_of(corpus, LEAVE)
    settings.CACHE_TTL_SECONDS = 0
    memory().clear()
    assert mode_of(corpus, IN_OTHER_WORDS) == EXTRACTIVE


def test_followers_of_a_paraphrase_get_its_similarity_too(corpus: Corpus, standin: StandIn) -> None:
    mode_of(corpus, LEAVE)

    def run(_: int) -> Any:
        try:
            return answer_question(ask(corpus, IN_OTHER_WORDS))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(run, range(8)))
    assert {answer.mode for answer in answers} == {ALIKE}
    assert {answer.cache.similarity for answer in answers} == {answers[0].cache.similarity}
    assert generations(standin) == 1


# The question's vector


def test_a_question_is_embedded_once(ollama_corpus: Corpus, standin: StandIn) -> None:
    answer_question(ask(ollama_corpus, LEAVE))
    answer_question(ask(ollama_corpus, LEAVE, top_k=2))
    assert embeddings(standin, LEAVE) == 1


def test_a_polite_question_is_embedded_once(ollama_corpus: Corpus, standin: StandIn) -> None:
    answer_question(ask(ollama_corpus, f"Can you tell me: {LEAVE}"))
    assert embeddings(standin, LEAVE) == 1


def test_the_vector_is_kept_with_the_answer(ollama_corpus: Corpus, standin: StandIn) -> None:
    answer_question(ask(ollama_corpus, LEAVE))
    kept = np.array(CachedAnswer.objects.get().embedding)
    space = ollama_corpus.live_space
    assert space is not None
    vector, _ = embed_once(LEAVE, space, Deadline.after(5))
    assert vector is not None
    assert np.allclose(kept, vector, atol=1e-3)


def test_a_known_vector_serves_while_the_model_is_away(ollama_corpus: Corpus, standin: StandIn) -> None:
    answer_question(ask(ollama_corpus, LEAVE))
    standin.stop()
    answer = answer_question(ask(ollama_corpus, LEAVE, top_k=2))
    assert {leg.name: leg.status for leg in answer.legs} == {"lexical": "ok", "dense": "ok"}
    unknown = answer_question(ask(ollama_corpus, "How much do visitors pay for parking?", use_cache=False))
    assert {leg.name: leg.status for leg in unknown.legs} == {"lexical": "ok", "dense": "failed"}


def test_a_model_that_hangs_is_asked_once_per_question(ollama_corpus: Corpus, standin: StandIn) -> None:
    mode_of(ollama_corpus, "How much do visitors pay for parking?")
    standin.fail("hang", operation="embed")

    def seconds_of_one() -> float:
        CachedAnswer.objects.all().delete()
        reset()
        before = len(standin.requests("embed"))
        started = time.monotonic()
        answer = answer_question(ask(ollama_corpus, LEAVE, seconds=3))
        took_seconds = time.monotonic() - started
        assert {leg.name: leg.status for leg in answer.legs} == {"lexical": "ok", "dense": "late"}
        assert len(standin.requests("embed")) - before <= 2  # one retry is the client's own
        assert answer.mode == GENERATED
        return took_seconds

    assert stays_below(3 + 0.25, seconds_of_one)


def test_what_has_failed_is_not_tried_again_in_the_same_request(ollama_corpus: Corpus, standin: StandIn) -> None:
    space = ollama_corpus.live_space
    assert space is not None
    deadline = Deadline.after(5)
    standin.fail("error", operation="embed")
    assert embed_once(LEAVE, space, deadline) == (None, "failed")
    standin.heal()
    assert embed_once(LEAVE, space, deadline) == (None, "failed")
    assert embed_once(LEAVE, space, Deadline.after(5))[1] == "ok"


def test_while_the_model_embeds_there_are_signs_of_life(ollama_corpus: Corpus, standin: StandIn) -> None:
    standin.set(embed_seconds=1.0)
    events = list(answer_events(ask(ollama_corpus, LEAVE)))
    assert sum(isinstance(event, Heartbeat) for event in events) >= 5


def test_a_vector_belongs_to_its_model_and_prefix(ollama_corpus: Corpus, standin: StandIn) -> None:
    space = ollama_corpus.live_space
    assert space is not None
    embed_once(LEAVE, space, Deadline.after(5))
    space.index_settings = {"query_prefix": "something else: "}
    embed_once(LEAVE, space, Deadline.after(5))
    assert embeddings(standin, LEAVE) == 2


@pytest.mark.redis
def test_processes_share_vectors_through_redis(
    ollama_corpus: Corpus, standin: StandIn, redis_server: RedisProcess, settings: Settings
) -> None:
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {"default": cache_settings(redis_server.url)}
    space = ollama_corpus.live_space
    assert space is not None
    mine, _ = embed_once(LEAVE, space, Deadline.after(5))
    query_embedding.forget_all()
    yours, _ = embed_once(LEAVE, space, Deadline.after(5))
    assert mine is not None
    assert yours is not None
    assert np.array_equal(mine, yours)
    assert embeddings(standin, LEAVE) == 1
