"""A claim lives as long as its answer is being computed, and no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import caches
from pytest_django import DjangoAssertNumQueries, Settings

from monitoring.lab.testbed.redis_server import RedisProcess
from querying.answering import claims
from querying.answering.claims import CLAIM_SECONDS, Claim, release, renew, take
from querying.cachestore import background_writer
from querying.models import AnswerClaim
from tests.redis import redis_server, with_redis

__all__ = ["redis_server", "with_redis"]
pytestmark = pytest.mark.django_db(transaction=True)
NEARLY_OVER = timedelta(seconds=1)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every claim is due for renewal."""
    monkeypatch.setattr(claims, "RENEW_SECONDS", 0)


def seconds_left(key: str) -> float:
    return (AnswerClaim.objects.get(key=key).expires_at - datetime.now(UTC)).total_seconds()


def taken(key: str = "key", owner: UUID | None = None) -> UUID:
    """Take a claim whose time is nearly over; return whose it is."""
    owner = owner or uuid4()
    assert take(key, owner)
    AnswerClaim.objects.filter(key=key).update(expires_at=datetime.now(UTC) + NEARLY_OVER)
    return owner


def test_what_is_held_is_renewed(at_once: None) -> None:
    taken("one")
    taken("two")
    renew()
    assert min(seconds_left("one"), seconds_left("two")) > CLAIM_SECONDS / 2


def test_the_background_does_it(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(background_writer, "begin", lambda: begun.append(True))
    taken()
    assert begun
    background_writer.store_now()
    assert seconds_left("key") > CLAIM_SECONDS / 2


def test_most_answers_cost_no_renewal(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    taken()
    with django_assert_num_queries(0):
        renew()


def test_what_was_given_back_or_lost_to_another_process_is_not_renewed(at_once: None) -> None:
    owner, other = taken("released"), uuid4()
    release("released", owner)
    assert not claims.held_keys()
    taken("lost")
    AnswerClaim.objects.filter(key="lost").update(owner=other)
    renew()
    assert not AnswerClaim.objects.filter(key="released").exists()
    assert seconds_left("lost") < NEARLY_OVER.total_seconds()


def test_who_is_refused_holds_nothing(at_once: None) -> None:
    owner = taken()
    claims.forget_all()  # as in another process
    assert not take("key", uuid4())
    assert not claims.held_keys()
    release("key", owner)


def test_a_claim_that_is_never_released_expires(at_once: None, settings: Settings) -> None:
    taken()
    settings.DEADLINE_MAX_SECONDS = 0
    renew()
    assert seconds_left("key") < NEARLY_OVER.total_seconds()
    assert not claims.held_keys()


def test_a_questions_claim_is_given_back_once_and_only_if_it_is_held() -> None:
    one, other = Claim("key", uuid4()), Claim("key", uuid4())
    one.take()
    other.take()
    assert (one.is_held, other.is_held) == (True, False)
    other.release()
    assert AnswerClaim.objects.exists()
    one.release()
    one.release()
    assert (one.is_held, AnswerClaim.objects.exists()) == (False, False)
    other.take()
    assert other.is_held


@pytest.mark.redis
def test_with_redis_too(at_once: None, with_redis: RedisProcess) -> None:
    cache: Any = caches["default"]
    for key in ("held", "lost"):
        assert take(key, uuid4())
        cache.touch(f"claim:{key}", 1)
    cache.set("claim:lost", str(uuid4()), timeout=1)
    renew()
    assert cache.ttl("claim:held") > CLAIM_SECONDS / 2
    assert (cache.ttl("claim:lost") or 0) <= 1
