"""Computes the evidence that the found passages hold an answer: features that are comparable between questions.

Each feature is comparable over questions of any length and language and over corpora of any size; its weight is learnt
from judged questions (querying/retrieval/answerability.py). All come from raw scores, because ranks tell nothing about
absence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

from documents.keywords.bm25 import K1, idf, repeated
from documents.keywords.terms import CONTEXT_FACTOR, QuestionTerm, ReadQuestion
from querying.questions.function_words import is_function_word
from querying.retrieval.proximity import content_pairs
from querying.text.sentences import words_of

PASSAGES = 5  # the best ones, whose words are compared
TAIL = slice(9, 20)  # ranks of the keyword leg whose passages match by chance
SMALL_CHUNKS = 15  # fewer make a corpus small
CHUNKS_ADDED = 10  # without any of the words: in a corpus of two chunks, a word in one of them is not common


@dataclass(frozen=True)
class FoundWords:
    """A passage's term ids, and its words in their order."""

    terms: AbstractSet[int]
    words: Sequence[str]


@dataclass(frozen=True)
class Evidence:
    """The features of one corpus. Shares are of the question's weight: the sum of the IDF of its content words.

    `closeness` is the best cosine on the scale of its space (documents/reindexing/closeness.py). None: there is no
    vector leg, its space was never measured, or its model doesn't know the language.
    """

    known: float  # share of the words that the corpus has at all
    best: float  # the best BM25, over what a passage of nothing but these words could reach
    lead: float  # how far the best BM25 is above that of the tenth passage and those after it, 0..1
    words: float  # ln of the number of content words
    found: float  # ln of 1 + how many of them the best of the passages has
    mass: float  # the best BM25, in units of the rarest possible word
    pairs: float  # share of the neighbouring words that stand together in one of the passages
    length: float  # ln of the mean length of the corpus' chunks, in words
    chance: float  # share that a chunk has by chance
    rarity: float  # mean weight of a word, in units of the rarest possible one
    closeness: float | None = None
    writing: str = "stemmed"  # how the question is written, see `querying.retrieval.answerability.writing_of`
    is_small: bool = False  # the corpus has so few chunks that rarity and chance mean something else


def evidence_for(
    question: ReadQuestion,
    passages: Sequence[FoundWords],
    *,
    lexical: Sequence[float],
    chunk_count: int,
    average_length: float,
    closeness: float | None = None,
    writing: str = "stemmed",
) -> Evidence:
    """Return the evidence for a question, from its best passages and all BM25 scores, the highest first.

    A word that no document has weighs more than the rarest one that is there: texts without the word Basel hold no
    answer to a question about it.
    """
    asked = _asked(question)
    frequencies = _frequencies(question, asked)
    weights = {lexeme: idf(chunk_count, frequency) for lexeme, frequency in frequencies.items()}
    total = sum(weights.values())
    if not asked or total <= 0:
        return Evidence(
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, math.log(max(1.0, average_length)), 0.0, 0.0, closeness, writing
        )
    chunks = max(1, chunk_count)
    rarest = math.log(chunks + 1)
    highest = lexical[0] if lexical else 0.0
    tail = lexical[TAIL] or lexical[1:][-1:] or [0.0]
    count = sum(term.count for term in asked)
    most = sum(term.factor * repeated(term.count, count) * weights[term.lexeme] for term in asked) * (K1 + 1)
    return Evidence(
        known=sum(weights[lexeme] for lexeme, frequency in frequencies.items() if frequency) / total,
        best=highest / most,
        lead=(highest - sum(tail) / len(tail)) / highest if highest > 0 else 0.0,
        words=math.log(len(asked)),
        found=math.log1p(_most_found(asked, weights, passages)),
        mass=highest / rarest / (K1 + 1),
        pairs=_pairs_share(question, asked, weights, passages, chunks),
        length=math.log(max(1.0, average_length)),
        chance=sum(weights[lexeme] * frequency for lexeme, frequency in frequencies.items())
        / (chunks + CHUNKS_ADDED)
        / total,
        rarity=total / len(asked) / rarest,
        closeness=closeness,
        writing=writing,
        is_small=chunk_count < SMALL_CHUNKS,
    )


def _asked(question: ReadQuestion) -> list[QuestionTerm]:
    """Return the content words of the question.

    Without courtesy, the rest of a mail, and question words ("how many", "wer", "là"): most of these are no stop words
    of Postgres, and an answer need not contain them.
    """
    asked = [term for term in question.terms if term.factor > CONTEXT_FACTOR] or list(question.terms)
    asked = [term for term in asked if term.is_content] or asked
    return [term for term in asked if not _only_asks(term, question)] or asked


def _only_asks(term: QuestionTerm, question: ReadQuestion) -> bool:
    words = {question.words[place - 1] for place in term.places if place <= len(question.words)}
    return bool(words) and all(all(map(is_function_word, words_of(word))) for word in words)


def _frequencies(question: ReadQuestion, asked: Sequence[QuestionTerm]) -> dict[str, int]:
    """Return the number of chunks with each word, or with another word for it."""
    chunks = {key: term.frequency for term in (*question.terms, *question.others) for key in term.own_terms}
    return {term.lexeme: max([term.frequency, *(chunks.get(key, 1) for key in term.also)]) for term in asked}


def _most_found(asked: Sequence[QuestionTerm], weights: Mapping[str, float], passages: Sequence[FoundWords]) -> int:
    """Return how many of the words are in the passage that has most of their weight."""
    best, count = -1.0, 0
    for passage in passages:
        there = [term for term in asked if not passage.terms.isdisjoint(term.match_terms)]
        weight = sum(weights[term.lexeme] for term in there)
        if weight > best:
            best, count = weight, len(there)
    return count


def _pairs_share(
    question: ReadQuestion,
    asked: Sequence[QuestionTerm],
    weights: Mapping[str, float],
    passages: Sequence[FoundWords],
    chunks: int,
) -> float:
    at = {place: weights[term.lexeme] for term in asked for place in term.places}
    pairs = content_pairs(question.words, at, most=math.log(max(2, chunks)))
    total = sum(pairs.values())
    if total <= 0:
        return 0.0
    best = 0.0
    for passage in passages:
        words = passage.words
        together = {*pairwise(words), *zip(words, words[2:], strict=False)}
        best = max(best, sum(weight for pair, weight in pairs.items() if pair in together))
    return best / total
