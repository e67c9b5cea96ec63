"""Answers that are not streamed, one or several, each within the number of answers that may be in the making."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from querying.answering import answer_question, search
from querying.api.representing import answer_as_json, search_as_json
from querying.slots import take_slot
from querying.values import Answer, Asked
from ragsite.database_connection import release_connection
from ragsite.errors import RagError
from ragsite.exception_handler import problem_of


def answer_one(asked: Asked) -> Answer:
    """Return the answer. Raises Overloaded while too many are in the making."""
    release_connection()  # waiting for a slot must not keep one
    with take_slot(asked.deadline):
        return answer_question(asked)


def answer_all(batch: Sequence[Asked]) -> list[dict[str, Any]]:
    """Return one answer per question, in their order; `{"error": problem}` where there is none.

    One after the other, in one slot: a batch must not push out those who wait for one answer.
    """
    release_connection()
    with take_slot(batch[0].deadline):
        return [_or_problem(partial(_answer, asked)) for asked in batch]


def search_all(batch: Sequence[Asked]) -> list[dict[str, Any]]:
    """Return one search per question, in their order; `{"error": problem}` where it failed."""
    return [_or_problem(partial(_search, asked)) for asked in batch]


def _answer(asked: Asked) -> dict[str, Any]:
    return answer_as_json(answer_question(asked))


def _search(asked: Asked) -> dict[str, Any]:
    return search_as_json(search(asked))


def _or_problem(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return act()
    except RagError as exc:
        return {"error": problem_of(exc)[1]}
