"""Reads our own Prometheus metrics: of all web processes where they share a folder, else of this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest, multiprocess, values
from prometheus_client.core import GaugeMetricFamily

from ragsite.config.metrics_files import shared_folder

HIT_RATE = "cache_hit_rate"


@dataclass(frozen=True)
class Figures:
    """Metrics of one moment, with sums of their samples by name."""

    metrics: Iterable[Metric]
    are_of_all_processes: bool

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of that name which have these labels."""
        return sum(
            sample.value
            for metric in self.metrics
            for sample in metric.samples
            if sample.name == name and _has(sample.labels, labels)
        )

    def has(self, name: str) -> bool:
        """Return whether there is any sample of that name."""
        return any(sample.name == name for metric in self.metrics for sample in metric.samples)

    @property
    def cache_hit_rate(self) -> float | None:
        """Return the share of questions that a cache had the answer to, 0..1; None: none could have been cached."""
        asked = self.total("cache_questions_total")
        return self.total("cache_questions_total", outcome="hit") / asked if asked else None

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, with those that are calculated from others."""
        rate = self.cache_hit_rate
        if rate is None:
            return self.metrics
        words = "Share of the questions since the start, 0..1, that a cache or a shared answer had answered."
        return [*self.metrics, GaugeMetricFamily(HIT_RATE, words, value=rate)]


def current_figures() -> Figures:
    """Return the current figures."""
    # prometheus_client decides at import, by PROMETHEUS_MULTIPROC_DIR; the folder may have been removed since.
    folder = shared_folder()
    if not values.ValueClass._multiprocess or folder is None or not folder.is_dir():
        return Figures(tuple(REGISTRY.collect()), are_of_all_processes=False)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Figures(tuple(registry.collect()), are_of_all_processes=True)


def current_page() -> bytes:
    """Return the current figures in Prometheus' text format."""
    return generate_latest(current_figures())


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())
