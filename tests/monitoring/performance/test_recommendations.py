"""Each rule speaks when it should, and is silent when all is well."""

from __future__ import annotations

from typing import Any

import pytest

from monitoring.performance.recommendations import RULES, Measured, recommendations
from monitoring.tuning.connection_budget import ConnectionBudget
from ragsite.performance import Stats
from ragsite.postgres.pool_stats import PoolStats

POOL = PoolStats(pool_size=5, available=5, in_use=0, waiting=0, initialized=True)
BUSY = PoolStats(pool_size=5, available=0, in_use=5, waiting=7, initialized=True)
UNUSED = PoolStats(pool_size=5, available=5, in_use=0, waiting=0, initialized=False)
ENOUGH = ConnectionBudget(web_processes=2, ingestion_workers=1, pool_size=5, allowed=97)
SCARCE = ConnectionBudget(web_processes=8, ingestion_workers=2, pool_size=20, allowed=97)


def stages(name: str, p95_ms: float, *, count: int = 100) -> dict[str, Stats]:
    return {name: Stats(count, p95_ms / 2, p95_ms / 2, p95_ms, p95_ms)}


def measured(**fields: Any) -> Measured:
    return Measured(**{"pool": POOL, "budget": ENOUGH, "questions": 500, "cache_hit_rate": 0.4, **fields})


def test_when_all_is_well_nothing_is_recommended() -> None:
    assert recommendations(measured()) == []


CASES: list[tuple[dict[str, Any], str]] = [
    ({"pool": BUSY}, "raise DATABASE_POOL_SIZE from 5 to 12"),  # as many more as wait
    ({"pool_refused": 3}, "raise DATABASE_POOL_SIZE from 5 to 8"),  # nobody waits now
    ({"budget": SCARCE}, "= 213, but Postgres allows 97"),
    ({"pool": UNUSED}, "never used"),
    ({"breaker_openings": 2}, "opened 2 times"),
    ({"context_truncated": 4}, "OLLAMA_NUM_CTX"),
    ({"spaces_without_index": ["laws", "minutes"]}, "no vector index: laws, minutes"),
    ({"stages": stages("rag_lexical_fetch", 400)}, "rag_lexical_fetch takes 400 ms"),
    ({"stages": stages("rag_dense_fetch", 400)}, "rag_dense_fetch takes 400 ms"),
    ({"stages": stages("rag_prepare_query", 1500)}, "OLLAMA_KEEP_ALIVE"),
    ({"stages": stages("rag_generate", 21_000)}, "takes 21.0 s"),
    ({"caching_is_on": False, "cache_hit_rate": None}, "ENABLE_CACHING=true"),
    ({"cache_hit_rate": 0.01}, "1.0% of the questions"),
    ({"open_streams_share": 0.9}, "MAX_OPEN_STREAMS"),
]


@pytest.mark.parametrize(("fields", "words"), CASES)
def test_a_rule_says_what_to_change(fields: dict[str, Any], words: str) -> None:
    found = recommendations(measured(**fields))
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"cache_hit_rate": 0.01, "questions": 10},  # too few questions
        {"cache_hit_rate": None},  # none that could be cached
        {"stages": stages("rag_generate", 21_000, count=3)},  # too few samples
        {"stages": stages("rag_generate", 4_000)},
        {"stages": stages("rag_lexical_fetch", 20)},
        {"budget": None},  # Postgres is away
        {"open_streams_share": 0.5},
    ],
)
def test_a_rule_that_does_not_know_is_silent(fields: dict[str, Any]) -> None:
    assert recommendations(measured(**fields)) == []


def test_every_rule_has_a_case() -> None:
    spoken = {rule for rule in RULES for fields, _ in CASES if rule(measured(**fields)) is not None}
    assert spoken == set(RULES)


def test_the_budget_counts_every_process() -> None:
    assert ENOUGH.needed == 2 * 5 + (5 + 4) + 5
    assert ENOUGH.is_met
    assert not SCARCE.is_met
