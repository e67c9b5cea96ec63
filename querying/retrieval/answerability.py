"""Can the answer be in these documents at all? A probability, learnt from judged questions.

`manage.py evaluate --gate DIR... --fit` learns the weights in gate_calibrations.json: one set for each way of writing,
for each set of legs that has spoken, because half a search knows less about absence than a whole one, and for small
corpora apart: with one set for all sizes, keywords alone kept 0.98 of squad's questions and refused 0.66 of those about
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
    """What the gate says: the documents answer it, may answer it, or don't."""

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
        """Return what the evidence comes to."""
        probability = self.probability(evidence)
        if evidence.found == 0 and evidence.closeness is None:  # only words like "the" are there
            return Verdict.ABSENT
        if probability < self.refused_below:
            return Verdict.ABSENT
        return Verdict.ANSWERABLE if probability >= self.certain_from else Verdict.UNCERTAIN


@lru_cache(maxsize=1)
def calibrations() -> Mapping[tuple[str, str, bool], Calibration]:
    """Return what was learnt, by way of writing, legs and whether the corpus is small."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["calibrations"]
    return {
        (row["writing"], row["legs"], row["small"]): Calibration(
            row["intercept"], row["weights"], row["refused_below"], row["certain_from"]
        )
        for row in rows
    }


def calibration_for(evidence: Evidence) -> Calibration:
    """Return the calibration for how the question is written, which legs have spoken, and the size of the corpus."""
    known = calibrations()
    legs: Legs = "keywords" if evidence.closeness is None else "both"
    return (
        known.get((evidence.writing, legs, evidence.is_small)) or known[evidence.writing, "keywords", evidence.is_small]
    )


def verdict(evidence: Sequence[Evidence]) -> Verdict:
    """Return the verdict on a question, from the evidence of each corpus that has some of its best passages.

    Without any, the keyword leg has failed: nothing that was ever calibrated speaks, and the reader must judge.
    """
    verdicts = {calibration_for(each).verdict(each) for each in evidence} or {Verdict.UNCERTAIN}
    return next(each for each in Verdict if each in verdicts)


def writing_of(question: str, language: str) -> Writing:
    """Return how a question to a corpus of this language is written: what a "word" is there, and how much it says."""
    if is_unspaced(question):
        return "unspaced"
    return "stemmed" if language.partition("-")[0].lower() in stemmed_languages() else "spaced"


def closeness_for(
    space: EmbeddingSpace | None, measured: Closeness | None, cosine: float | None, language: str
) -> float | None:
    """Return the best cosine on its space's scale; None where it says nothing."""
    if space is None or measured is None or cosine is None or measured.separation < SEPARATION_MIN:
        return None
    is_embedded = space.provider == EmbeddingSpace.Provider.EMBEDDED
    if not knows_language(bare_name(space.model), language, is_embedded=is_embedded):
        return None
    return measured.of(cosine)
