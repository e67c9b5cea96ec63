"""`manage.py benchmark streams --peer PYTHON`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.command_line import WITH_PEER
from monitoring.lab.benchmarks.peer.packages import PACKAGES
from monitoring.lab.benchmarks.registry import SCENARIOS, Scenario
from monitoring.lab.benchmarks.reports.figures import Outcome
from tests.monitoring.lab.benchmarks.peer.interpreters import program, telling


@pytest.fixture
def benches(monkeypatch: pytest.MonkeyPatch) -> list[Bench]:
    """The benches that the scenario got, which measures nothing here."""
    found: list[Bench] = []

    def run(bench: Bench) -> Outcome:
        found.append(bench)
        return Outcome(())

    monkeypatch.setitem(SCENARIOS, WITH_PEER, Scenario(WITH_PEER, "", run))
    return found


def benchmark(*arguments: str) -> None:
    call_command("benchmark", *arguments, "--json", "-", stdout=io.StringIO(), stderr=io.StringIO())


def test_there_is_no_peer_unless_it_is_asked_for(benches: list[Bench]) -> None:
    benchmark(WITH_PEER)
    assert [bench.peer for bench in benches] == [None]


def test_the_scenario_gets_the_interpreter_and_its_versions(benches: list[Bench], tmp_path: Path) -> None:
    path = telling(tmp_path)
    benchmark(WITH_PEER, "--peer", path)
    (peer,) = (bench.peer for bench in benches)
    assert peer is not None
    assert peer.path == path
    assert peer.versions["fastapi"] == PACKAGES["fastapi"]


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: str(folder / "none"), "can't be run: No such file"),
        (lambda folder: program(folder, "exit 3"), "is no Python interpreter"),
        (lambda folder: telling(folder, without=("httpx",)), "has no httpx; install(.|\n)*pip install fastapi"),
    ],
)
def test_an_interpreter_that_cannot_run_the_peer_is_refused_before_anything_is_measured(
    benches: list[Bench], tmp_path: Path, prepare: Callable[[Path], str], message: str
) -> None:
    path = prepare(tmp_path)
    with pytest.raises(CommandError, match=message):
        benchmark(WITH_PEER, "--peer", path)
    assert benches == []


def test_a_scenario_that_asks_no_peer_takes_none() -> None:
    with pytest.raises(CommandError, match="--peer is for `streams`"):
        benchmark("pool", "--peer", sys.executable)
