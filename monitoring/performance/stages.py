"""Durations of stages for people and programs; `ragsite.performance` records them."""

from __future__ import annotations

import json
import logging

from ragsite.performance import PerformanceTimer, recorder, track_rag_performance

__all__ = [
    "PerformanceTimer",
    "export_metrics_json",
    "get_performance_stats",
    "log_performance_summary",
    "track_rag_performance",
]
logger = logging.getLogger(__name__)


def get_performance_stats() -> dict[str, dict[str, float]]:
    """Return `sample_count, avg_ms, p50, p95_ms, p99_ms` by name, of the last samples of this process; p50 in ms."""
    return {
        name: {
            "sample_count": stats.sample_count,
            "avg_ms": stats.avg_ms,
            "p50": stats.p50_ms,
            "p95_ms": stats.p95_ms,
            "p99_ms": stats.p99_ms,
        }
        for name, stats in recorder.stats().items()
    }


def log_performance_summary() -> None:
    """Log the figures of each stage on a line of its own."""
    for name, stats in recorder.stats().items():
        logger.info(
            "%s: %d samples, average %.1f ms, p50 %.1f, p95 %.1f, p99 %.1f",
            name, stats.sample_count, stats.avg_ms, stats.p50_ms, stats.p95_ms, stats.p99_ms,
        )  # fmt: skip


def export_metrics_json() -> str:
    """Return the figures as JSON."""
    return json.dumps(get_performance_stats(), indent=2)
