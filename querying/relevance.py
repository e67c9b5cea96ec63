"""How likely each sentence of the found passages is the answer to a question. Pure: no Django.

A sum of a few features, in log-odds: their weights were fitted on open sets in four languages, so that the softmax of
the scores of one question says how likely each sentence holds the answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from querying.blocks import QUESTION_MARKS, Kind
from querying.function_words import is_function_word
from querying.passage import FoundPassage
from querying.question_type import Wanted, has_wanted, wanted_by
from querying.quotable import Quotable, quotables_of, with_items
from querying.sentences import words_of

PASSAGES_KEPT = 1000  # with their words: some 10 kB each
MAX_SENTENCES_READ = 400  # of all passages; the best come first
LIST_MAX_CHARS = 320  # of a list that is quoted as a whole
COVERED = 7.0  # the share of the question's weight in the sentence, 0..1
IMPLIED = 4.0  # ... in the title and headings above it
CONTINUED = 2.2  # ... in the sentence before it: "They lapse in March."
INFLECTED = 1.8  # ... in other forms of its words: "Beitragssatz" for "Beitrag"
IN_PAIRS = 1.4  # ... in words side by side as in the question
PASSAGE = 4.5  # the passage's score, 0..1
WANTED = {Wanted.NUMBER: 2.1, Wanted.TIME: 2.1, Wanted.NAME: 1.5, Wanted.REASON: 1.5}
ENOUGH_COVERED = 0.25  # of the question's weight, for a sentence to be about it
NO_ANSWER = -3.0  # a question, a title, the line above a list: what it says is not yet what was asked for
FUNCTION_WORD = 0.2  # of the weight of other words
PREFIX_CHARS = 4  # fewer in common say nothing


@dataclass(frozen=True)
class Scored:
    """`passages[number - 1].text[start:end]`, and the log-odds that it is the answer."""

    number: int
    start: int
    end: int
    words: frozenset[str]
    columns: str
    score: float


@dataclass(frozen=True)
class _Part:
    """What can be quoted of a passage, and its words."""

    place: Quotable
    text: str
    words: tuple[str, ...]
    own: frozenset[str]  # with those of the question or label right above: understood as if it were one sentence
    before: frozenset[str]
    above: frozenset[str]


@dataclass(frozen=True)
class _Candidate:
    number: int
    part: _Part
    about: frozenset[str]
    share: float


def score_sentences(question: str, passages: Sequence[FoundPassage]) -> list[Scored]:
    """Return the quotable parts of the passages with their scores, in the order of the text; empty without text."""
    candidates = _candidates(passages)
    asked = words_of(question)
    weights = _weights(asked, [each.part.words for each in candidates])
    pairs = _pair_weights(asked, weights)
    wanted = wanted_by(question)
    return [
        Scored(
            each.number,
            each.part.place.start,
            each.part.place.end,
            frozenset(each.part.words),
            each.part.place.columns,
            _score(each, question, weights, pairs, wanted),
        )
        for each in candidates
    ]


def _candidates(passages: Sequence[FoundPassage]) -> list[_Candidate]:
    best = max((passage.score for passage in passages), default=0.0)
    found: list[_Candidate] = []
    for number, passage in enumerate(passages, start=1):
        share = passage.score / best if best > 0 else 1.0
        about = frozenset(words_of(f"{passage.document_title} {passage.heading}"))
        found += [_Candidate(number, part, about | part.above, share) for part in _parts(passage.text)]
        if len(found) >= MAX_SENTENCES_READ:
            break
    return found


@lru_cache(maxsize=PASSAGES_KEPT)
def _parts(text: str) -> tuple[_Part, ...]:
    """Return the parts of a passage. The good passages of a corpus come up again and again."""
    places = quotables_of(text)
    made = []
    for number, place in enumerate(places):
        whole = with_items(text, places, number, LIST_MAX_CHARS) if place.kind is Kind.LABEL else place
        part = text[whole.start : whole.end]
        words = tuple(words_of(part))
        made.append(
            _Part(
                whole,
                part,
                words,
                own=frozenset([*words, *words_of(place.asked)]),
                before=frozenset(words_of(place.before)),
                above=frozenset(words_of(f"{place.heading} {place.columns}")),
            )
        )
    return tuple(made)


def _weights(asked: Sequence[str], sentences: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the question's words with their share of its weight: rare ones among the sentences have more."""
    seen = Counter(word for words in sentences for word in set(words))
    rarity = {
        word: math.log(1 + len(sentences) / (1 + seen[word])) * (FUNCTION_WORD if is_function_word(word) else 1.0)
        for word in dict.fromkeys(asked)
        if seen[word]
    }
    total = sum(rarity.values())
    return {word: weight / total for word, weight in rarity.items()} if total else {}


def _pair_weights(asked: Sequence[str], weights: Mapping[str, float]) -> dict[tuple[str, str], float]:
    pairs = {pair: weights.get(pair[0], 0.0) + weights.get(pair[1], 0.0) for pair in pairwise(asked)}
    total = sum(pairs.values())
    return {pair: weight / total for pair, weight in pairs.items()} if total else {}


def _score(
    candidate: _Candidate,
    question: str,
    weights: Mapping[str, float],
    pairs: Mapping[tuple[str, str], float],
    wanted: Wanted | None,
) -> float:
    part = candidate.part
    own, text = part.own, part.text
    missing = [word for word in weights if word not in own]
    covered = sum(weight for word, weight in weights.items() if word in own)
    continued = sum(weights[word] for word in missing if word in part.before)
    inflected = sum(weights[word] * _likeness(word, own) for word in missing)
    score = COVERED * covered + CONTINUED * continued + INFLECTED * inflected
    score += IMPLIED * sum(weights[word] for word in missing if word in candidate.about)
    score += IN_PAIRS * sum(pairs.get(pair, 0.0) for pair in set(pairwise(part.words)))
    score += PASSAGE * candidate.share
    if wanted is not None and has_wanted(text, wanted, question):
        # A number says nothing in a sentence about something else.
        score += WANTED[wanted] * min(1.0, (covered + continued + inflected) / ENOUGH_COVERED)
    kind = part.place.kind
    is_bare_label = kind is Kind.LABEL and text.rstrip("*_ ").endswith((":", "："))
    if kind is Kind.TITLE or is_bare_label or text.rstrip('*_"” ').endswith(QUESTION_MARKS) or own <= weights.keys():
        score += NO_ANSWER
    return score


def _likeness(word: str, own: frozenset[str]) -> float:
    """Return how much of a word begins one of these, 0..1; 0 below PREFIX_CHARS characters."""
    start = word[:PREFIX_CHARS]
    if len(start) < PREFIX_CHARS:
        return 0.0
    return max((_common(word, other) for other in own if other.startswith(start)), default=0) / len(word)


def _common(one: str, other: str) -> int:
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
