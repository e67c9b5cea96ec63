"""Warms the caches of a corpus: answers its most frequent questions again, so that the next reader need not wait.

A cached answer is only served to readers with the same rights as the one it was computed for. So the questions are
asked with the rights of most readers: anonymously if the corpus is public, else as a member of its tenant who may only
read. No reader gets an answer that they could not have got themselves.
"""

from __future__ import annotations

import enum
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.models import User

from documents.access.policy import NOBODY, Principal, readable_corpora
from documents.access.question_scope import fingerprint_of
from documents.models import Corpus, Membership
from querying.answering.pipeline import answer_question
from querying.api.reading import default_mode, default_top_k
from querying.caching import answer_table
from querying.caching.answers import is_worth_keeping
from querying.caching.keys import keys_of
from querying.caching.popular_questions import PopularQuestion, most_asked
from querying.types import Answer, AnswerMode, Question
from ragsite.deadline import Deadline
from ragsite.errors import RagError
from ragsite.ollama import Lane
from ragsite.postgres.thread_connection import release_connection

MEMBERS_LOOKED_AT = 200
GIVE_UP_AFTER = 3  # failures in a row: the model is unavailable then, and the rest would fail too
GIVEN_AGAIN = {AnswerMode.CACHED, AnswerMode.CACHED_SEMANTIC}


class WarmingOutcome(enum.StrEnum):
    """The result of warming one question."""

    WARMED = "warmed"  # answered, and cached
    FRESH = "fresh"  # the answer is cached already
    NOT_KEPT = "not_kept"  # the documents hold no answer
    FAILED = "failed"  # a degraded answer, or none
    LEFT = "left"  # not asked: too many failed before, or there is no more time


@dataclass(frozen=True)
class WarmedQuestion:
    """One question, and the result of warming it."""

    question: str
    times: int
    outcome: WarmingOutcome
    why: str = ""


@dataclass(frozen=True)
class Report:
    """All questions of a corpus. `scope`: the readers that the answers are for; empty: none, so nothing was asked."""

    corpus: str
    scope: str
    questions: Sequence[WarmedQuestion] = field(default_factory=tuple)

    def count(self, outcome: WarmingOutcome) -> int:
        """Return the number of questions with this outcome."""
        return sum(each.outcome is outcome for each in self.questions)

    @property
    def has_failed(self) -> bool:
        """Return whether a question failed or was left out."""
        return any(each.outcome in {WarmingOutcome.FAILED, WarmingOutcome.LEFT} for each in self.questions)


@dataclass(frozen=True)
class TypicalReader:
    """A principal with the rights of most readers, and who they are, in words."""

    name: str
    principal: Principal


def warm(
    corpus: Corpus,
    *,
    top: int,
    days: float,
    on_start: Callable[[int], None] = lambda count: None,
    on_question: Callable[[WarmedQuestion], None] = lambda warmed: None,
    keep_going: Callable[[], bool] = lambda: True,
) -> Report:
    """Answer the most frequent questions of the corpus, and report on each. Takes as long as the model needs."""
    reader = typical_reader_of(corpus)
    questions = most_asked(corpus.pk, days=days, top=top) if reader else []
    on_start(len(questions))
    done: list[WarmedQuestion] = []
    failed_in_a_row = 0
    for often in questions:
        assert reader is not None
        if failed_in_a_row >= GIVE_UP_AFTER or not keep_going():
            warmed = WarmedQuestion(often.question, often.times, WarmingOutcome.LEFT)
        else:
            warmed = _warm_one(corpus, reader.principal, often)
            failed_in_a_row = failed_in_a_row + 1 if warmed.outcome is WarmingOutcome.FAILED else 0
        done.append(warmed)
        on_question(warmed)
    return Report(str(corpus.slug), reader.name if reader else "", tuple(done))


def typical_reader_of(corpus: Corpus) -> TypicalReader | None:
    """Return a reader with the rights that most readers of the corpus have; None: no reader may ask it."""
    if readable_corpora(NOBODY).filter(pk=corpus.pk).exists():
        return TypicalReader("everybody", NOBODY)
    readers = _plain_readers(corpus)
    operator = Principal(User(is_superuser=True))
    if not readers and fingerprint_of(operator, [corpus]).is_open:
        return TypicalReader(
            "everybody who may ask it", operator
        )  # no document is closed, so all readers get the same answers
    by_rights: dict[str, list[Principal]] = {}
    for principal in readers:
        rights = json.dumps(fingerprint_of(principal, [corpus]).rights, sort_keys=True)
        by_rights.setdefault(rights, []).append(principal)
    if not by_rights:
        return None
    rights = Counter({rights: len(alike) for rights, alike in by_rights.items()}).most_common(1)[0][0]
    return TypicalReader(f"{len(by_rights[rights])} of {len(readers)} members", by_rights[rights][0])


def _plain_readers(corpus: Corpus) -> list[Principal]:
    """Return the members who may ask the corpus, without managers, whose rights are wider."""
    members = User.objects.filter(memberships__tenant=corpus.tenant_id, is_active=True, is_superuser=False)
    plain = members.exclude(memberships__role=Membership.Role.MANAGER).distinct().order_by("pk")[:MEMBERS_LOOKED_AT]
    principals = [Principal.of(user) for user in plain]
    return [each for each in principals if readable_corpora(each).filter(pk=corpus.pk).exists()]


def _warm_one(corpus: Corpus, principal: Principal, often: PopularQuestion) -> WarmedQuestion:
    question = Question(
        text=often.question,
        corpora=(corpus,),
        principal=principal,
        deadline=Deadline.after(float(settings.DEADLINE_SECONDS)),
        top_k=default_top_k(corpus),
        mode=default_mode(corpus),
        lane=Lane.BATCH,
    )
    try:
        if answer_table.load(keys_of(question).exact) is not None:
            return WarmedQuestion(often.question, often.times, WarmingOutcome.FRESH)
        answer = answer_question(question, is_recorded=False)
    except RagError as exc:
        return WarmedQuestion(often.question, often.times, WarmingOutcome.FAILED, exc.code)
    finally:
        release_connection()
    return WarmedQuestion(
        often.question, often.times, _outcome_of(answer), ", ".join(each.code for each in answer.reasons)
    )


def _outcome_of(answer: Answer) -> WarmingOutcome:
    if answer.mode in GIVEN_AGAIN:
        return WarmingOutcome.FRESH
    if is_worth_keeping(answer):
        return WarmingOutcome.WARMED
    return WarmingOutcome.FAILED if answer.degraded else WarmingOutcome.NOT_KEPT
