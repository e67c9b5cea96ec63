"""Asks questions of a small library."""

from __future__ import annotations

from typing import Any

from documents.access.policy import NOBODY
from documents.models import Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering.pipeline import answer_question
from querying.types import AnswerMode, Question
from ragsite.deadline import Deadline
from tests.querying.conftest import QUESTION

PARKING_QUESTION = "How much do visitors pay for parking?"


def ask(corpus: Corpus, question: str = QUESTION, *, seconds: float = 10, **options: Any) -> Question:
    """Return a question of nobody in particular, unless the options say otherwise."""
    options = {"principal": NOBODY, **options}
    return Question(text=question, corpora=(corpus,), deadline=Deadline.after(seconds), **options)


def mode_of(corpus: Corpus, question: str = QUESTION, **options: Any) -> AnswerMode:
    """Ask, and return how the answer was made."""
    return answer_question(ask(corpus, question, **options)).mode


def generations(standin: StandIn) -> int:
    """Return how many answers the model server was asked for."""
    return len(standin.requests("chat"))
