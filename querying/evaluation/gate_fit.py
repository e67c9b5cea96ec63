"""Fits the calibrations of the answerability gate: a logistic regression and two thresholds for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from querying.evaluation.gate_run import OTHER_TOPIC, Sample
from querying.retrieval.answerability import FEATURES, WRITINGS
from querying.retrieval.evidence import Evidence

RIDGE = 1e-3  # per question: bounds the weights of features that are correlated
STEPS_MAX = 60
FEWEST_SAMPLES = 4
# The targets for each corpus and kind of question, and the weight of a missed target of kept questions.
WANTED_KEPT, WANTED_REFUSED, KEPT_COUNTS = 0.97, 0.85, 2
CERTAIN_SHARE = 0.97  # of questions about something else that must stay below, for an answer without a warning


def fit(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return a calibration, as JSON values, for each way of writing and set of legs in the samples."""
    fitted = []
    judged = [sample for sample in samples if sample.label in {"answered", *OTHER_TOPIC}]
    for writing in WRITINGS:
        for legs, small in product(("both", "keywords"), (False, True)):
            own = [part for sample in judged if (part := _part(sample, writing, legs, small)) is not None]
            if len(own) >= FEWEST_SAMPLES:
                fitted.append({"writing": writing, "legs": legs, "small": small} | _fit(own, legs))
    return fitted


def write(fitted: Sequence[dict[str, Any]], samples: Sequence[Sample], file: Path) -> None:
    """Write the calibrations to the file, and keep those in it that were not fitted now."""
    before = json.loads(file.read_text())["calibrations"] if file.exists() else []
    rows = {(row["writing"], row["legs"], row["small"]): row for row in [*before, *fitted]}
    sets = sorted({sample.name for sample in samples})
    file.write_text(json.dumps({"fitted_on": sets, "calibrations": list(rows.values())}, indent=2) + "\n")


def _part(sample: Sample, writing: str, legs: str, small: bool) -> Sample | None:
    """Return the questions of the sample with this way of writing and these legs; None: there are none."""
    rows = []
    for each in sample.evidence:
        for one in each:
            if one.writing == writing and one.is_small is small and (legs == "keywords" or one.closeness is not None):
                rows.append([one])
    return Sample(sample.name, sample.size, sample.kind, sample.label, rows) if rows else None


def _fit(samples: Sequence[Sample], legs: str) -> dict[str, Any]:
    names = [*FEATURES, "closeness"] if legs == "both" else list(FEATURES)
    values = np.asarray([row for sample in samples for row in _rows(sample, names)])
    answered = np.asarray([sample.label == "answered" for sample in samples for _ in sample.evidence], dtype=float)
    counts = np.asarray(list(_counts(samples)))
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    weights = logistic_regression((values - mean) / spread, answered, counts / counts.mean())
    slopes = weights[:-1] / spread
    intercept = float(weights[-1] - slopes @ mean)
    logits = {id(sample): np.asarray(list(_rows(sample, names))) @ slopes + intercept for sample in samples}
    refused_below, certain_from = _thresholds(samples, logits)
    return {
        "intercept": round(intercept, 5),
        "weights": {name: round(float(slope), 5) for name, slope in zip(names, slopes, strict=True)},
        "refused_below": round(_probability(refused_below), 4),
        "certain_from": round(_probability(certain_from), 4),
    }


def _rows(sample: Sample, names: Sequence[str]) -> Iterator[list[float]]:
    for (one,) in sample.evidence:
        yield [_value(one, name) for name in names]


def _value(evidence: Evidence, name: str) -> float:
    return float(getattr(evidence, name) or 0.0)


def _counts(samples: Sequence[Sample]) -> Iterator[float]:
    """Yield the weight of each question: equal for all samples, and for answered and unanswered questions together."""
    kinds = {(each.name, each.size, each.kind): 0 for each in samples}
    for each in samples:
        kinds[each.name, each.size, each.kind] += each.label != "answered"
    for each in samples:
        labels = 1 if each.label == "answered" else kinds[each.name, each.size, each.kind]
        yield from [1 / labels / len(each.evidence)] * len(each.evidence)


def logistic_regression(values: np.ndarray, answered: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the weights of the columns of `values` (questions, features), and last the intercept.

    Newton's method on the likelihood with a ridge penalty (Hastie, Tibshirani, Friedman, The Elements of Statistical
    Learning, 4.4.1); the intercept is not penalised.
    """
    rows = np.column_stack([values, np.ones(len(values))])
    ridge = np.diag([*[RIDGE * len(values)] * values.shape[1], 0.0])
    weights = np.zeros(rows.shape[1])
    for _ in range(STEPS_MAX):
        likely = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (counts * (answered - likely)) - ridge @ weights
        curvature = (rows * (counts * likely * (1 - likely))[:, None]).T @ rows + ridge
        step = np.linalg.solve(curvature, slope)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _thresholds(samples: Sequence[Sample], logits: dict[int, np.ndarray]) -> tuple[float, float]:
    """Return the logit below which a question is refused, and the one from which an answer needs no warning."""
    others = [logits[id(sample)] for sample in samples if sample.label != "answered"]
    answered = [logits[id(sample)] for sample in samples if sample.label == "answered"]

    def missed(threshold: float) -> float:
        kept = [max(0.0, WANTED_KEPT - float((each >= threshold).mean())) / len(answered) for each in answered]
        refused = [max(0.0, WANTED_REFUSED - float((each < threshold).mean())) / len(others) for each in others]
        return KEPT_COUNTS * sum(kept) + sum(refused)

    refused_below = float(min(np.linspace(-6, 6, 241), key=missed))
    return refused_below, max(refused_below, float(np.quantile(np.concatenate(others), CERTAIN_SHARE)))


def _probability(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))
