"""The calibrations that the gate learns from judged questions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from querying.evaluation.gate_fit import fit, logistic_regression, write
from querying.evaluation.gate_run import Label, Sample, report_of
from querying.retrieval.answerability import Calibration
from querying.retrieval.evidence import Evidence


def evidence(strength: float, *, closeness: float | None = None, writing: str = "stemmed") -> Evidence:
    return Evidence(strength, strength, strength, 1.5, 1.0, strength, 0.2, 4.0, 0.02, 0.5, closeness, writing)


def sample(name: str, label: Label, strengths: np.ndarray, *, closeness: float | None = None) -> Sample:
    return Sample(name, "half", "plain", label, [[evidence(float(each), closeness=closeness)] for each in strengths])


@pytest.fixture
def samples() -> list[Sample]:
    random = np.random.default_rng(1)
    return [
        made
        for name in ("one", "two")
        for made in (
            sample(name, "answered", random.normal(0.7, 0.15, 200), closeness=0.5),
            sample(name, "other_articles", random.normal(0.2, 0.15, 200), closeness=0.0),
        )
    ]


def test_logistic_regression_finds_the_weights_that_made_the_answers() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(40_000, 2))
    likely = 1 / (1 + np.exp(-(values @ [2.0, -1.0] + 0.5)))
    answered = (random.random(len(values)) < likely).astype(float)
    weights = logistic_regression(values, answered, np.ones(len(values)))
    assert weights == pytest.approx([2.0, -1.0, 0.5], abs=0.1)


def test_what_was_learnt_tells_the_questions_apart(samples: list[Sample]) -> None:
    fitted = {row["legs"]: row for row in fit(samples)}
    assert set(fitted) == {"both", "keywords"}
    row = fitted["keywords"]
    learnt = Calibration(row["intercept"], row["weights"], row["refused_below"], row["certain_from"])
    assert learnt.probability(evidence(0.8)) > 0.9 > 0.1 > learnt.probability(evidence(0.1))
    assert learnt.refused_below <= learnt.certain_from
    assert "closeness" in fitted["both"]["weights"]


def test_what_was_not_fitted_now_stays(samples: list[Sample], tmp_path: Path) -> None:
    file = tmp_path / "calibrations.json"
    write([{"writing": "unspaced", "legs": "keywords", "small": True, "intercept": 1.0}], samples, file)
    write(fit(samples), samples, file)
    stored = json.loads(file.read_text())
    assert stored["fitted_on"] == ["one", "two"]
    assert [(row["writing"], row["legs"]) for row in stored["calibrations"]] == [
        ("unspaced", "keywords"),
        ("stemmed", "both"),
        ("stemmed", "keywords"),
    ]


def test_the_report_has_a_row_for_each_set_of_legs(samples: list[Sample]) -> None:
    rows = [row for row in report_of(samples).rows if row.name == "one" and row.kind == "plain"]
    assert [row.legs for row in rows] == ["both", "keywords"]
    assert all(row.kept is not None and row.refused_other_articles is not None for row in rows)
    assert all(row.refused_other_sets is None for row in rows)  # there is no such question
