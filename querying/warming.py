"""Asks a corpus again what it is asked most, so that the next to ask waits for no model.

An answer is found by who has the same rights as the one it was made for. So the questions are asked as the rights
demand that most askers have: as nobody where the corpus is public, else as a member of its tenant without any role
beyond reading. Nobody is given what they could not have asked for themselves.
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
from querying.caching.popular_questions import AskedOften, most_asked
from querying.types import Answer, AnswerMode, Question
from ragsite.deadline import Deadline
from ragsite.errors import RagError
from ragsite.ollama import Lane
from ragsite.postgres.thread_connection import release_connection

MEMBERS_LOOKED_AT = 200
GIVE_UP_AFTER = 3  # failures in a row: then the model is away, and the rest would fail too
GIVEN_AGAIN = {AnswerMode.CACHED, AnswerMode.CACHED_SEMANTIC}


class Outcome(enum.StrEnum):
    """What became of a question."""

    WARMED = "warmed"  # answered, and kept
    FRESH = "fresh"  # a cache has the answer
    NOT_KEPT = "not_kept"  # the documents hold no answer
    FAILED = "failed"  # less than this server is set up to give, or nothing
    LEFT = "left"  # not asked: too many failed before, or there is no more time


@dataclass(frozen=True)
class Warmed:
    """One question."""

    question: str
    times: int
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True)
class Report:
    """All questions of a corpus. `scope`: for whom the answers are; empty: for nobody, so nothing was asked."""

    corpus: str
    scope: str
    questions: Sequence[Warmed] = field(default_factory=tuple)

    def count(self, outcome: Outcome) -> int:
        """Return how many questions ended like this."""
        return sum(each.outcome is outcome for each in self.questions)

    @property
    def has_failed(self) -> bool:
        """Return whether a question could not be answered as it should be."""
        return any(each.outcome in {Outcome.FAILED, Outcome.LEFT} for each in self.questions)


@dataclass(frozen=True)
class Scope:
    """Who asks, in words and as a principal."""

    name: str
    principal: Principal


def warm(
    corpus: Corpus,
    *,
    top: int,
    days: float,
    on_start: Callable[[int], None] = lambda count: None,
    on_question: Callable[[Warmed], None] = lambda warmed: None,
    keep_going: Callable[[], bool] = lambda: True,
) -> Report:
    """Ask the corpus its most asked questions, and return what became of each. Takes as long as the model needs."""
    scope = scope_of(corpus)
    questions = most_asked(corpus.pk, days=days, top=top) if scope else []
    on_start(len(questions))
    done: list[Warmed] = []
    failed_in_a_row = 0
    for often in questions:
        assert scope is not None
        if failed_in_a_row >= GIVE_UP_AFTER or not keep_going():
            warmed = Warmed(often.question, often.times, Outcome.LEFT)
        else:
            warmed = _warm_one(corpus, scope.principal, often)
            failed_in_a_row = failed_in_a_row + 1 if warmed.outcome is Outcome.FAILED else 0
        done.append(warmed)
        on_question(warmed)
    return Report(str(corpus.slug), scope.name if scope else "", tuple(done))


def scope_of(corpus: Corpus) -> Scope | None:
    """Return who is to ask: who has the rights that most of those have who may ask the corpus; None: nobody may."""
    if readable_corpora(NOBODY).filter(pk=corpus.pk).exists():
        return Scope("everybody", NOBODY)
    readers = _plain_readers(corpus)
    operator = Principal(User(is_superuser=True))
    if not readers and fingerprint_of(operator, [corpus]).is_open:
        return Scope("everybody who may ask it", operator)  # no document is closed, so their answers are the same
    by_rights: dict[str, list[Principal]] = {}
    for principal in readers:
        rights = json.dumps(fingerprint_of(principal, [corpus]).rights, sort_keys=True)
        by_rights.setdefault(rights, []).append(principal)
    if not by_rights:
        return None
    rights = Counter({rights: len(alike) for rights, alike in by_rights.items()}).most_common(1)[0][0]
    return Scope(f"{len(by_rights[rights])} of {len(readers)} members", by_rights[rights][0])


def _plain_readers(corpus: Corpus) -> list[Principal]:
    """Return the members who may ask the corpus; managers may read more than others, and their answers are theirs."""
    members = User.objects.filter(memberships__tenant=corpus.tenant_id, is_active=True, is_superuser=False)
    plain = members.exclude(memberships__role=Membership.Role.MANAGER).distinct().order_by("pk")[:MEMBERS_LOOKED_AT]
    principals = [Principal.of(user) for user in plain]
    return [each for each in principals if readable_corpora(each).filter(pk=corpus.pk).exists()]


def _warm_one(corpus: Corpus, principal: Principal, often: AskedOften) -> Warmed:
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
            return Warmed(often.question, often.times, Outcome.FRESH)
        answer = answer_question(question, is_recorded=False)
    except RagError as exc:
        return Warmed(often.question, often.times, Outcome.FAILED, exc.code)
    finally:
        release_connection()
    return Warmed(often.question, often.times, _outcome_of(answer), ", ".join(each.code for each in answer.reasons))


def _outcome_of(answer: Answer) -> Outcome:
    if answer.mode in GIVEN_AGAIN:
        return Outcome.FRESH
    if is_worth_keeping(answer):
        return Outcome.WARMED
    return Outcome.FAILED if answer.degraded else Outcome.NOT_KEPT
