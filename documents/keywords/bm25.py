"""Computes BM25: weights of a question's words, the choice of chunks to score, and the score as SQL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from documents.keywords.terms import LEVELS, QuestionTerm
from ragsite.postgres.compiled_queries import Compiled

# Passages are short: the first occurrence of a word tells most, the third one little (k1 is 1.2 for whole documents).
K1, B = 0.9, 0.75
LEAST_EXPONENT = 0.5  # of a word's count in the question, for the shortest questions
LONG_QUESTION_WORDS = 10  # searched words; from here on each occurrence counts in full
TERMS_MAX = 64  # words of a question that are scored; those with the lowest weights are left out
TERMS_AT_FULL_BUDGET = 12  # scoring takes as long as chunks times words
COMMON_SHARE = 0.1  # of the budget: at least so much for each word that doesn't fit it
ENOUGH = 400  # chunks; with fewer, common words fill up


@dataclass(frozen=True)
class WeightedTerm:
    """A query term: its weight, and its term ids by priority (the first that a chunk has is counted)."""

    lexeme: str
    weight: float
    terms: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """Which chunks to score: those with one of `terms`, and up to `fill_limit` of those with `fill_term`."""

    weighted: tuple[WeightedTerm, ...]
    terms: tuple[int, ...]
    fill_term: int | None = None
    fill_limit: int = 0
    is_bounded: bool = False  # some chunks with a word of the question are left out


def idf(chunk_count: int, frequency: int) -> float:
    """Return the inverse document frequency of a word that occurs in so many chunks.

    Of 1,000 chunks: 6.5 for a word in one of them, 2.3 in 100, 0.0005 in all.
    """
    frequency = min(frequency, chunk_count)
    return math.log(1 + (chunk_count - frequency + 0.5) / (frequency + 0.5))


def repeated(count: int, words: int) -> float:
    """Return the weight of a word that occurs `count` times in a question of so many searched words.

    In one sentence, grammar repeats words ("which state borders the state of ..."); a paragraph repeats its subject.
    Two occurrences count 1.5 where they are all of the question, 1.9 among 9 words, 2 among 10 and more.
    """
    return float(count ** min(1.0, LEAST_EXPONENT + words / (2 * LONG_QUESTION_WORDS)))


def telling_terms(terms: Sequence[QuestionTerm]) -> list[QuestionTerm]:
    """Return the words to search for: those that the corpus has and that aren't stop words, else stop words too."""
    known = [term for term in terms if term.frequency]
    return [term for term in known if term.is_content] or known


def choose(terms: Sequence[QuestionTerm], chunk_count: int, *, budget: int | None) -> Choice:
    """Return the weights of a question's words, and which chunks to score with them: about `budget`, or all.

    Rare words come first, while the chunks that have them fit the budget. A word that doesn't fit adds the chunks in
    which it occurs most often. So the cost is bounded however common the words are, and the scored chunks are never an
    arbitrary part of the matches, except where a word occurs equally often in all of them.
    """
    telling = telling_terms(terms)
    words = sum(term.count for term in telling)
    weighted = sorted(
        ((term.factor * repeated(term.count, words) * idf(chunk_count, term.frequency), term) for term in telling),
        key=lambda pair: -pair[0],
    )[:TERMS_MAX]
    scored = tuple(WeightedTerm(term.lexeme, weight, term.count_terms) for weight, term in weighted)
    chosen = sorted((term for _, term in weighted), key=lambda term: term.frequency)
    if budget is None:
        return Choice(scored, tuple(key for term in chosen for key in term.own_terms))
    budget = int(budget * min(1.0, TERMS_AT_FULL_BUDGET / max(1, len(chosen))))
    rare, left = _rarest(chosen, budget)
    common = chosen[len(rare) :]
    keys = [key for term in rare for key in term.own_terms]
    for place, term in enumerate(common):
        share = max(budget * COMMON_SHARE, left / (len(common) - place))
        marks, matches = _most_about(term, share)
        keys += marks
        left -= matches
    if not common or budget - left >= ENOUGH:
        return Choice(scored, tuple(keys), is_bounded=bool(common))
    return Choice(scored, tuple(keys), common[0].terms[0], ENOUGH, is_bounded=True)


def _rarest(chosen: Sequence[QuestionTerm], budget: int) -> tuple[Sequence[QuestionTerm], float]:
    """Return the words, rarest first, whose chunks fit the budget, and what is left of it."""
    left: float = budget
    for place, term in enumerate(chosen):
        if term.frequency > left:
            return chosen[:place], left
        left -= term.frequency
    return chosen, left


def _most_about(term: QuestionTerm, most: float) -> tuple[tuple[int, ...], int]:
    """Return the marks of the chunks in which a common word occurs most often, and how many those are."""
    for level in range(1, len(LEVELS) + 1):
        marked = term.marked_from(level)
        if marked <= most:
            return term.marks_from(level), marked
    return (), 0


def bm25(weighted: Sequence[WeightedTerm], average: float) -> Compiled:
    """Return the BM25 score of a row of documents_chunk, as SQL that reads its terms and their counts.

    `weight * tf * (k1 + 1) / (tf + norm)`, summed over the question's words, with
    `norm = k1 * (1 - b + b * length / average length)`. A word twice in a chunk of average length scores
    weight * 2 * 1.9 / (2 + 0.9) = 1.31 * weight; written as weight * 1.9 / (1 + norm / tf), so that tf is read once.
    """
    norm = "(%s::float8 + %s::float8 * lexeme_count)"
    parts: list[str] = []
    parameters: list[Any] = []
    for word in weighted:
        places = ", ".join(["array_position(terms, %s::bigint)"] * len(word.terms))
        parts.append(f"coalesce(%s::float8 / (1 + {norm} / term_counts[coalesce({places})]), 0)")
        parameters += [word.weight * (K1 + 1), K1 * (1 - B), K1 * B / average, *word.terms]
    return f"({' + '.join(parts) or '0::float8'})", tuple(parameters)
