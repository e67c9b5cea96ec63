"""Paraphrased questions, their answers from the semantic cache, and reports of false hits."""

from __future__ import annotations

from typing import Any

from documents.models import Corpus
from querying.answering.pipeline import answer_question
from querying.caching.semantic_limits import report_false_hit
from querying.models import QueryLog, SemanticCacheLimit
from querying.types import Answer, AnswerMode
from tests.querying.asking import ask, mode_of
from tests.querying.library import make_library

LEAVE = "How many days of paid leave do employees get?"
OTHERS = [
    "Can you tell me how many days of paid leave employees get?",
    "How many paid leave days do employees get?",
    "How many days of paid leave do the employees get?",
    "How many days of paid leave does an employee get?",
    "Hello, how many days of paid leave do employees get?",
    "Please, how many days of paid leave do employees get?",
]
ALIKE = AnswerMode.CACHED_SEMANTIC


def hit(corpus: Corpus, question: str = OTHERS[0], **options: Any) -> Answer:
    """Ask, and return the answer that the semantic cache gives."""
    answer = answer_question(ask(corpus, question, **options))
    assert answer.mode == ALIKE
    return answer


def report(answer: Answer, reporter: str = "ip:1") -> bool:
    """Report an answer, and return whether that counts."""
    return report_false_hit(QueryLog.objects.get(pk=answer.id), reporter)


def report_all(corpus: Corpus, questions: list[str], reporter: str = "ip:1") -> None:
    """Report the answers to these questions."""
    for question in questions:
        assert report(hit(corpus, question), reporter)


def is_off(corpus: Corpus) -> bool:
    """Return whether the semantic cache is switched off for the corpus."""
    return SemanticCacheLimit.objects.filter(corpus=corpus, is_off=True).exists()


def answered_corpus() -> Corpus:
    """Return a corpus whose answer to LEAVE is kept."""
    corpus = make_library(slug="handbook")
    mode_of(corpus, LEAVE)
    return corpus
