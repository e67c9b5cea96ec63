"""The arguments of `manage.py benchmark`, with scenarios that take no time."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.registry import SCENARIOS, Scenario, scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Series, Target
from monitoring.lab.testbed.stage import Skipped

CURVE = Series("service", ((1.0, 2.0), (2.0, 3.0)), "clients", "answers per second")


@pytest.fixture
def scenarios(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scenario]:
    """Scenarios in place of the real ones."""
    made: dict[str, Scenario] = {}
    for name, run in {
        "fast": lambda bench: Outcome(
            (Figure.of("ratio", [0.9] * bench.rounds, "x", Target(at_least=0.85)),), (CURVE,)
        ),
        "slow": lambda bench: Outcome((Figure("wait", float(bench.size or 3), "s", Target(at_most=1.0)),), (CURVE,)),
        "broken": fails(OSError("no room")),
        "elsewhere": fails(Skipped("no redis-server here")),
    }.items():
        made[name] = Scenario(name, f"what {name} is", run)
    for name in list(SCENARIOS):
        monkeypatch.delitem(SCENARIOS, name)
    for name, one in made.items():
        monkeypatch.setitem(SCENARIOS, name, one)
    return made


def fails(error: Exception) -> Callable[[Bench], Outcome]:
    def run(bench: Bench) -> Outcome:
        raise error

    return run


def benchmark(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr."""
    output, errors = io.StringIO(), io.StringIO()
    try:
        call_command("benchmark", *arguments, stdout=output, stderr=errors)
    except SystemExit as exit_:
        return int(str(exit_.code)), output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()


@pytest.fixture(autouse=True)
def reports_go_to_a_temporary_folder(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"


def test_the_scenarios_are_listed() -> None:
    code, output, _ = benchmark("list")
    assert code == 0
    assert {line.split()[0] for line in output.splitlines()} >= {
        "baseline",
        "streams",
        "cache",
        "pool",
        "single-flight",
    }


@pytest.mark.usefixtures("scenarios")
def test_a_report_is_written_where_it_says(tmp_path: Path) -> None:
    code, output, _ = benchmark("fast", "--rounds", "4")
    (path,) = (tmp_path / "var" / "benchmarks").glob("fast-*.json")
    assert code == 0
    assert f"Report: {path}" in output
    (run,) = json.loads(path.read_text())["scenarios"]
    assert (run["name"], run["rounds"], run["quick"]) == ("fast", 4, False)
    assert run["figures"][0]["samples"] == [0.9] * 4


@pytest.mark.usefixtures("scenarios")
def test_a_report_on_stdout_is_nothing_but_json() -> None:
    code, output, errors = benchmark("slow", "--json", "-", "--quick", "--size", "7")
    (run,) = json.loads(output)["scenarios"]
    assert code == 0
    assert (run["quick"], run["figures"][0]["value"]) == (True, 7)
    assert "wait" in errors


@pytest.mark.usefixtures("scenarios")
def test_a_missed_target_is_an_error_only_when_it_is_to_be_checked() -> None:
    assert benchmark("slow", "--json", "-")[0] == 0
    code, _, errors = benchmark("slow", "--json", "-", "--check")
    assert code == 1
    assert "MISSED  slow: wait is 3.00 s, target <= 1 s" in errors
    assert benchmark("fast", "--json", "-", "--check")[0] == 0


@pytest.mark.usefixtures("scenarios")
def test_all_of_them_run_though_one_breaks_down_and_one_is_not_for_this_machine() -> None:
    code, output, errors = benchmark("all", "--json", "-")
    runs = {run["name"]: run for run in json.loads(output)["scenarios"]}
    assert code == 1
    assert runs.keys() == {"fast", "slow", "broken", "elsewhere"}
    assert runs["broken"]["failed"] == "OSError: no room"
    assert runs["elsewhere"]["skipped"] == "no redis-server here"
    assert [line for line in errors.splitlines() if line.startswith("FAILED")] == ["FAILED  broken: OSError: no room"]


@pytest.mark.usefixtures("scenarios")
def test_a_scenario_that_is_not_for_this_machine_is_no_failure() -> None:
    assert benchmark("elsewhere", "--json", "-", "--check")[0] == 0


@pytest.mark.usefixtures("scenarios")
def test_curves_are_drawn_one_picture_per_scenario(tmp_path: Path) -> None:
    benchmark("fast", "--json", "-", "--plot", str(tmp_path / "one.svg"))
    assert (tmp_path / "one.svg").read_text().startswith("<svg")
    benchmark("all", "--json", "-", "--plot", str(tmp_path / "each.svg"))
    assert {path.name for path in tmp_path.glob("each*")} == {"each-fast.svg", "each-slow.svg"}


@pytest.mark.usefixtures("scenarios")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "there is no scenario 'nothing'"),
        (["fast", "slow"], "only `compare` takes files"),
        (["fast", "--plot", "curve.png"], r"--plot curve\.svg"),
        (["fast", "--plot", "/no/such/folder/curve.svg"], "in a folder that exists"),
        (["fast", "--json", "/no/such/folder/report.json"], "there is no folder /no/such/folder"),
        (["fast", "--rounds", "0"], "no whole number above 0"),
        (["fast", "--size", "many"], "no whole number above 0"),
        (["compare", "one.json"], "takes two files"),
        (["compare", "/none/a.json", "/none/b.json"], "No such file"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_measured(
    scenarios: dict[str, Scenario], monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setitem(SCENARIOS, "fast", Scenario("fast", "", fails(AssertionError("it was measured"))))
    with pytest.raises(CommandError, match=message):
        call_command("benchmark", *arguments, stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.usefixtures("scenarios")
def test_reports_are_compared_and_what_got_worse_is_an_error(tmp_path: Path) -> None:
    before, after = (str(tmp_path / name) for name in ("before.json", "after.json"))
    benchmark("slow", "--json", before, "--size", "1")
    benchmark("slow", "--json", after, "--size", "2")
    code, output, errors = benchmark("compare", before, after)
    assert code == 1
    assert "worse   slow: wait: 1.00 -> 2.00 s  x2.00 (x2.00 .. x2.00)" in output
    assert "0 better, 1 worse, 0 same" in output
    assert benchmark("compare", after, before)[0] == 0
    assert benchmark("compare", before, after, "--tolerance", "1.5")[0] == 0
    assert errors == ""
    benchmark("slow", "--json", before, "--rounds", "1")
    benchmark("slow", "--json", after, "--rounds", "1")
    assert "NOTE    slow: one round each" in benchmark("compare", before, after)[2]


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text("[1]")
    for name, message in (("a.json", "is no JSON"), ("b.json", "no report")):
        file = str(tmp_path / name)
        with pytest.raises(CommandError, match=message):
            call_command("benchmark", "compare", str(tmp_path / "b.json"), file)


@pytest.mark.usefixtures("scenarios")
def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="two scenarios called 'fast'"):
        scenario("fast", "again")(lambda bench: Outcome(()))


@pytest.mark.parametrize(("quick", "rounds", "done"), [(True, None, 1), (False, None, 5), (True, 4, 4), (False, 4, 4)])
def test_rounds_that_were_asked_for_are_done(quick: bool, rounds: int | None, done: int) -> None:
    bench = Bench(quick=quick, rounds=rounds)
    assert bench.choose_rounds(quick=1, full=5) == done
    assert bench.rounds == done


def test_a_bench_that_needed_no_stage_has_made_none() -> None:
    with Bench() as bench:
        assert not bench.has_stage
