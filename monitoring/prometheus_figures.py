"""Prometheus' figures for our own use: of all web processes where they share a folder, else of this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry, Metric, multiprocess, values


@dataclass(frozen=True)
class Figures:
    """Sums of samples, by name."""

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


def current_figures() -> Figures:
    """Return the figures of now."""
    if not values.ValueClass._multiprocess:  # decided when it was imported, by PROMETHEUS_MULTIPROC_DIR
        return Figures(tuple(REGISTRY.collect()), are_of_all_processes=False)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Figures(tuple(registry.collect()), are_of_all_processes=True)


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())
