"""Estimates the probability that these documents hold the answer, by a logistic regression on judged questions.

`manage.py evaluate --gate DIR... --fit` learns the weights in gate_calibrations.json: one set for each way of writing,
for each set of legs with a result, because the keyword leg alone knows less about absence than both, and for small and
large corpora: with one set for all sizes, keywords alone kept 0.98 of squad's questions and refused 0.66 of those about
something else; with two, 0.97 and 0.82.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from documents.keywords.terms import stemmed_languages
from documents.keywords.tokenization import is_unspaced
from documents.models import EmbeddingSpace
from documents.reindexing.closeness import Closeness
from documents.vectors.embedding import bare_name
from querying.retrieval.evidence import Evidence
from querying.retrieval.fusion import knows_language

FILE = Path(__file__).with_name("gate_calibrations.json")
SEPARATION_MIN = 0.3  # of a space: below it, its cosines are noise (WordLlama over Chinese and Vietnamese: 0.4)
Legs = Literal["both", "keywords"]
Writing = Literal["stemmed", "spaced", "unspaced"]
WRITINGS: tuple[Writing, ...] = ("stemmed", "spaced", "unspaced")
FEATURES = ("known", "best", "lead", "words", "found", "mass", "pairs", "length", "chance", "rarity")


class Verdict(enum.StrEnum):
    """Whether the documents answer the question, may answer it, or don't."""

    ANSWERABLE = "answerable"
    UNCERTAIN = "uncertain"
    ABSENT = "absent"


@dataclass(frozen=True)
class Calibration:
    """A logistic regression: the probability is 1 / (1 + e^-(intercept + sum of weight * feature))."""

    intercept: float
    weights: Mapping[str, float]
    refused_below: float  # a probability
    certain_from: float  # a probability

    def probability(self, evidence: Evidence) -> float:
        """Return how likely it is, 0..1, that the documents answer the question."""
        values = {name: getattr(evidence, name) for name in self.weights}
        logit = self.intercept + sum(weight * (values[name] or 0.0) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))

    def verdict(self, evidence: Evidence) -> Verdict:
        """Return the verdict of this evidence."""
        probability = self.probability(evidence)
        if evidence.found == 0 and evidence.closeness is None:  # only words like "the" are there
            return Verdict.ABSENT
        if probability < self.refused_below:
            return Verdict.ABSENT
        return Verdict.ANSWERABLE if probability >= self.certain_from else Verdict.UNCERTAIN


@lru_cache(maxsize=1)
def calibrations() -> Mapping[tuple[str, str, bool], Calibration]:
    """Return the calibrations by way of writing, legs and whether the corpus is small."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["calibrations"]
    return {
        (row["writing"], row["legs"], row["small"]): Calibration(
            row["intercept"], row["weights"], row["refused_below"], row["certain_from"]
        )
        for row in rows
    }


def calibration_for(evidence: Evidence) -> Calibration:
    """Return the calibration for the way of writing, the legs with a result, and the size of the corpus."""
    known = calibrations()
    legs: Legs = "keywords" if evidence.closeness is None else "both"
    return (
        known.get((evidence.writing, legs, evidence.is_small)) or known[evidence.writing, "keywords", evidence.is_small]
    )


def verdict(evidence: Sequence[Evidence]) -> Verdict:
    """Return the verdict on a question, from the evidence of each corpus that has some of its best passages.

    Without any, the keyword leg has failed, and there is no calibration for that: the verdict is UNCERTAIN.
    """
    verdicts = {calibration_for(each).verdict(each) for each in evidence} or {Verdict.UNCERTAIN}
    return next(each for each in Verdict if each in verdicts)


def writing_of(question: str, language: str) -> Writing:
    """Return the way of writing of a question to a corpus of this language, which decides what counts as a word."""
    if is_unspaced(question):
        return "unspaced"
    return "stemmed" if language.partition("-")[0].lower() in stemmed_languages() else "spaced"


def closeness_for(
    space: EmbeddingSpace | None, measured: Closeness | None, cosine: float | None, language: str
) -> float | None:
    """Return the best cosine on the scale of its space, 0..1; None: it is no evidence."""
    if space is None or measured is None or cosine is None or measured.separation < SEPARATION_MIN:
        return None
    is_embedded = space.provider == EmbeddingSpace.Provider.EMBEDDED
    if not knows_language(bare_name(space.model), language, is_embedded=is_embedded):
        return None
    return measured.of(cosine)
