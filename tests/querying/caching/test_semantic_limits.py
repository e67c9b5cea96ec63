"""The limits of the semantic cache: a threshold, a budget, and barred questions."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.access.policy import NOBODY, Principal
from documents.models import Corpus, Document
from documents.storage.deletion import delete_corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying import feedback
from querying.answering.pipeline import answer_question
from querying.cachestore.background_writer import store_now
from querying.cachestore.hit_counters import count
from querying.caching import semantic_limits
from querying.caching.keys import keys_of
from querying.caching.semantic import find_alike
from querying.models import FalseHit, SemanticCacheLimit
from querying.types import AnswerMode, Question
from ragsite.metrics import SEMANTIC_CACHE_OFF, SEMANTIC_FALSE_HITS
from tests.factories import make_user
from tests.figures import value_of
from tests.querying.alike import ALIKE, LEAVE, OTHERS, answered_corpus, hit, is_off, report, report_all
from tests.querying.asking import PARKING_QUESTION, ask, mode_of
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus() -> Corpus:
    return answered_corpus()


# A threshold per corpus


def test_a_corpus_may_have_a_threshold_of_its_own(corpus: Corpus, settings: Settings) -> None:
    near = hit(corpus).cache.similarity
    assert near is not None
    limit = SemanticCacheLimit.objects.create(corpus=corpus, similarity=0.9999)
    assert mode_of(corpus, OTHERS[1]) != ALIKE
    limit.similarity = 0.5
    limit.save()
    settings.SEMANTIC_CACHE_SIMILARITY = 0.9999
    hit(corpus, OTHERS[2])


def test_a_row_without_a_threshold_leaves_the_servers(corpus: Corpus, settings: Settings) -> None:
    SemanticCacheLimit.objects.create(corpus=corpus)
    hit(corpus)
    settings.SEMANTIC_CACHE_SIMILARITY = 0.9999
    assert mode_of(corpus, OTHERS[1]) != ALIKE


def test_of_several_corpora_the_strictest_decides(corpus: Corpus) -> None:
    other = make_library(slug="other")

    def asked(question: str) -> AnswerMode:
        one = ask(corpus, question)
        return answer_question(Question(question, (corpus, other), NOBODY, one.deadline)).mode

    asked(LEAVE)
    assert asked(OTHERS[0]) == ALIKE
    limit = SemanticCacheLimit.objects.create(corpus=other, similarity=0.9999)
    assert asked(OTHERS[1]) != ALIKE
    limit.similarity, limit.is_off = 0.1, True
    limit.save()
    assert asked(OTHERS[2]) != ALIKE
    SemanticCacheLimit.objects.all().delete()
    assert asked(OTHERS[3]) == ALIKE


@pytest.mark.parametrize("field", ["similarity", "budget"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_the_database_takes_shares_only(corpus: Corpus, field: str, value: float) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SemanticCacheLimit.objects.create(corpus=corpus, **{field: value})


def test_the_limits_cost_no_query_of_their_own(corpus: Corpus) -> None:
    """What is looked up per question is one query for the candidates, and one for the answer of the chosen one."""
    SemanticCacheLimit.objects.create(corpus=corpus, similarity=0.5)
    asked = ask(corpus, OTHERS[0])
    keys = keys_of(asked)
    with CaptureQueriesContext(connection) as queries:
        assert find_alike(asked, keys).kept is not None
    about = [query["sql"] for query in queries if "semanticcachelimit" in query["sql"] or "falsehit" in query["sql"]]
    assert len(about) == 1
    assert "querying_cachedanswer" in about[0]


# Reports


def test_a_reported_question_gets_this_answer_never_again(corpus: Corpus) -> None:
    assert report(hit(corpus))
    assert mode_of(corpus, OTHERS[0], use_cache=False) != ALIKE
    assert mode_of(corpus, OTHERS[0]) != ALIKE
    assert mode_of(corpus, LEAVE) == AnswerMode.CACHED, "the first question keeps its answer"
    hit(corpus, OTHERS[1])


def test_its_own_answer_is_not_given_to_the_other_one_either(corpus: Corpus) -> None:
    report(hit(corpus))
    fresh = make_library(slug="fresh")
    FalseHit.objects.update(corpora=[fresh.pk])
    mode_of(fresh, OTHERS[0])
    assert mode_of(fresh, LEAVE) != ALIKE


def test_a_report_bars_the_question_in_its_own_corpus_only(corpus: Corpus) -> None:
    report(hit(corpus))
    other = make_library(slug="other")
    mode_of(other, LEAVE)
    hit(other)


def test_an_answer_is_reported_once(corpus: Corpus) -> None:
    before = value_of(SEMANTIC_FALSE_HITS)
    answer = hit(corpus)
    assert [report(answer), report(answer), report(answer, "ip:2")] == [True, False, False]
    assert FalseHit.objects.count() == 1
    assert value_of(SEMANTIC_FALSE_HITS) == before + 1


def test_only_answers_of_the_semantic_cache_can_be_reported(corpus: Corpus) -> None:
    for question in (LEAVE, PARKING_QUESTION):
        assert not report(answer_question(ask(corpus, question)))
    assert not FalseHit.objects.exists()


def test_who_reported_is_not_kept(corpus: Corpus) -> None:
    report(hit(corpus), "ip:203.0.113.7")
    assert "203" not in FalseHit.objects.get().reporter


# Switching off


def test_beyond_its_budget_it_switches_itself_off_for_the_corpus(
    corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_library(slug="other")
    mode_of(other, LEAVE)
    before = value_of(SEMANTIC_CACHE_OFF)
    report_all(corpus, OTHERS[:2])
    assert not is_off(corpus), "two may be somebody's mistake"
    with caplog.at_level(logging.WARNING):
        report_all(corpus, OTHERS[2:3])
    assert is_off(corpus)
    assert SemanticCacheLimit.objects.get().off_since is not None
    assert value_of(SEMANTIC_CACHE_OFF) == before + 1
    lines = [record.getMessage() for record in caplog.records if "semantic cache" in record.getMessage()]
    assert len(lines) == 1
    assert str(corpus.pk) in lines[0]
    assert "leave" not in lines[0], "no question in a log"
    assert mode_of(corpus, OTHERS[3]) != ALIKE
    assert mode_of(corpus, OTHERS[3]) == AnswerMode.CACHED, "the other caches go on"
    hit(other)


def test_many_right_answers_outweigh_a_few_wrong_ones(corpus: Corpus) -> None:
    for _ in range(1000):
        count("semantic", hit=True, corpora=[corpus.pk])
    store_now()
    report_all(corpus, OTHERS[:5])
    assert not is_off(corpus)
    report_all(corpus, OTHERS[5:6])
    assert is_off(corpus), "6 of 1,006 are more than 0.5 %"


def test_a_corpus_may_have_a_budget_of_its_own(corpus: Corpus, settings: Settings) -> None:
    for _ in range(10):
        count("semantic", hit=True, corpora=[corpus.pk])
    store_now()
    SemanticCacheLimit.objects.create(corpus=corpus, budget=0.5)
    report_all(corpus, OTHERS[:3])
    assert not is_off(corpus)
    SemanticCacheLimit.objects.update(budget=None)
    settings.SEMANTIC_CACHE_FALSE_HIT_BUDGET = 1.0
    report_all(corpus, OTHERS[3:4])
    assert not is_off(corpus)
    settings.SEMANTIC_CACHE_FALSE_HIT_BUDGET = 0.0
    report_all(corpus, OTHERS[4:5])
    assert is_off(corpus)


def test_old_reports_don_t_count(corpus: Corpus) -> None:
    report_all(corpus, OTHERS[:2])
    FalseHit.objects.update(created_at=timezone.now() - timedelta(days=semantic_limits.WINDOW_DAYS, minutes=1))
    report_all(corpus, OTHERS[2:4])
    assert not is_off(corpus)
    assert mode_of(corpus, OTHERS[0]) != ALIKE, "a barred question stays barred"


def test_the_same_question_from_the_same_reader_counts_once(corpus: Corpus) -> None:
    answers = [hit(corpus) for _ in range(4)]
    for answer in answers[:3]:
        report(answer)
    assert FalseHit.objects.count() == 3
    assert not is_off(corpus)
    report(answers[3], "ip:2")
    assert not is_off(corpus)


def test_a_corpus_that_is_gone_takes_its_limit_along(corpus: Corpus) -> None:
    SemanticCacheLimit.objects.create(corpus=corpus)
    answer = hit(corpus)
    delete_corpus(corpus)
    assert not SemanticCacheLimit.objects.exists()
    assert report(answer)


# Over HTTP


def post(client: APIClient, route: str, body: dict[str, Any]) -> HttpResponse:
    return client.post(f"/api/v1/{route}", body, format="json")


def test_after_a_report_the_question_gets_its_own_answer(corpus: Corpus) -> None:
    client = APIClient()
    answer = post(client, "query", {"query": OTHERS[0]}).json()  # type: ignore[attr-defined]
    assert answer["answer_mode"] == "cached_semantic"
    body = {"query_id": answer["id"], "rating": -1, "reason": "wrong_question"}
    assert post(client, "feedback", body).status_code == 201
    assert post(client, "feedback", body).status_code == 201
    assert FalseHit.objects.get().question == OTHERS[0]
    anew = post(client, "query", {"query": OTHERS[0], "use_cache": False}).json()  # type: ignore[attr-defined]
    assert anew["answer_mode"] == "extractive"


@pytest.mark.parametrize(
    "more",
    [{"rating": 1, "reason": "wrong_question"}, {"rating": -1, "reason": "boring"}, {"rating": -1, "reason": None}],
)
def test_a_reason_that_makes_no_sense_is_refused(corpus: Corpus, more: dict[str, Any]) -> None:
    answer = hit(corpus)
    assert post(APIClient(), "feedback", {"query_id": str(answer.id), **more}).status_code == 400
    assert not FalseHit.objects.exists()


def test_a_reader_can_only_report_their_own_answers(corpus: Corpus) -> None:
    answer = hit(corpus, principal=Principal.of(make_user()))
    body = {"query_id": str(answer.id), "rating": -1, "reason": "wrong_question"}
    assert post(APIClient(), "feedback", body).status_code == 404
    assert not FalseHit.objects.exists()


def test_what_was_answered_a_moment_ago_can_be_rated(corpus: Corpus, settings: Settings) -> None:
    settings.RECORD_LATER = True
    answer = hit(corpus)
    assert feedback.keep_feedback(NOBODY, answer.id, -1, reason="wrong_question", reporter="ip:1").query_id == answer.id
    assert FalseHit.objects.count() == 1


# Scopes and speed


def test_never_across_rights_corpora_or_filters(corpus: Corpus) -> None:
    """Words and vectors are equal; only reader, options and documents differ."""
    SemanticCacheLimit.objects.create(corpus=corpus, similarity=0.0)
    hit(corpus)
    assert mode_of(corpus, OTHERS[1], top_k=2) != ALIKE
    assert mode_of(corpus, OTHERS[1], mode="quality") != ALIKE
    assert mode_of(corpus, OTHERS[1], filters={"source": "handbook.txt"}) != ALIKE
    assert mode_of(make_library(slug="other"), OTHERS[1]) != ALIKE
    group = Group.objects.create(name="staff")
    Document.objects.get(title="handbook", corpus=corpus).readers.add(group)
    member = make_user()
    member.groups.add(group)
    mode_of(corpus, LEAVE, principal=Principal.of(member))
    assert mode_of(corpus, OTHERS[1], principal=Principal.of(member)) == ALIKE
    assert mode_of(corpus, OTHERS[1]) != ALIKE


def test_a_hit_costs_no_generation_and_no_search(standin: StandIn) -> None:
    corpus = make_library(slug="handbook")
    mode_of(corpus, LEAVE)
    answer = hit(corpus)
    assert answer.legs == ()
    assert len(standin.requests("chat")) == 1
