"""The table and the file."""

from __future__ import annotations

import json
import math

import pytest

from monitoring.lab.benchmarks.measuring.machine import is_busy, machine
from monitoring.lab.benchmarks.measuring.process_usage import Usage
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Series, Target
from monitoring.lab.benchmarks.reports.report import as_json, missed_lines, report, shown, table
from monitoring.lab.benchmarks.runner import Result

OUTCOME = Outcome(
    (Figure.of("ratio", [0.7, 0.8], "x", Target(at_least=0.85)), Figure("failures", 0.0, "", Target(at_most=0))),
    (Series("service", ((50.0, 20.0),), "clients", "answers per second"),),
    {"clients": 200},
    ("a note",),
    {"reply s": {"count": 2, "p50": 0.123456789}},
)
RESULT = Result(
    "streams", 12.3, 2, True, OUTCOME, usages=(("200 clients", Usage("gunicorn", 1, 0.5, 10, 20)),),
    database=(("postgres", "18.0"), ("pgvector", "0.8.5")),
)  # fmt: skip


def test_the_table_names_conditions_figures_targets_and_misses() -> None:
    lines = table(RESULT).splitlines()
    assert lines[0] == "streams (quick, 2 rounds, 12 s)"
    assert lines[1] == "  clients 200"
    assert lines[2].split() == ["figure", "value", "unit", "target", "met"]
    assert lines[3].split() == ["ratio", "0.750", "x", ">=", "0.85", "NO"]
    assert lines[4].split() == ["failures", "0.0", "<=", "0", "yes"]
    assert lines[5] == "  note: a note"


def test_a_scenario_that_was_skipped_or_broke_down_says_why() -> None:
    assert "SKIPPED: no redis-server" in table(Result("a", 1, 1, True, skipped=True, reason="no redis-server"))
    assert "FAILED: OSError: no room" in table(Result("a", 1, 1, True, reason="OSError: no room"))


def test_the_file_has_machine_versions_settings_samples_and_processes() -> None:
    found = json.loads(as_json(report([RESULT], machine())))
    assert found["machine"].keys() >= {"cpu", "cores", "memory_bytes", "system"}
    assert found["versions"].keys() >= {"python", "django", "gunicorn", "pgvector", "ragsite", "postgres"}
    (run,) = found["scenarios"]
    assert run["settings"] == {"clients": 200}
    assert run["figures"][0]["samples"] == [0.7, 0.8]
    assert run["figures"][0]["met"] is False
    assert run["percentiles"] == {"reply s": {"count": 2, "p50": 0.123457}}
    assert run["processes"] == [
        {"during": "200 clients", "process": "gunicorn", "pid": 1, "cpu_seconds": 0.5, "private_bytes": 10,
         "resident_bytes": 20}
    ]  # fmt: skip
    assert run["series"][0]["points"] == [[50.0, 20.0]]


@pytest.mark.parametrize(("load", "is_so"), [(0.4, False), (0.6, True)])
def test_a_machine_with_other_work_is_busy(load: float, is_so: bool) -> None:
    assert is_busy({"cores": 2, "load_average": [load, 0.0, 0.0]}) is is_so


def test_a_value_that_json_has_no_word_for_is_null() -> None:
    assert json.loads(as_json({"a": math.nan, "b": [math.inf], "c": object})) == {
        "a": None,
        "b": [None],
        "c": "<class 'object'>",
    }


def test_every_miss_is_named_with_its_target() -> None:
    broken = Result("pool", 1, 1, True, reason="OSError: no room")
    assert missed_lines([RESULT, broken]) == [
        "pool: OSError: no room",
        "streams: ratio is 0.750 x, target >= 0.85 x",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567.0, "1234567"),
        (97.25, "97.2"),
        (0.01234, "0.0123"),
        (1.0, "1.00"),
        (50, "50"),
        (0.0, "0.0"),
        (-12.5, "-12.5"),
        (math.nan, "-"),
        ("many", "many"),
        (True, "True"),
    ],
)
def test_numbers_are_shown_with_three_digits_that_count(value: object, text: str) -> None:
    assert shown(value) == text
