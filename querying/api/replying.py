"""Replies that are not streamed: one answer or a batch, within the limit of answer slots."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.http import HttpResponse

from querying.answering.memory_hit import answer_at_once
from querying.answering.pipeline import answer_question, search
from querying.api.representing import answer_as_json, cache_as_json, search_as_json
from querying.caching.answers import cached_reply
from querying.concurrency.answer_slots import take_slot
from querying.timings import milliseconds_since
from querying.types import Answer, CacheReport, Question
from ragsite.errors import RagError
from ragsite.postgres.thread_connection import release_connection
from ragsite.web.exception_handler import problem_of

ALWAYS = "json"
OWN = frozenset({"id", "cache", "timings_ms"})  # the fields that differ between replies with the same answer


def reply_at_once(question: Question) -> HttpResponse | None:
    """Return the reply to a question whose answer is in the memory of this process; None: it is not.

    The part that is the same in each reply is serialised once per cached answer: it is long, the rest is short.
    """
    kept = answer_at_once(question)
    if kept is None:
        return None
    if ALWAYS not in kept.written:
        whole = answer_as_json(cached_reply(question, kept))
        kept.written[ALWAYS] = _as_bytes({name: value for name, value in whole.items() if name not in OWN})[1:]
    own = {
        "id": str(question.id),
        "cache": cache_as_json(CacheReport(hit=True, similarity=1.0, age_seconds=round(kept.age_seconds, 3))),
        "timings_ms": {"total": milliseconds_since(question.started)},
    }
    return HttpResponse(_as_bytes(own)[:-1] + b"," + kept.written[ALWAYS], content_type="application/json")


def _as_bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def answer_one(question: Question) -> Answer:
    """Return the answer. Raises Overloaded when no answer slot gets free."""
    release_connection()  # none is held while this waits for a slot
    with take_slot(question.deadline):
        return answer_question(question)


def answer_all(batch: Sequence[Question]) -> list[dict[str, Any]]:
    """Return one answer per question, in their order; `{"error": problem}` where there is none.

    One after the other in one slot, so that a batch leaves the other slots to single questions.
    """
    release_connection()
    with take_slot(batch[0].deadline):
        return [_or_problem(partial(_answer, question)) for question in batch]


def search_all(batch: Sequence[Question]) -> list[dict[str, Any]]:
    """Return one search per question, in their order; `{"error": problem}` where it failed."""
    return [_or_problem(partial(_search, question)) for question in batch]


def _answer(question: Question) -> dict[str, Any]:
    return answer_as_json(answer_question(question))


def _search(question: Question) -> dict[str, Any]:
    return search_as_json(search(question))


def _or_problem(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return act()
    except RagError as exc:
        return {"error": problem_of(exc)[1]}
