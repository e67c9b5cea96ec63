"""Measures the hits and false hits of the semantic cache over pairs of questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings

from documents.models import EmbeddingSpace
from documents.text.normalization import normalise_question
from documents.vectors.embedding import embed_question
from documents.vectors.spaces import fields_for
from querying.evaluation.semantic_pairs import PAIRS, Pair, read_pairs
from querying.paraphrase.matching import same_question
from ragsite.deadline import Deadline

FALSE_HIT_RATE_MAX = 0.005
THRESHOLDS = (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
EMBEDDING_SECONDS = 600.0


@dataclass(frozen=True)
class Judged:
    """A pair, the similarity of its questions, and whether their words agree in both directions."""

    pair: Pair
    similarity: float
    words_agree: bool

    def is_hit(self, threshold: float) -> bool:
        """Return whether the cache would answer one question with the answer to the other."""
        return self.words_agree and self.similarity >= threshold


@dataclass(frozen=True)
class Rates:
    """The hit rates of pairs that ask the same, and of those that don't; None: there are no such pairs."""

    pairs: int
    hit_rate: float | None
    false_hit_rate: float | None


@dataclass(frozen=True)
class Step:
    """The rates with another threshold; the last one if the threshold alone decided."""

    threshold: float
    hit_rate: float | None
    false_hit_rate: float | None
    false_hit_rate_without_words: float | None


@dataclass(frozen=True)
class SemanticReport:
    """The report of one set of pairs. `best_threshold` has the most hits with false hits within the limit."""

    name: str
    model: str
    threshold: float
    pairs: int
    hit_rate: float
    false_hit_rate: float
    by_kind: Mapping[str, Rates]
    by_language: Mapping[str, Rates]
    by_fold: Mapping[str, Rates]
    sweep: Sequence[Step]
    best_threshold: float | None
    false_hits: Sequence[tuple[str, str]]

    @property
    def is_within_limit(self) -> bool:
        """Return whether the false hits are within the limit."""
        return self.false_hit_rate <= FALSE_HIT_RATE_MAX


def evaluate_semantic_cache(
    path: Path | None = None, *, threshold: float | None = None, provider: str | None = None
) -> SemanticReport:
    """Return the rates over a file of pairs, else over the built-in one; nothing is stored.

    Raises OSError, KeyError and ValueError for a file that isn't one, RagError when the model server fails.
    """
    path = path or PAIRS
    threshold = settings.SEMANTIC_CACHE_SIMILARITY if threshold is None else threshold
    space = EmbeddingSpace(**fields_for(provider))
    judged = judge(read_pairs(path), space)
    steps = [_step(judged, each) for each in sorted({*THRESHOLDS, threshold})]
    rates = _rates(judged, threshold)
    false_hits = [(each.pair.question, each.pair.other) for each in judged if _is_false_hit(each, threshold)]
    return SemanticReport(
        name=path.stem,
        model=space.model,
        threshold=threshold,
        pairs=len(judged),
        hit_rate=rates.hit_rate or 0.0,
        false_hit_rate=rates.false_hit_rate or 0.0,
        by_kind=_rates_by(judged, threshold, lambda pair: pair.kind),
        by_language=_rates_by(judged, threshold, lambda pair: pair.language),
        by_fold=_rates_by(judged, threshold, lambda pair: pair.fold),
        sweep=steps,
        best_threshold=_best(steps),
        false_hits=false_hits,
    )


def judge(pairs: Iterable[Pair], space: EmbeddingSpace) -> list[Judged]:
    """Return each pair with what the cache knows of it. A pair whose words agree in one order only counts as agreeing,
    unless it asks the same: then both orders must agree.
    """
    deadline = Deadline.after(EMBEDDING_SECONDS)

    def vector_of(question: str) -> np.ndarray:
        # As they are kept: in half precision.
        return embed_question(space, question, deadline=deadline).astype(np.float16).astype(np.float32)

    judged = []
    for pair in pairs:
        one, other = normalise_question(pair.question), normalise_question(pair.other)
        ways = (same_question(one, other, pair.language), same_question(other, one, pair.language))
        mine, yours = vector_of(one), vector_of(other)
        similarity = float(mine @ yours / max(np.linalg.norm(mine) * np.linalg.norm(yours), 1e-9))
        judged.append(Judged(pair, similarity, all(ways) if pair.same else any(ways)))
    return judged


def _is_false_hit(judged: Judged, threshold: float) -> bool:
    return not judged.pair.same and judged.is_hit(threshold)


def _rates(judged: Iterable[Judged], threshold: float) -> Rates:
    same: list[bool] = []
    others: list[bool] = []
    for each in judged:
        (same if each.pair.same else others).append(each.is_hit(threshold))
    return Rates(len(same) + len(others), _share(same), _share(others))


def _rates_by(judged: Sequence[Judged], threshold: float, key: Callable[[Pair], str]) -> dict[str, Rates]:
    names = sorted({key(each.pair) for each in judged})
    return {name: _rates([each for each in judged if key(each.pair) == name], threshold) for name in names}


def _step(judged: Sequence[Judged], threshold: float) -> Step:
    rates = _rates(judged, threshold)
    without_words = [each.similarity >= threshold for each in judged if not each.pair.same]
    return Step(threshold, rates.hit_rate, rates.false_hit_rate, _share(without_words))


def _best(steps: Iterable[Step]) -> float | None:
    """Return the threshold with the most hits within the limit; of several, the highest."""
    allowed = [step for step in steps if (step.false_hit_rate or 0.0) <= FALSE_HIT_RATE_MAX]
    return max(allowed, key=lambda step: (step.hit_rate or 0.0, step.threshold)).threshold if allowed else None


def _share(outcomes: Sequence[bool]) -> float | None:
    return round(sum(outcomes) / len(outcomes), 4) if outcomes else None
