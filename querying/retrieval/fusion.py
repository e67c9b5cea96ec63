"""Fuses the scores of the keyword leg and the vector leg into one ranking. Pure: no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Share of the keyword leg. A weak embedder must not drag a strong keyword leg down. Learnt by `manage.py evaluate
# --beir`, which prints nDCG@10 by weight. WordLlama: best at 0.7 to 0.8 in English and German; over Vietnamese and
# Chinese its vectors are noise, and 0.75 costs up to 0.003.
EMBEDDED_WEIGHTS = {"en": 0.75, "de": 0.8}
EMBEDDED_ELSEWHERE = 0.95
MODEL_WEIGHT = 0.6  # a good model, in a language that it knows
FOREIGN_WEIGHT = 0.8  # ... in another one, or an unknown model
MULTILINGUAL = {"bge-m3", "qwen3-embedding", "embeddinggemma", "snowflake-arctic-embed2", "nomic-embed-text-v2-moe"}
ENGLISH = {"nomic-embed-text", "mxbai-embed-large", "all-minilm", "snowflake-arctic-embed"}


class Candidate(NamedTuple):
    """A chunk with the exact scores of both legs; None: the leg has no score for it."""

    chunk_id: int
    corpus_id: int
    lexical: float | None
    dense: float | None  # cosine similarity


@dataclass(frozen=True)
class FusionWeight:
    """The share of the keyword leg in a corpus (0..1), and the model of its vectors."""

    lexical_weight: float
    model: str


class Fused(NamedTuple):
    """A candidate with its fused score, 0 (worst) to 1."""

    candidate: Candidate
    score: float


def knows_language(model: str, language: str, *, is_embedded: bool) -> bool:
    """Return whether a model (bare name) was trained on a language; an unknown model counts as trained on English."""
    if language.partition("-")[0].lower() == "en":
        return True
    return not is_embedded and model in MULTILINGUAL


def default_weight(model: str, language: str, *, is_embedded: bool) -> float:
    """Return the keyword leg's share for a model (bare name) over texts of a language."""
    if is_embedded:
        return EMBEDDED_WEIGHTS.get(language.partition("-")[0].lower(), EMBEDDED_ELSEWHERE)
    knows_it = model in MULTILINGUAL or (model in ENGLISH and language == "en")
    return MODEL_WEIGHT if knows_it else FOREIGN_WEIGHT


def fuse(candidates: Sequence[Candidate], weights: Mapping[int, FusionWeight]) -> list[Fused]:
    """Return the candidates, best first, by `w * lexical + (1 - w) * dense`, each leg stretched to 0..1.

    Scores are used, not ranks, so that a clear first place stays one. They are stretched over all candidates of the
    question: BM25 of all corpora together, cosines per embedding model. If a leg has no score at all, the other one
    has the whole weight.
    """
    lexical = _stretched({each.chunk_id: each.lexical for each in candidates if each.lexical is not None})
    dense: dict[int, float] = {}
    for model in {voice.model for voice in weights.values()}:
        dense |= _stretched(
            {
                each.chunk_id: each.dense
                for each in candidates
                if each.dense is not None and weights[each.corpus_id].model == model
            }
        )
    fused = []
    for each in candidates:
        weight = weights[each.corpus_id].lexical_weight
        weight = 0.0 if not lexical else 1.0 if not dense else weight
        score = weight * lexical.get(each.chunk_id, 0.0) + (1 - weight) * dense.get(each.chunk_id, 0.0)
        fused.append(Fused(each, score))
    # Equal scores are ordered by id, so that the same question always has the same order.
    return sorted(fused, key=lambda each: (-each.score, each.candidate.chunk_id))


def _stretched(scores: Mapping[int, float]) -> dict[int, float]:
    """Return the scores scaled to 0..1; if all are equal, to 1."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high <= low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}
