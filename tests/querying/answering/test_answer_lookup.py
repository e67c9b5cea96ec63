"""A cached answer is found in memory and in Postgres, and only served to readers who may read its sources."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from documents.models import Corpus, Document
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering.answer_lookup import AnswerLookup
from querying.answering.pipeline import answer_question
from querying.cachestore.memory import memory
from querying.caching.keys import keys_of
from querying.types import AnswerMode
from tests.querying.asking import PARKING_QUESTION, ask
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus(standin: StandIn) -> Corpus:
    """A corpus that was asked one question."""
    corpus = make_library(slug="handbook")
    answer_question(ask(corpus))
    return corpus


def lookup(corpus: Corpus, *question: str) -> AnswerLookup:
    asked = ask(corpus, *question)
    return AnswerLookup(asked, keys_of(asked))


def test_memory_first_then_the_stores_which_fill_it(corpus: Corpus) -> None:
    assert lookup(corpus).in_memory() is not None
    memory().clear()
    looking = lookup(corpus)
    assert (looking.in_memory(), looking.has_hit) == (None, False)
    found = looking.in_stores()
    assert found is not None
    assert (found[1].mode, found[1].cache.hit, looking.has_hit) == (AnswerMode.CACHED, True, True)
    assert lookup(corpus).in_memory() is not None


def test_another_question_has_none(corpus: Corpus) -> None:
    looking = lookup(corpus, PARKING_QUESTION)
    assert (looking.in_memory(), looking.in_stores(), looking.has_hit) == (None, None, False)


def test_who_may_not_read_a_quoted_document_is_given_nothing(corpus: Corpus) -> None:
    """The key says so already; a change that forgot to raise the epoch is caught here."""
    asked = ask(corpus)
    entry = memory().get(keys_of(asked).exact)
    Document.objects.get(title="handbook").readers.add(Group.objects.create(name="staff"))
    closed = AnswerLookup(asked, keys_of(ask(corpus)))
    assert entry is not None
    assert (closed.answer_from(entry), closed.has_hit) == (None, False)


def test_other_words_are_said_so(corpus: Corpus) -> None:
    looking = lookup(corpus)
    answer = looking.answer_from(memory().get(keys_of(ask(corpus)).exact), similarity=0.9)
    assert answer is not None
    assert (answer.mode, answer.cache.similarity) == (AnswerMode.CACHED_SEMANTIC, 0.9)
