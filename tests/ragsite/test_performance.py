"""Times of stages: exact percentiles of the last samples, counted by many threads, and a line for a slow one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from ragsite import performance
from ragsite.performance import (
    MAX_NAMES,
    SAMPLES,
    PerformanceTimer,
    Recorder,
    Stats,
    observe_stage,
    recorder,
    track_rag_performance,
)


@pytest.fixture(autouse=True)
def nothing_is_recorded() -> Iterator[None]:
    recorder.forget()
    yield
    recorder.forget()


def test_percentiles_are_those_of_the_samples() -> None:
    own = Recorder()
    for ms in range(100, 0, -1):
        own.record("x", ms / 1000)
    assert own.stats() == {"x": Stats(sample_count=100, avg_ms=50.5, p50_ms=50.0, p95_ms=95.0, p99_ms=99.0)}


@pytest.mark.parametrize(("samples", "expected"), [([0.2], (200, 200, 200)), ([0.1, 0.3], (100, 300, 300))])
def test_few_samples_have_percentiles_too(samples: list[float], expected: tuple[float, ...]) -> None:
    own = Recorder()
    for sample in samples:
        own.record("x", sample)
    stats = own.stats()["x"]
    assert (stats.p50_ms, stats.p95_ms, stats.p99_ms) == expected


def test_only_the_last_samples_count_and_names_are_bounded() -> None:
    own = Recorder()
    for second in range(SAMPLES + 10):
        own.record("x", float(second))
    assert own.stats()["x"].sample_count == SAMPLES
    assert own.stats()["x"].avg_ms == (10 + SAMPLES + 9) / 2 * 1000
    for number in range(2 * MAX_NAMES):
        own.record(f"name-{number}", 1.0)
    assert len(own.stats()) == MAX_NAMES


def test_no_sample_is_lost_between_threads() -> None:
    own = Recorder()

    def keep_recording() -> None:
        for _ in range(100):
            own.record("x", 1.0)
            own.stats()

    threads = [threading.Thread(target=keep_recording) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert own.stats()["x"].sample_count == 800


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("embed", "rag_prepare_query"),
        ("lexical", "rag_lexical_fetch"),
        ("dense", "rag_dense_fetch"),
        ("generate", "rag_generate"),
    ],
)
def test_stages_have_the_names_that_dashboards_know(stage: str, name: str) -> None:
    observe_stage(stage, 0.1)
    assert list(recorder.stats()) == [name]


def test_a_timer_counts_a_block_that_fails_too() -> None:
    with pytest.raises(ZeroDivisionError), PerformanceTimer("rag_corpus_fetch"):
        _ = 1 / 0
    assert recorder.stats()["rag_corpus_fetch"].sample_count == 1


def test_a_function_is_tracked_under_its_name() -> None:
    @track_rag_performance
    def fetch_all(number: int) -> int:
        return number + 1

    assert fetch_all(1) == 2
    assert fetch_all.__name__ == "fetch_all"
    assert list(recorder.stats()) == ["rag_fetch_all"]


def test_a_slow_stage_is_logged_and_a_model_that_writes_is_not(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger=performance.__name__):
        observe_stage("lexical", 0.7)
        observe_stage("lexical", 0.4)
        observe_stage("generate", 7.0)
    assert [record.getMessage() for record in caplog.records] == ["slow stage lexical: 0.700 s"]
