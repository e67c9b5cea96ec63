"""A report says what held and what did not, to people and to programs."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from monitoring.lab.drills import runner as drills_runner
from monitoring.lab.drills.registry import ALL, FIGURES, SCENARIOS, Outcome, chosen, help_of
from monitoring.lab.drills.report import as_json, line_of, line_of_outcome
from monitoring.lab.testbed.invariants import Invariant, at_most, none_of
from monitoring.lab.testbed.stage import Skipped

HELD, BROKEN = at_most("opened", 1.25, 3, "s"), none_of("requests lost", 2)


class NoStage:
    """A stage on which nothing is played."""

    def __enter__(self) -> NoStage:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Drills that yield what a test wants them to."""
    script: dict[str, object] = {}

    def playing(name: str) -> object:
        def play(stage: object, *, full: bool) -> object:
            for item in script[name]:  # type: ignore[attr-defined]
                if isinstance(item, Exception):
                    raise item
                yield item

        return play

    monkeypatch.setattr(drills_runner, "Stage", NoStage)
    monkeypatch.setattr(drills_runner, "SCENARIOS", {name: playing(name) for name in SCENARIOS})
    return script


def test_an_invariant_is_one_line_with_its_figure() -> None:
    assert line_of("outage", HELD).split() == ["PASS", "outage:", "opened", "1.25", "(<=", "3", "s)"]
    assert line_of("outage", BROKEN).split() == ["FAIL", "outage:", "requests", "lost", "2", "(0)"]


def test_a_drill_ends_in_one_line() -> None:
    assert line_of_outcome(Outcome("outage", [HELD], 3.2)).startswith("PASS  outage: 1 of 1 held")
    assert line_of_outcome(Outcome("outage", [HELD, BROKEN], 3.2)).startswith("FAIL  outage: 1 of 2 held")
    assert line_of_outcome(Outcome("redis-down", [], 0.1, "no redis")) == "SKIP  redis-down: no redis"


def test_json_has_every_figure() -> None:
    (drill,) = json.loads(as_json([Outcome("outage", [HELD, BROKEN], 3.2)]))["drills"]
    assert (drill["name"], drill["passed"]) == ("outage", False)
    assert drill["invariants"][0] == {"name": "opened", "passed": True, "figure": 1.25, "target": "<= 3 s"}


def test_all_are_each_of_them_once() -> None:
    assert chosen([ALL, "outage"]) == list(SCENARIOS)
    assert set(chosen([FIGURES])) < set(SCENARIOS)
    assert all(help_of(name) for name in SCENARIOS)


def test_the_exit_code_is_1_when_an_invariant_fails(
    scripted: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    scripted |= {"outage": [HELD], "ollama-busy": [HELD, BROKEN]}
    call_command("drill", "outage")
    with pytest.raises(SystemExit) as exited:
        call_command("drill", "outage", "ollama-busy", "--json")
    assert exited.value.code == 1
    output = capsys.readouterr().out
    drills = json.loads(output[output.index("{") :])["drills"]
    assert [drill["passed"] for drill in drills] == [True, False]


def test_a_drill_that_breaks_down_fails_and_the_next_one_runs(scripted: dict[str, object]) -> None:
    scripted |= {"outage": [HELD, RuntimeError("no server")], "ollama-busy": [HELD]}
    heard: list[tuple[str, Invariant]] = []
    outcomes = list(
        drills_runner.run_drills(["outage", "ollama-busy"], full=False, on_invariant=lambda *found: heard.append(found))
    )
    assert [outcome.passed for outcome in outcomes] == [False, True]
    assert "no server" in str(heard[1][1].figure)


def test_a_drill_that_can_not_be_run_here_is_said_so(scripted: dict[str, object]) -> None:
    scripted["redis-down"] = [Skipped("there is no redis-server")]
    (outcome,) = drills_runner.run_drills(["redis-down"], full=False, on_invariant=lambda *found: None)
    assert (outcome.passed, outcome.skipped) == (True, "there is no redis-server")


def test_an_unknown_drill_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("drill", "earthquake")
