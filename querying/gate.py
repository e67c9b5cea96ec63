"""Can the answer be in these documents at all? Decided on raw scores of the best passage; ranks can't tell.

The constants come from SQuAD's questions: half of its articles are the corpus, the questions are about both halves
(`manage.py evaluate --gate DIR` measures it again, for any set). Each threshold keeps 95 % of the answerable
questions in the worst of the sets that it was tried on.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from documents.lexicon import ReadQuestion
from documents.ranking import K1, idf


@dataclass(frozen=True)
class Evidence:
    """What speaks for an answer in the best passage."""

    idf_share: float  # part of the question's words, weighed by rarity, that it has: 0..1
    bm25_share: float  # its BM25 over what a passage of nothing but these words could reach: 0..1
    cosine: float | None = None  # None: the dense leg has nothing to say
    model: str = ""  # who made the vectors (bare name)
    language: str = ""


@dataclass(frozen=True)
class Calibration:
    """Answerable when the weighted evidence reaches the threshold."""

    cosine: float
    idf_share: float
    bm25_share: float
    threshold: float


# Kept of the answerable, refused of the others: SQuAD 0.965 and 0.831 (of 3,000 questions), XQuAD 0.952 and 0.958.
CALIBRATED = {("wordllama", "en"): Calibration(1.0, 1.0, 0.0, 0.80)}
# SQuAD 0.966 and 0.727, XQuAD 0.952 and 0.896, XQuAD in Vietnamese 0.973 and 0.586.
KEYWORDS_ONLY = Calibration(0.0, 1.0, 1.0, 0.71)
# A model whose cosines were never measured here. It finds passages that say the same in other words, which the words
# alone would refuse; so they refuse less.
UNKNOWN_MODEL = Calibration(0.0, 1.0, 1.0, 0.62)


def evidence_for(
    question: ReadQuestion,
    *,
    chunk_count: int,
    found: Set[int],
    lexical: float | None,
    cosine: float | None,
    model: str = "",
    language: str = "",
) -> Evidence:
    """Return the evidence for a question whose best passage has the terms `found` and these raw scores.

    Words that no document has count as the rarest that some have: a question about Basel has no answer among texts
    without it.
    """
    words = [term for term in question.terms if term.is_content] or question.terms
    weights = {term.lexeme: idf(chunk_count, max(1, term.frequency)) for term in words}
    total = sum(weights.values())
    most = sum(weights[term.lexeme] * term.count * (K1 + 1) for term in words)
    there = sum(weights[term.lexeme] for term in words if not found.isdisjoint(term.match_terms))
    return Evidence(
        idf_share=there / total if total else 0.0,
        bm25_share=(lexical or 0.0) / most if most else 0.0,
        cosine=cosine,
        model=model,
        language=language,
    )


def calibration_for(evidence: Evidence) -> Calibration:
    """Return the calibration for who made the vectors, and the language they are asked in."""
    if evidence.cosine is None:
        return KEYWORDS_ONLY
    if evidence.model == "wordllama":  # in other languages its cosines are noise
        return CALIBRATED.get((evidence.model, evidence.language), KEYWORDS_ONLY)
    return UNKNOWN_MODEL


def strength(evidence: Evidence) -> float:
    """Return by how much the evidence is stronger than needed; below 0: too weak."""
    calibration = calibration_for(evidence)
    return (
        calibration.cosine * (evidence.cosine or 0.0)
        + calibration.idf_share * evidence.idf_share
        + calibration.bm25_share * evidence.bm25_share
        - calibration.threshold
    )


def is_answerable(evidence: Evidence) -> bool:
    """Return whether the documents are about the question; False: say so, and don't bother a model."""
    return strength(evidence) >= 0
