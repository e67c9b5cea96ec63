"""Performance report: health, durations, pool, caches and recommendations in one reply."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from documents.models import EmbeddingSpace
from documents.vectors.spaces import has_index, wants_index
from monitoring.health.services import health
from monitoring.performance.prometheus_figures import Figures, current_figures
from monitoring.performance.recommendations import Measured, recommendations
from monitoring.performance.stages import get_performance_stats
from monitoring.tuning.connection_budget import ConnectionBudget, connection_budget
from ragsite.performance import recorder, track_rag_performance
from ragsite.postgres.limits import bounded_transaction
from ragsite.postgres.pool_stats import pool_stats

LOOK_SECONDS = 2.0


@track_rag_performance
def performance_report() -> dict[str, Any]:
    """Return the figures. `timings` and `pool` are of the answering process, `process_id`.

    `counters` are of all web processes where they share a folder for Prometheus, which `counters_scope` says.
    """
    figures = current_figures()
    measured = _measured(figures)
    return {
        "health": health(),
        "process_id": os.getpid(),
        "timings": get_performance_stats(),
        "pool": measured.pool.as_dict(),
        "cache_hit_rate": measured.cache_hit_rate,
        "counters": {
            "questions": int(measured.questions),
            "breaker_openings": int(measured.breaker_openings),
            "context_truncated": int(measured.context_truncated),
            "pool_refused": int(measured.pool_refused),
        },
        "counters_scope": "all web processes" if figures.are_of_all_processes else "this process",
        "recommendations": recommendations(measured),
    }


def _measured(figures: Figures) -> Measured:
    questions = figures.total("queries_total")
    return Measured(
        pool=pool_stats(),
        stages=recorder.stats(),
        pool_refused=figures.total("database_pool_refused_total"),
        questions=questions,
        cache_hit_rate=None if figures.cache_hit_rate is None else round(figures.cache_hit_rate, 4),
        caching_is_on=settings.ENABLE_CACHING,
        breaker_openings=figures.total("breaker_transitions_total", state="OPEN"),
        context_truncated=figures.total("context_truncated_total"),
        budget=_budget(),
        spaces_without_index=_spaces_without_index(),
        open_streams_share=figures.total("streams_open") / (settings.MAX_OPEN_STREAMS * _processes(figures)),
    )


def _processes(figures: Figures) -> int:
    return int(settings.WEB_WORKERS) if figures.are_of_all_processes else 1


def _budget() -> ConnectionBudget | None:
    try:
        return connection_budget()
    except DatabaseError:
        return None


def _spaces_without_index() -> list[str]:
    """Return the corpora whose live space is large and has no usable index; none while Postgres is away."""
    try:
        with bounded_transaction(LOOK_SECONDS):
            live = EmbeddingSpace.objects.filter(status="live").select_related("corpus")
            return [space.corpus.slug for space in live if wants_index(space) and not has_index(space)]
    except DatabaseError:
        return []
    finally:
        if not connection.in_atomic_block:
            connection.close()
