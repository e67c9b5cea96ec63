"""One question among others like it: answered from a cache, together with an identical one, or for all of them.

In this order: this process's memory; somebody here who asks the same right now; another process that does; Redis and
Postgres. Whoever finds nothing anywhere makes the answer, and lands it for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from django.conf import settings

from querying import claims
from querying.beating import beating
from querying.cache_keys import Keys
from querying.caching import (
    Made,
    find_in_memory,
    find_shared,
    given_again,
    is_worth_keeping,
    keep_in_memory,
    keep_shared,
    keys_if_cacheable,
    may_be_given,
    note_hit,
)
from querying.hit_rate import count, count_question
from querying.ladder import MIN_GENERATION_SECONDS
from querying.memory_cache import CachedEntry
from querying.retrieval import Retrieved
from querying.semantic_cache import Alike, find_alike
from querying.single_flight import Flights, Seat
from querying.timings import milliseconds_since
from querying.values import HEARTBEAT, Answer, CacheReport, Question, Writing
from ragsite.database_connection import release_connection
from ragsite.performance import observe_stage

POLL_SECONDS, POLL_SECONDS_MAX = 0.05, 0.25  # how often to look whether another process has the answer
GIVE_UP_SHARE = 0.25  # of a short deadline, for an answer of one's own when waiting was in vain
# Reasons that say something of the leader's own luck, and nothing of what the others would get.
OWN_LUCK = frozenset({"answer_cut", "shutting_down"})
# ... unless one of these cut the answer: asked again, most models write the same, and each follower would wait for it.
OWN_FAULT = frozenset({"token_limit", "repetition"})


@dataclass(frozen=True)
class Landed:
    """What a leader made, and how much time it had for it."""

    answer: Answer
    allowance_seconds: float
    at: float  # on the monotonic clock
    kept: CachedEntry | None
    similarity: float | None = None  # None: it was asked in the same words

    def is_for(self, question: Question) -> bool:
        """Return whether this would be the answer to somebody else's same question: more time may get a better one."""
        if not self.answer.degraded:
            return True
        codes = {reason.code for reason in self.answer.reasons}
        if OWN_LUCK & codes and not OWN_FAULT & codes:
            return False
        return self.allowance_seconds >= 0.9 * _allowance(question)


_flights: Flights[Landed] = Flights()
T = TypeVar("T")


