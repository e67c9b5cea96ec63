"""Scores words that are neighbours both in the question and in a passage: "super bowl" is more than its two words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from documents.keywords.bm25 import K1, B, idf
from documents.keywords.terms import ReadQuestion

PAIRS_SHARE = 0.2  # the weight of pairs next to single words
DEPTH = 20  # candidates considered: a pair or two would not bring one from further down to the top
Pair = tuple[str, str]


def pair_weights(question: ReadQuestion, chunk_count: int) -> dict[Pair, float]:
    """Return the weight of each pair of neighbouring words of a question.

    About as rare as both words together; no rarer than one chunk of all.
    """
    rarity = {place: term.factor * idf(chunk_count, term.frequency) for term in question.terms for place in term.places}
    if len(rarity) != len(question.words):
        return {}  # Postgres cut a word in two: then places and words don't belong together
    most = math.log(max(2, chunk_count))
    weights: dict[Pair, float] = {}
    for place, pair in enumerate(pairwise(question.words), start=1):
        weights[pair] = weights.get(pair, 0.0) + min(most, rarity[place] + rarity[place + 1])
    return weights


def content_pairs(words: Sequence[str], weights: Mapping[int, float], *, most: float) -> dict[Pair, float]:
    """Return the pairs of content words that stand together in a question, or with one word between, and their weight.

    `weights` has that of each content word by its place, from 1; a pair weighs as much as both, `most` at most.
    """
    pairs: dict[Pair, float] = {}
    for place in range(1, len(words)):
        first, second, third = (weights.get(each, 0.0) for each in (place, place + 1, place + 2))
        if first > 0 and second > 0:
            pairs[(words[place - 1], words[place])] = min(most, first + second)
        elif first > 0 and third > 0 and place + 1 < len(words):
            pairs[(words[place - 1], words[place + 1])] = min(most, first + third)
    return pairs


def pair_score(weights: Mapping[Pair, float], words: Sequence[str], *, relative_length: float) -> float:
    """Return the BM25 of a passage's pairs. `relative_length` is its length in words over the average length."""
    if not weights:
        return 0.0
    norm = K1 * (1 - B + B * relative_length)
    counts = Counter(pair for pair in pairwise(words) if pair in weights)
    return sum(weights[pair] * count * (K1 + 1) / (count + norm) for pair, count in counts.items())
