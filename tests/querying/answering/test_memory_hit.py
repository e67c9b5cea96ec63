"""An answer in memory is served without a slot and a search, after one short query for the access fingerprint."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.models import Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying.api import reading, replying
from querying.models import QueryLog
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def ask(**more: Any) -> Any:
    return APIClient().post("/api/v1/query", {"query": QUESTION, "corpora": ["handbook"], **more}, format="json")


def test_the_reply_has_all_that_a_reply_has(corpus: Corpus, standin: StandIn) -> None:
    first, second, third = ask().json(), ask().json(), ask().json()

    assert first["answer_mode"] == "generated"
    assert second.keys() == third.keys() == first.keys()
    for again in (second, third):
        assert again["answer_mode"] == "cached"
        assert again["cache"]["hit"] is True
        assert again["cache"]["similarity"] == 1.0
        assert again["usage"] is None
        assert [again[name] for name in ("answer", "passages", "citations")] == [
            first[name] for name in ("answer", "passages", "citations")
        ]
    assert len({first["id"], second["id"], third["id"]}) == 3
    assert QueryLog.objects.filter(pk=third["id"], answer_mode="cached", corpus_ids=[corpus.pk]).exists()


def test_it_costs_one_read_and_no_slot(corpus: Corpus, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(), ask()

    def take(*args: object) -> None:
        raise AssertionError("a slot was taken")

    monkeypatch.setattr(replying, "take_slot", take)
    with CaptureQueriesContext(connection) as queries:
        assert ask().json()["answer_mode"] == "cached"
    kinds = [query["sql"].split()[0] for query in queries]
    assert kinds.count("SELECT") == 1


def test_it_is_not_given_without_the_cache_or_when_something_has_changed(corpus: Corpus, standin: StandIn) -> None:
    ask(), ask()
    assert ask(use_cache=False).json()["answer_mode"] == "generated"
    assert ask(top_k=3).json()["answer_mode"] == "generated"
    Corpus.objects.update(epoch=corpus.epoch + 100)
    assert ask().json()["answer_mode"] == "generated"
    Corpus.objects.update(is_public=False)
    assert ask().status_code == 404


def test_switched_off_there_is_none(corpus: Corpus, standin: StandIn, settings: Settings) -> None:
    settings.ENABLE_CACHING = False
    ask()
    assert ask().json()["answer_mode"] == "generated"


def test_equal_bodies_are_read_once_and_other_limits_are_heeded(
    corpus: Corpus, standin: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    validated = []
    real = reading._validated

    def validate(*given: Any) -> dict[str, Any]:
        validated.append(given)
        return real(*given)

    monkeypatch.setattr(reading, "_validated", validate)
    assert ask().status_code == 200
    assert not validated
    settings.QUESTION_MAX_CHARS = 5
    assert ask().status_code == 400
    settings.QUESTION_MAX_CHARS = 4000
    assert ask(top_k=2).status_code == 200
    assert len(validated) == 2
