"""The figures of the stages, with the keys that dashboards read."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from documents.models import Corpus
from monitoring.performance.stages import (
    PerformanceTimer,
    export_metrics_json,
    get_performance_stats,
    log_performance_summary,
)
from querying.answering.pipeline import answer_question
from ragsite.performance import recorder
from tests.querying.asking import ask
from tests.querying.library import make_library


@pytest.fixture(autouse=True)
def nothing_is_recorded() -> Iterator[None]:
    recorder.forget()
    yield
    recorder.forget()


def test_the_keys_are_those_that_dashboards_read() -> None:
    with PerformanceTimer("rag_corpus_fetch"):
        pass
    figures = get_performance_stats()
    assert figures["rag_corpus_fetch"].keys() == {"sample_count", "avg_ms", "p50", "p95_ms", "p99_ms"}
    assert json.loads(export_metrics_json()) == figures


def test_without_samples_there_is_nothing_to_tell() -> None:
    assert get_performance_stats() == {}
    assert json.loads(export_metrics_json()) == {}


def test_the_summary_is_one_line_per_name(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("rag_a", "rag_b"):
        with PerformanceTimer(name):
            pass
    with caplog.at_level(logging.INFO, logger="monitoring.performance.stages"):
        log_performance_summary()
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["rag_a", "rag_b"]


@pytest.mark.django_db
def test_a_question_leaves_a_sample_of_each_stage() -> None:
    corpus: Corpus = make_library()
    recorder.forget()
    answer = answer_question(ask(corpus, use_cache=False))
    figures = get_performance_stats()
    assert {"rag_prepare_query", "rag_lexical_fetch", "rag_dense_fetch", "rag_retrieve"} <= figures.keys()
    assert figures["rag_lexical_fetch"]["sample_count"] == 1
    assert figures["rag_lexical_fetch"]["p50"] == pytest.approx(answer.timings_ms["lexical"], abs=0.01)
    assert figures["rag_query"]["sample_count"] == 1
