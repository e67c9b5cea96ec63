"""Parts of what is stored, asked over HTTP by who may ask them: a figure for each, a miss where rows are missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pytest_django.live_server_helper import LiveServer

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.artificial_language import Language
from monitoring.lab.benchmarks.data.bulk_corpus import load, plan_of
from monitoring.lab.benchmarks.measuring.filtered_search import Large, _figures, _Part, share_figures
from monitoring.lab.benchmarks.reports.figures import Figure

SLUG, SIZE = "large", 1000
pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class SmallBench:
    """What the scenario has of a bench."""

    quick: bool = True
    said: list[str] = field(default_factory=list)

    stage: Any = field(default_factory=lambda: SimpleNamespace(environment={}))

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(autouse=True)
def run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in this process, on the database of the tests, what goes to a process on the stage's."""

    def run(environment: object, act: Callable[..., Any], **arguments: Any) -> Any:
        return json.loads(json.dumps(act(**json.loads(json.dumps(arguments)))))

    monkeypatch.setattr("monitoring.lab.benchmarks.measuring.filtered_search.run_inside", run)


@pytest.fixture
def large() -> Large:
    load(SLUG, SIZE, tenant_slug=SLUG)
    return Large(SLUG, SIZE, Language().questions(plan_of(SIZE).lengths, 3), others=0)


def by_name(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures}


def test_filters_tenants_and_readers_each_have_their_figures(large: Large, live_server: LiveServer) -> None:
    figures = by_name(share_figures(cast(Bench, SmallBench()), live_server.url, large))
    assert [name for name, figure in figures.items() if figure.is_met is False] == []
    rows = {name.partition(", ")[2]: figure for name, figure in figures.items() if name.startswith("fewest")}
    assert {name: figure.target.at_least for name, figure in rows.items() if figure.target} == {
        "filter that leaves 0.1 %": 1,
        "filter that leaves 1 %": 10,
        "filter that leaves 10 %": 10,
        "filter that leaves 50 %": 10,
        "filter that leaves 100 %": 10,
        "tenant with 0.05 %": 1,
        "tenant with 0.1 %": 2,
        "tenant with 1 %": 10,
        "tenant with 10 %": 10,
        "tenant with 38.9 %": 10,
        "tenant with 50 %": 10,
        "all tenants at once": 10,
        "reader of 0.1 %": 1,
        "reader of 1 %": 10,
        "reader of 10 %": 10,
        "reader of 50 %": 10,
        "reader of 100 %": 10,
    }
    assert rows["filter that leaves 0.1 %"].value == rows["reader of 0.1 %"].value == 1
    assert rows["tenant with 0.1 %"].value == 2  # and nothing of the others
    assert figures["recall@10 of the dense leg against every vector"].value == 1.0


def test_rows_that_are_missing_and_a_low_recall_are_misses(large: Large, live_server: LiveServer) -> None:
    part = _Part("two documents", 2, large.questions, {"corpora": [SLUG], "filters": {"source": "nowhere.txt"}})
    figures = by_name(_figures(live_server.url, [part], [{"recall": 0.94, "worst": 0.5}]))
    assert figures["fewest passages, two documents"].value == 0
    assert figures["fewest passages, two documents"].is_met is False
    assert figures["recall@10, two documents"].is_met is False
    assert figures["search p50, two documents"].is_met is None


def test_a_search_that_fails_is_not_timed(large: Large, live_server: LiveServer) -> None:
    part = _Part("nobody's", 2, large.questions, {"corpora": ["no-such-corpus"]})
    with pytest.raises(RuntimeError, match="404"):
        _figures(live_server.url, [part], [{"recall": 1.0, "worst": 1.0}])
