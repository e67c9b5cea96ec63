"""Recommends changes to an operator, from the figures: one function per rule, which returns None for no advice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from monitoring.tuning.connection_budget import ConnectionBudget
from ragsite.performance import Stats
from ragsite.postgres.pool_stats import PoolStats

ENOUGH_SAMPLES = 20  # fewer say nothing about a percentile
ENOUGH_QUESTIONS = 100
SLOW_GENERATE_MS = 10_000.0
SLOW_LEG_MS = 250.0
SLOW_EMBED_MS = 1000.0
LOW_HIT_RATE = 0.05


@dataclass(frozen=True)
class Measured:
    """Figures that the rules use."""

    pool: PoolStats
    stages: Mapping[str, Stats] = field(default_factory=dict)
    pool_refused: float = 0.0
    questions: float = 0.0
    cache_hit_rate: float | None = None  # None: no question could have been cached
    caching_is_on: bool = True
    breaker_openings: float = 0.0
    context_truncated: float = 0.0
    budget: ConnectionBudget | None = None  # None: Postgres can't be asked
    spaces_without_index: Sequence[str] = ()  # of corpora that are large enough for one
    open_streams_share: float = 0.0  # of MAX_OPEN_STREAMS of this process

    def p95_ms(self, name: str) -> float | None:
        """Return a stage's 95th percentile; None: too few samples."""
        stats = self.stages.get(name)
        return stats.p95_ms if stats is not None and stats.sample_count >= ENOUGH_SAMPLES else None


def recommendations(measured: Measured) -> list[str]:
    """Return what to change, the most urgent first."""
    found = (rule(measured) for rule in RULES)
    return [text for text in found if text is not None]


def pool_is_too_small(measured: Measured) -> str | None:
    """Requests wait for connections, or were refused."""
    pool = measured.pool
    if not pool.waiting and not measured.pool_refused:
        return None
    size = pool.pool_size + max(pool.waiting, math.ceil(pool.pool_size / 2))
    return (
        f"Requests wait for database connections ({pool.waiting} now, {measured.pool_refused:.0f} refused so far): "
        f"raise DATABASE_POOL_SIZE from {pool.pool_size} to {size}."
    )


def too_many_connections(measured: Measured) -> str | None:
    """The pools of all processes could ask for more than Postgres has."""
    budget = measured.budget
    if budget is None or budget.is_met:
        return None
    return f"{budget.words()}. {budget.advice()}"


def pool_was_never_used(measured: Measured) -> str | None:
    """Nothing has needed the database in this process yet."""
    if measured.pool.initialized:
        return None
    return "The database pool of this process was never used: figures of it say nothing yet."


def circuit_opened(measured: Measured) -> str | None:
    """A model server failed so often that it was left alone."""
    if not measured.breaker_openings:
        return None
    return (
        f"A circuit breaker opened {measured.breaker_openings:.0f} times: see `manage.py circuit status` for the model "
        "server that fails, or add a second one to OLLAMA_BASE_URL."
    )


def context_was_cut(measured: Measured) -> str | None:
    """The model server read less than it was sent."""
    if not measured.context_truncated:
        return None
    return (
        f"{measured.context_truncated:.0f} prompts were cut by the model server: raise OLLAMA_NUM_CTX (and what the "
        "server allows), or ask for fewer passages (RETRIEVAL_TOP_K)."
    )


def index_is_missing(measured: Measured) -> str | None:
    """A large corpus is searched vector by vector."""
    if not measured.spaces_without_index:
        return None
    names = ", ".join(measured.spaces_without_index)
    return f"Large corpora have no vector index: {names}. Indexing workers build it; see whether one runs."


def legs_are_slow(measured: Measured) -> str | None:
    """A search in Postgres takes long."""
    for name in ("rag_lexical_fetch", "rag_dense_fetch"):
        p95_ms = measured.p95_ms(name)
        if p95_ms is not None and p95_ms > SLOW_LEG_MS:
            return (
                f"{name} takes {p95_ms:.0f} ms at the 95th percentile: run `manage.py tune_postgres`, and see whether "
                "the indexes fit into Postgres' memory."
            )
    return None


def embedding_is_slow(measured: Measured) -> str | None:
    """Questions wait for the embedding model."""
    p95_ms = measured.p95_ms("rag_prepare_query")
    if p95_ms is None or p95_ms <= SLOW_EMBED_MS:
        return None
    return (
        f"Embedding a question takes {p95_ms:.0f} ms at the 95th percentile: keep the model loaded "
        "(OLLAMA_KEEP_ALIVE), or give it a server of its own."
    )


def generation_is_slow(measured: Measured) -> str | None:
    """The language model writes slowly."""
    p95_ms = measured.p95_ms("rag_generate")
    if p95_ms is None or p95_ms <= SLOW_GENERATE_MS:
        return None
    return (
        f"Writing an answer takes {p95_ms / 1000:.1f} s at the 95th percentile: use a smaller LLM_MODEL, fewer tokens "
        "(OLLAMA_MAX_TOKENS), or mode `fast`."
    )


def cache_is_off(measured: Measured) -> str | None:
    """Every question is answered from scratch."""
    if measured.caching_is_on:
        return None
    return "Caching is off: set ENABLE_CACHING=true, and identical questions cost nothing."


def cache_seldom_hits(measured: Measured) -> str | None:
    """Hardly a question is asked twice, or answers are forgotten too soon."""
    rate = measured.cache_hit_rate
    if rate is None or measured.questions < ENOUGH_QUESTIONS or rate >= LOW_HIT_RATE:
        return None
    return (
        f"Caches answer {rate:.1%} of the questions: raise CACHE_TTL_SECONDS, and check that clients don't send "
        '"use_cache": false.'
    )


def streams_fill_up(measured: Measured) -> str | None:
    """Nearly as many answers are being streamed as allowed."""
    if measured.open_streams_share < 0.8:
        return None
    return (
        f"{measured.open_streams_share:.0%} of the allowed answers are being streamed: raise MAX_OPEN_STREAMS (and "
        "WEB_THREADS), or WEB_WORKERS."
    )


RULES: tuple[Callable[[Measured], str | None], ...] = (
    too_many_connections,
    pool_is_too_small,
    circuit_opened,
    streams_fill_up,
    context_was_cut,
    index_is_missing,
    legs_are_slow,
    embedding_is_slow,
    generation_is_slow,
    cache_is_off,
    cache_seldom_hits,
    pool_was_never_used,
)
