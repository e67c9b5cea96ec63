"""Coalesces identical questions: one request computes the answer, concurrent duplicates stream it along.

A question is looked for in this order: in the memory of this process; among the requests under way in this process
(`single_flight`); in Redis and Postgres (`answer_lookup`); among the requests of other processes (`claims`). Identical
questions have equal keys, which hold the reader's rights: what one of them may read, all may.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from django.conf import settings

from querying.answering.answer_lookup import AnswerLookup
from querying.answering.claims import Claim
from querying.answering.ladder import MIN_GENERATION_SECONDS
from querying.answering.single_flight import FinalEvent, Generation, Member, SingleFlight
from querying.cachestore.hit_counters import count, count_question
from querying.cachestore.memory import CachedEntry
from querying.caching.answers import NewEntry, is_worth_keeping, keep_in_memory, keep_shared, keys_if_cacheable
from querying.caching.keys import Keys
from querying.caching.semantic import find_alike
from querying.timings import milliseconds_since
from querying.types import HEARTBEAT, Answer, CacheReport, Event, Question
from ragsite.performance import observe_stage
from ragsite.postgres.thread_connection import release_connection

POLL_SECONDS, POLL_SECONDS_MAX = 0.05, 0.25  # how often to look whether another process has the answer
GIVE_UP_SHARE = 0.25  # of a short deadline: reserved for an answer of its own if the wait is in vain
# Reasons that concern the leader alone: another request may well get a better answer.
LEADER_REASONS = frozenset({"answer_cut", "shutting_down"})
# ... unless one of these cut the answer: most models would write the same again, and each follower would wait for it.
MODEL_REASONS = frozenset({"token_limit", "repetition"})
Events = Generator[Event, None, Answer | None]


@dataclass(frozen=True)
class SharedResult:
    """An answer for all identical questions, and the time that its request had."""

    answer: Answer
    allowance_seconds: float
    at: float  # on the monotonic clock
    entry: CachedEntry | None
    similarity: float | None = None  # None: it was asked in the same words

    def suits(self, question: Question) -> bool:
        """Return whether an identical question would get no better answer: one with more time may."""
        if not self.answer.degraded:
            return True
        codes = {reason.code for reason in self.answer.reasons}
        if LEADER_REASONS & codes and not MODEL_REASONS & codes:
            return False
        return self.allowance_seconds >= 0.9 * _allowance(question)


_single_flight: SingleFlight[Event, SharedResult] = SingleFlight()


class Coalescer:
    """One question, and its connection to the identical ones.

    `question` holds the access fingerprint that its keys are made of. `has_read_along`: its reader has got events of an
    answer as it was written, and must not get the text of another one.
    """

    def __init__(self, question: Question, keys: Keys | None, *, is_streamed: bool) -> None:
        self.question = question if keys is None else replace(question, standing=keys.standing)
        self.has_read_along = False
        self._keys = keys
        self._is_streamed = is_streamed
        self._lookup = None if keys is None else AnswerLookup(question, keys)
        self._claim = None if keys is None else Claim(keys.exact, question.id)
        self._member: Member[Event, SharedResult] | None = None  # None: not shared
        self._vector: np.ndarray | None = None

    def cached(self) -> Answer | None:
        """Return the cached answer. None: there is none, and this question has joined the identical ones under way."""
        if self._lookup is None or self._keys is None:
            return None
        began = time.monotonic()
        answer = self._lookup.in_memory()
        if answer is None:
            # A batch may wait long for a model; an interactive question must not wait for a batch.
            self._member = _single_flight.join(f"{self._keys.exact}/{self.question.lane.name}")
            answer = self._claim_and_look_up() if self._member.leads else None
        observe_stage("cache", time.monotonic() - began)
        return answer

    def same_question_elsewhere(self) -> Events:
        """Return the answer to an identical question under way, in this process or another one.

        Yields its events from the first one on. None: this question has to compute the answer.
        Raises the leader's error when several leaders failed.
        """
        while (member := self._member) is not None and not (self._claim and self._claim.is_held):
            if self._seconds_to_wait() <= 0:
                self._leave()  # computes its own, within the time that is left
                break
            answer = yield from (self._poll_other_process() if member.leads else self._follow(member))
            if answer is not None:
                return answer
        return None

    def paraphrase(self) -> Answer | None:
        """Return the cached answer to the same question in other words, and publish it to all identical ones."""
        if self._member is None or self._keys is None or self._lookup is None:
            return None
        alike = find_alike(self.question, self._keys)
        self._vector = alike.vector
        answer = self._lookup.answer_from(alike.kept, alike.similarity)
        if answer is not None:
            self._publish(answer, alike.kept, alike.similarity)
        return answer

    def write_for_all(self, writing: Generator[Event, None, Answer]) -> Generator[Event, None, Answer]:
        """Write the answer, yield its events to all identical questions, and return and publish it.

        The writing goes on until the last of its readers has left: see `single_flight`.
        """
        member = self._member = self._member or _single_flight.alone()
        claim, self._claim = self._claim, None  # the generation releases it
        member.start(self._generation(writing, claim))
        result = yield from self._read(member)
        assert result is not None, "a generation that fails raises in its starter"
        return result.answer

    def finish(self, error: BaseException | None = None) -> None:
        """Leave the identical questions, with the error if this one failed, and count a hit or a miss of the caches."""
        try:
            self._leave(error)
        finally:
            if self._keys is not None and self._lookup is not None:
                release_connection()
                count_question(hit=self._lookup.has_hit, corpora=self._keys.standing.ids)

    def _generation(
        self, writing: Generator[Event, None, Answer], claim: Claim | None
    ) -> Generation[Event, SharedResult]:
        """Write the answer, then publish it in memory, to all readers, and to the other processes, in this order.

        Each step runs in the thread of the first reader that needs it.
        """
        try:
            answer = yield from writing
            made: NewEntry | None = None
            if self._keys is not None and is_worth_keeping(answer):
                made = keep_in_memory(self._keys, answer)
            entry = None if made is None else made.kept
            yield FinalEvent(SharedResult(answer, _allowance(self.question), time.monotonic(), entry))
            if self._keys is not None and made is not None:
                keep_shared(self._keys, made, self._vector)
        finally:
            if claim is not None:
                claim.release()

    def _follow(self, member: Member[Event, SharedResult]) -> Events:
        """Read along with the question that leads, or wait until it has found an answer."""
        release_connection()
        while (seconds := self._seconds_to_wait()) > 0:
            if not member.wait(min(settings.STREAM_HEARTBEAT_SECONDS, seconds)):
                yield HEARTBEAT
            elif member.leads:
                return self._claim_and_look_up()
            else:
                result = member.result or (yield from self._read(member, until=time.monotonic() + seconds))
                if result is not None:
                    return self._answer_from(result, member)
        return None

    def _read(
        self, member: Member[Event, SharedResult], *, until: float = math.inf
    ) -> Generator[Event, None, SharedResult | None]:
        """Read a generation along; without its text, if the reader has text of another one already."""
        is_live, self.has_read_along = self._is_streamed and not self.has_read_along, True
        return (yield from member.read_along(until=until, live=is_live))

    def _answer_from(self, result: SharedResult, member: Member[Event, SharedResult]) -> Answer | None:
        """Return the result as the answer to this question; None: it needs one of its own."""
        assert self._keys is not None and self._lookup is not None
        # An interrupted generation means a shutdown: computing the answer again would be interrupted, too.
        suits = result.suits(self.question) or member.was_interrupted
        count("flight", hit=suits, corpora=self._keys.standing.ids)
        if not suits:
            self._leave()
            member = self._member = _single_flight.join(f"{self._keys.exact}/{self.question.lane.name}")
            return self._claim_and_look_up() if member.leads else None
        if result.entry is not None:
            answer = self._lookup.answer_from(result.entry, result.similarity)
            if answer is None:
                self._leave()
            return answer
        self._lookup.has_hit = True
        age_seconds = time.monotonic() - result.at + (result.answer.cache.age_seconds or 0.0)  # of a stale answer, too
        # A degraded answer is not cached; but those that waited for it would only get the same.
        return replace(
            result.answer,
            id=self.question.id,
            usage=None,
            timings_ms={"total": milliseconds_since(self.question.started)},
            cache=CacheReport(hit=True, similarity=1.0, age_seconds=round(age_seconds, 3)),
        )

    def _claim_and_look_up(self) -> Answer | None:
        """Claim the answer, then look for it: in this order, because another process may have just made it."""
        assert self._claim is not None and self._lookup is not None
        self._claim.take()
        found = self._lookup.in_stores()
        if found is None:
            return None
        entry, answer = found
        self._publish(answer, entry)
        return answer

    def _poll_other_process(self) -> Events:
        """Poll until the process that computes the answer has stored it, or has released its claim."""
        pause, beat_at = POLL_SECONDS, time.monotonic() + settings.STREAM_HEARTBEAT_SECONDS
        while self._seconds_to_wait() > 0:
            release_connection()
            time.sleep(self.question.deadline.cap(pause))
            pause = min(pause * 1.5, POLL_SECONDS_MAX)
            answer = self._claim_and_look_up()
            if answer is not None or (self._claim and self._claim.is_held):
                return answer
            if time.monotonic() >= beat_at:
                beat_at += settings.STREAM_HEARTBEAT_SECONDS
                yield HEARTBEAT
        return None

    def _publish(self, answer: Answer, entry: CachedEntry | None, similarity: float | None = None) -> None:
        if self._member is not None:
            self._member.publish(SharedResult(answer, _allowance(self.question), time.monotonic(), entry, similarity))

    def _leave(self, error: BaseException | None = None) -> None:
        if self._claim is not None:
            self._claim.release()
        if self._member is not None:
            self._member.leave(error)
            self._member = None

    def _seconds_to_wait(self) -> float:
        reserve = min(MIN_GENERATION_SECONDS, GIVE_UP_SHARE * _allowance(self.question))
        return self.question.deadline.remaining() - reserve


@contextmanager
def coalesced(question: Question, *, is_streamed: bool) -> Iterator[Coalescer]:
    """Yield the Coalescer of a question; at the end of the block it leaves the identical questions."""
    flight = Coalescer(question, keys_if_cacheable(question), is_streamed=is_streamed)
    try:
        yield flight
    except BaseException as exc:
        flight.finish(
            exc if isinstance(exc, Exception) else None
        )  # GeneratorExit: the reader left, which is no failure
        raise
    flight.finish()


def _allowance(question: Question) -> float:
    return question.deadline.at - question.started
