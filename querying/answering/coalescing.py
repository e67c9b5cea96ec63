"""Coalesces identical questions: one of them is answered, and the others get the same answer while it is made.

In this order: this process's memory; the same question in this process right now (`single_flight`); the same question
in another process (`claims`); Redis and Postgres (`answer_lookup`). Identical questions have equal keys, so what one of
them may read, all may.
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
from querying.answering.single_flight import FinalEvent, Flights, Generation, Member
from querying.cachestore.hit_counters import count, count_question
from querying.cachestore.memory import CachedEntry
from querying.caching.answers import Made, is_worth_keeping, keep_in_memory, keep_shared, keys_if_cacheable
from querying.caching.keys import Keys
from querying.caching.semantic import find_alike
from querying.timings import milliseconds_since
from querying.types import HEARTBEAT, Answer, CacheReport, Event, Question
from ragsite.performance import observe_stage
from ragsite.postgres.thread_connection import release_connection

POLL_SECONDS, POLL_SECONDS_MAX = 0.05, 0.25  # how often to look whether another process has the answer
GIVE_UP_SHARE = 0.25  # of a short deadline: the time left in which a reader that waited in vain makes its own answer
# Reasons that say something of the leader's own luck, and nothing of what the others would get.
OWN_LUCK = frozenset({"answer_cut", "shutting_down"})
# ... unless one of these cut the answer: asked again, most models write the same, and each follower would wait for it.
OWN_FAULT = frozenset({"token_limit", "repetition"})
Events = Generator[Event, None, Answer | None]


@dataclass(frozen=True)
class SharedResult:
    """An answer for all that ask the same, and how much time there was to make it."""

    answer: Answer
    allowance_seconds: float
    at: float  # on the monotonic clock
    entry: CachedEntry | None
    similarity: float | None = None  # None: it was asked in the same words

    def is_for(self, question: Question) -> bool:
        """Return whether this would be the answer to another identical question: more time may get a better one."""
        if not self.answer.degraded:
            return True
        codes = {reason.code for reason in self.answer.reasons}
        if OWN_LUCK & codes and not OWN_FAULT & codes:
            return False
        return self.allowance_seconds >= 0.9 * _allowance(question)


_flights: Flights[Event, SharedResult] = Flights()


class Coalescer:
    """One question among those that are identical to it.

    `question` is the question with the access fingerprint that its keys are made of. `has_read_along`: its reader has
    got the events of an answer while it was made, and is to get no more text of another one.
    """

    def __init__(self, question: Question, keys: Keys | None, *, is_streamed: bool) -> None:
        self.question = question if keys is None else replace(question, standing=keys.standing)
        self.has_read_along = False
        self._keys = keys
        self._is_streamed = is_streamed
        self._lookup = None if keys is None else AnswerLookup(question, keys)
        self._claim = None if keys is None else Claim(keys.exact, question.id)
        self._member: Member[Event, SharedResult] | None = None  # None: alone
        self._vector: np.ndarray | None = None

    def cached(self) -> Answer | None:
        """Return the answer if a cache has it. If none has, this question joins the identical ones under way."""
        if self._lookup is None or self._keys is None:
            return None
        began = time.monotonic()
        answer = self._lookup.in_memory()
        if answer is None:
            # A batch may wait long for a model; a person who asks the same does not wait for it.
            self._member = _flights.board(f"{self._keys.exact}/{self.question.lane.name}")
            answer = self._look_as_leader() if self._member.leads else None
        observe_stage("cache", time.monotonic() - began)
        return answer

    def same_question_elsewhere(self) -> Events:
        """Return the answer that is being made to an identical question, here or in another process.

        Yields its events as they come, also those that came before. None: it is to be made by this one.
        Raises the leader's error when several of them failed.
        """
        while (member := self._member) is not None and not (self._claim and self._claim.is_held):
            if self._seconds_to_wait() <= 0:
                self._leave()  # alone, within the time that is left
                break
            answer = yield from (self._wait_for_process() if member.leads else self._follow(member))
            if answer is not None:
                return answer
        return None

    def paraphrase(self) -> Answer | None:
        """Return the answer to the same question in other words, and give it to all identical ones."""
        if self._member is None or self._keys is None or self._lookup is None:
            return None
        alike = find_alike(self.question, self._keys)
        self._vector = alike.vector
        answer = self._lookup.given(alike.kept, alike.similarity)
        if answer is not None:
            self._land(answer, alike.kept, alike.similarity)
        return answer

    def write_for_all(self, writing: Generator[Event, None, Answer]) -> Generator[Event, None, Answer]:
        """Return the answer that is written, and publish it; its events go to all identical questions.

        The generation lives until the last of its readers has left: see `single_flight`.
        """
        member = self._member = self._member or _flights.alone()
        claim, self._claim = self._claim, None  # from now on that of the generation
        member.start(self._generation(writing, claim))
        result = yield from self._read(member)
        assert result is not None, "a generation that fails raises in its starter"
        return result.answer

    def finish(self, error: BaseException | None = None) -> None:
        """Leave the identical questions: with the error, if this one failed."""
        try:
            self._leave(error)
        finally:
            if self._keys is not None and self._lookup is not None:
                release_connection()
                count_question(hit=self._lookup.has_hit, corpora=self._keys.standing.ids)

    def _generation(
        self, writing: Generator[Event, None, Answer], claim: Claim | None
    ) -> Generation[Event, SharedResult]:
        """Write the answer, and publish it: in memory, to all readers, then to the other processes.

        Each step is run in the thread of whichever reader is the first to want it.
        """
        try:
            answer = yield from writing
            made: Made | None = None
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
        """Read along with the identical question that leads, or wait until it has found an answer."""
        release_connection()
        while (seconds := self._seconds_to_wait()) > 0:
            if not member.wait(min(settings.STREAM_HEARTBEAT_SECONDS, seconds)):
                yield HEARTBEAT
            elif member.leads:
                return self._look_as_leader()
            else:
                result = member.result or (yield from self._read(member, until=time.monotonic() + seconds))
                if result is not None:
                    return self._shared(result, member)
        return None

    def _read(
        self, member: Member[Event, SharedResult], *, until: float = math.inf
    ) -> Generator[Event, None, SharedResult | None]:
        """Read a generation along: silently, if the reader has had text of another one, which can't be taken back."""
        is_live, self.has_read_along = self._is_streamed and not self.has_read_along, True
        return (yield from member.read_along(until=until, live=is_live))

    def _shared(self, result: SharedResult, member: Member[Event, SharedResult]) -> Answer | None:
        """Return a result as the answer to this question; None: this one needs its own."""
        assert self._keys is not None and self._lookup is not None
        # A reader that was told of the shutdown itself would have no better luck.
        is_for = result.is_for(self.question) or member.was_interrupted
        count("flight", hit=is_for, corpora=self._keys.standing.ids)
        if not is_for:
            self._leave()
            member = self._member = _flights.board(f"{self._keys.exact}/{self.question.lane.name}")
            return self._look_as_leader() if member.leads else None
        if result.entry is not None:
            answer = self._lookup.given(result.entry, result.similarity)
            if answer is None:
                self._leave()  # alone
            return answer
        self._lookup.has_hit = True
        age_seconds = time.monotonic() - result.at + (result.answer.cache.age_seconds or 0.0)  # an older one may land
        # Not as good as it should be, so nobody else is given it; but those who waited would only get the same.
        return replace(
            result.answer,
            id=self.question.id,
            usage=None,
            timings_ms={"total": milliseconds_since(self.question.started)},
            cache=CacheReport(hit=True, similarity=1.0, age_seconds=round(age_seconds, 3)),
        )

    def _look_as_leader(self) -> Answer | None:
        """Claim the answer, or find it. In this order: between the two, another process may have made it."""
        assert self._claim is not None and self._lookup is not None
        self._claim.take()
        found = self._lookup.in_stores()
        if found is None:
            return None
        entry, answer = found
        self._land(answer, entry)
        return answer

    def _wait_for_process(self) -> Events:
        """Look again and again whether the process that makes the answer has finished, or given up."""
        pause, beat_at = POLL_SECONDS, time.monotonic() + settings.STREAM_HEARTBEAT_SECONDS
        while self._seconds_to_wait() > 0:
            release_connection()
            time.sleep(self.question.deadline.cap(pause))
            pause = min(pause * 1.5, POLL_SECONDS_MAX)
            answer = self._look_as_leader()
            if answer is not None or (self._claim and self._claim.is_held):
                return answer
            if time.monotonic() >= beat_at:
                beat_at += settings.STREAM_HEARTBEAT_SECONDS
                yield HEARTBEAT
        return None

    def _land(self, answer: Answer, entry: CachedEntry | None, similarity: float | None = None) -> None:
        if self._member is not None:
            self._member.land(SharedResult(answer, _allowance(self.question), time.monotonic(), entry, similarity))

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
    """Coalesce a question with identical ones until the block ends."""
    flight = Coalescer(question, keys_if_cacheable(question), is_streamed=is_streamed)
    try:
        yield flight
    except BaseException as exc:
        flight.finish(exc if isinstance(exc, Exception) else None)  # that the reader has left is no failure of the work
        raise
    flight.finish()


def _allowance(question: Question) -> float:
    return question.deadline.at - question.started