class Sharing:
    """How one question shares with others. `found`: the answer, when a cache had it."""

    def __init__(self, question: Question, keys: Keys | None, *, is_streamed: bool) -> None:
        self.keys = keys
        self.question = question if keys is None else replace(question, standing=keys.standing)  # which was a query
        self.found: Answer | None = None
        self._question = question
        self._is_streamed = is_streamed
        self._seat: Seat[Landed] | None = None
        self._has_claim = False
        self._made: Made | None = None
        self._vector: np.ndarray | None = None
        self._began = time.monotonic()
        self._was_spared = False

    def look(self) -> None:
        """Look into the caches, and take a seat among those who wait if there is nothing."""
        if self.keys is None:
            return
        self.found = self._given(find_in_memory(self.keys))
        if self.found is None:
            self._board()
            if self._leads:
                self.found = self._look_as_leader()
        observe_stage("cache", time.monotonic() - self._began)

    def follow(self, search: Callable[[], Retrieved]) -> Writing[Answer | Retrieved]:
        """Wait for somebody else's answer, and return it; or what `search` found, to make it here.

        Raises what `search` does, and what the leaders raised when several of them failed.
        """
        while self._seat is not None and not self._has_claim:
            if not self._has_time():
                self._leave()  # alone, within the time that is left
                break
            if self._leads:
                answer = yield from self._wait_for_process()
            else:
                answer = yield from self._wait_for_leader()
            if answer is not None:
                return answer
        found = (yield from self._look_for_alike(search)) if self._leads else None
        return found or (yield from self._do(search))

    def _look_for_alike(self, search: Callable[[], Retrieved]) -> Writing[Answer | Retrieved | None]:
        """Return the answer to the same question in other words, for all who wait; or what the search found.

        Both in one go: nearly always there is no such answer, and beside a stream a change of threads has its price.
        """
        question, keys = self._question, self.keys
        assert keys is not None

        def look() -> tuple[Alike, Retrieved | None]:
            alike = find_alike(question, keys)
            return alike, search() if alike.kept is None else None

        release_connection()
        alike, retrieved = yield from self._do(look)
        self._vector = alike.vector
        answer = self._given(alike.kept, alike.similarity)
        if answer is not None and self._seat is not None:
            self._seat.land(Landed(answer, _allowance(question), time.monotonic(), alike.kept, alike.similarity))
        return answer or retrieved

    def _do(self, act: Callable[[], T]) -> Writing[T]:
        """Return what `act` returns; with signs of life, if there is somebody who waits for them."""
        return (yield from beating(act, self._question.deadline)) if self._is_streamed else act()

    def land(self, answer: Answer) -> None:
        """Give an answer that was made here to all who wait for it."""
        if self.keys is None:
            return
        self._made = keep_in_memory(self.keys, answer) if is_worth_keeping(answer) else None
        kept = self._made.kept if self._made is not None else None
        if self._seat is not None:
            self._seat.land(Landed(answer, _allowance(self._question), time.monotonic(), kept))

    def finish(self, error: BaseException | None = None) -> None:
        """Store what was made for the other processes, and leave."""
        try:
            if self.keys is not None and self._made is not None:
                keep_shared(self.keys, self._made, self._vector)
        finally:
            self._leave(error)
            if self.keys is not None:
                release_connection()
                count_question(hit=self._was_spared, corpora=self._corpora)

    @property
    def _corpora(self) -> list[int]:
        return [] if self.keys is None else self.keys.standing.ids

    @property
    def _leads(self) -> bool:
        return self._seat is not None and self._seat.leads

    def _board(self) -> None:
        assert self.keys is not None
        # A batch may wait long for a model; who asks in person doesn't wait for it.
        self._seat = _flights.board(f"{self.keys.exact}/{self._question.lane.name}")

    def _leave(self, error: BaseException | None = None) -> None:
        if self._has_claim and self.keys is not None:
            self._has_claim = False
            claims.release(self.keys.exact, self._question.id)
        if self._seat is not None:
            self._seat.leave(error)
            self._seat = None

    def _look_as_leader(self) -> Answer | None:
        """Claim the answer, or find it. In this order: between the two, another process may have made it."""
        assert self.keys is not None
        self._has_claim = claims.take(self.keys.exact, self._question.id)
        kept = find_shared(self.keys)
        answer = self._given(kept)
        if answer is not None and self._seat is not None:
            self._seat.land(Landed(answer, _allowance(self._question), time.monotonic(), kept))
        return answer

    def _wait_for_process(self) -> Writing[Answer | None]:
        """Look again and again whether the process that makes the answer has finished, or given up."""
        pause, beat_at = POLL_SECONDS, time.monotonic() + settings.STREAM_HEARTBEAT_SECONDS
        while self._has_time():
            release_connection()
            time.sleep(self._question.deadline.cap(pause))
            pause = min(pause * 1.5, POLL_SECONDS_MAX)
            answer = self._look_as_leader()
            if answer is not None or self._has_claim:
                return answer
            if time.monotonic() >= beat_at:
                beat_at += settings.STREAM_HEARTBEAT_SECONDS
                yield HEARTBEAT
        return None

    def _wait_for_leader(self) -> Writing[Answer | None]:
        release_connection()
        assert self._seat is not None
        while self._has_time():
            if not self._seat.wait(min(settings.STREAM_HEARTBEAT_SECONDS, self._seconds_to_wait())):
                yield HEARTBEAT
                continue
            landed = self._seat.result
            if landed is None:  # the lead is handed on
                return self._look_as_leader()
            count("flight", hit=landed.is_for(self._question), corpora=self._corpora)
            if landed.is_for(self._question):
                answer = self._shared(landed)
                if answer is None:
                    self._leave()
                return answer
            self._leave()
            self._board()
            return self._look_as_leader() if self._leads else None
        return None

    def _shared(self, landed: Landed) -> Answer | None:
        if landed.kept is not None:
            return self._given(landed.kept, landed.similarity)
        self._was_spared = True
        age_seconds = time.monotonic() - landed.at + (landed.answer.cache.age_seconds or 0.0)  # an older one may land
        # Not as good as it should be, so nobody else is given it; but those who waited would only get the same.
        return replace(
            landed.answer,
            id=self._question.id,
            usage=None,
            timings_ms={"total": milliseconds_since(self._question.started)},
            cache=CacheReport(hit=True, similarity=1.0, age_seconds=round(age_seconds, 3)),
        )

    def _given(self, kept: CachedEntry | None, similarity: float | None = None) -> Answer | None:
        assert self.keys is not None
        if kept is None or not may_be_given(self._question, self.keys, kept.answer):
            return None
        self._was_spared = True
        note_hit(self.keys)
        return given_again(self._question, kept, similarity)

    def _has_time(self) -> bool:
        return self._seconds_to_wait() > 0

    def _seconds_to_wait(self) -> float:
        reserve = min(MIN_GENERATION_SECONDS, GIVE_UP_SHARE * _allowance(self._question))
        return self._question.deadline.remaining() - reserve


@contextmanager
def sharing(question: Question, *, is_streamed: bool) -> Iterator[Sharing]:
    """Share a question with others who ask the same, until the block ends."""
    share = Sharing(question, keys_if_cacheable(question), is_streamed=is_streamed)
    try:
        share.look()
        yield share
    except BaseException as exc:
        share.finish(exc if isinstance(exc, Exception) else None)  # that the reader has left is no failure of the work
        raise
    share.finish()


def _allowance(question: Question) -> float:
    return question.deadline.at - question.started
