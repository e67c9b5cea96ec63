from __future__ import annotations

import pytest

from querying.retrieval.fusion import Candidate, FusionWeight, default_weight, fuse

ONE = {1: FusionWeight(0.75, "wordllama")}


def order(candidates: list[Candidate], weights: dict[int, FusionWeight]) -> list[int]:
    return [each.candidate.chunk_id for each in fuse(candidates, weights)]


def test_scores_count_and_not_ranks() -> None:
    # 1 is first by far for the words and second, hardly, for the vectors; ranks would make it a draw with 2.
    candidates = [Candidate(1, 1, 30.0, 0.50), Candidate(2, 1, 10.0, 0.51), Candidate(3, 1, 9.0, 0.10)]
    assert order(candidates, {1: FusionWeight(0.5, "m")}) == [1, 2, 3]


def test_the_weight_decides_between_the_legs() -> None:
    candidates = [Candidate(1, 1, 10.0, 0.1), Candidate(2, 1, 1.0, 0.9)]
    assert order(candidates, ONE) == [1, 2]
    assert order(candidates, {1: FusionWeight(0.25, "m")}) == [2, 1]
    assert [each.score for each in fuse(candidates, ONE)] == [0.75, 0.25]


@pytest.mark.parametrize("lexical, dense", [(None, (0.9, 0.8)), ((9.0, 8.0), None)])
def test_a_leg_without_scores_leaves_all_to_the_other(
    lexical: tuple[float, float] | None, dense: tuple[float, float] | None
) -> None:
    candidates = [Candidate(n, 1, lexical[n] if lexical else None, dense[n] if dense else None) for n in (0, 1)]
    fused = fuse(candidates, ONE)
    assert [each.candidate.chunk_id for each in fused] == [0, 1]
    assert fused[0].score == 1.0


def test_equal_scores_have_the_same_order_every_time() -> None:
    candidates = [Candidate(n, 1, 5.0, 0.5) for n in (3, 1, 2)]
    assert order(candidates, ONE) == order(candidates[::-1], ONE) == [1, 2, 3]


def test_cosines_of_two_models_are_not_compared() -> None:
    # 0.9 is worst for one model, 0.4 the best for the other.
    candidates = [
        Candidate(1, 1, None, 0.95),
        Candidate(2, 1, None, 0.90),
        Candidate(3, 2, None, 0.40),
        Candidate(4, 2, None, 0.10),
    ]
    weights = {1: FusionWeight(0.6, "one"), 2: FusionWeight(0.6, "two")}
    assert order(candidates, weights) == [1, 3, 2, 4]
    assert order(candidates, {1: FusionWeight(0.6, "one"), 2: FusionWeight(0.6, "one")}) == [1, 2, 3, 4]


def test_no_candidates_are_no_ranking() -> None:
    assert fuse([], {}) == []


@pytest.mark.parametrize(
    ("model", "language", "is_embedded", "weight"),
    [
        ("wordllama", "en", True, 0.75),
        ("wordllama", "vi", True, 0.95),  # there, its vectors are noise
        ("nomic-embed-text", "en", False, 0.6),
        ("nomic-embed-text", "vi", False, 0.8),  # it knows English only
        ("bge-m3", "vi", False, 0.6),
        ("never-heard-of", "en", False, 0.8),
    ],
)
def test_a_weak_embedder_has_a_small_voice(model: str, language: str, is_embedded: bool, weight: float) -> None:
    assert default_weight(model, language, is_embedded=is_embedded) == weight
