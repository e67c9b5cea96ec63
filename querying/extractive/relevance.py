"""Scores how likely each sentence of the found passages is the answer to a question. Pure: no Django.

A sum of a few features, in log-odds: their weights were fitted so that the softmax of the scores of one question says
how likely each sentence holds the answer, on questions about one half of squad-dev's articles, in English and German.
On the other half, with answers of 315 characters, the answer was then in the text of 0.822 of squad-dev's questions
(before: 0.817), of 0.929 of xquad-en's (0.916), and of 0.880 of xquad-de's (0.876). `manage.py evaluate --answers`
measures it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from querying.extractive.quotable import Quotable, quotables_of, with_items
from querying.passages import Passage
from querying.questions.answer_type import AnswerType, fold, has_wanted, wanted_by
from querying.questions.asking_part import asking_part
from querying.questions.function_words import function_words_among
from querying.questions.identifiers import found_codes, missing_identifiers
from querying.questions.measures import measure_of
from querying.questions.word_likeness import stand_ins
from querying.text.blocks import QUESTION_MARKS, LineKind
from querying.text.sentences import whole_words_of

PASSAGES_KEPT = 1000  # with their words: some 10 kB each
MAX_SENTENCES_READ = 400  # of all passages; the best come first
LIST_MAX_CHARS = 320  # of a list that is quoted as a whole
COVERED = 9.0  # the share of the question's weight in the sentence, 0..1
IMPLIED = 5.6  # ... in the title and headings above it
CONTINUED = 2.8  # ... in the sentence before it: "They lapse in March."
NAMED_BEFORE = 1.6  # more for a name that stands only above or before: "Tesla was born in Smiljan. He died in 1943."
IN_PAIRS = 1.6  # ... in words side by side as in the question
PASSAGE = 8.0  # the passage's score, 0..1
WANTED = {
    AnswerType.NUMBER: 2.4,
    AnswerType.TIME: 2.2,
    AnswerType.NAME: 1.0,
    AnswerType.REASON: 1.6,
    AnswerType.WAY: 1.5,
}
ENOUGH_COVERED = 0.25  # of the question's weight, for a sentence to be about it
MEASURED = 3.9  # ... a number that counts or measures what was asked for: days for "How many days?"
MEASURED_OTHERWISE = 1.5  # ... a number that doesn't
NAMED = 9.0  # the share of the question's codes in the sentence, however they are joined
NAMED_ABOVE = 6.0  # ... in the sentence before it, the heading or the label
MISSED = 0.3  # of the weight of a word that a sentence has: one that none has
STANDS_IN = 0.5  # from here on a word counts as the question's own
NO_ANSWER = -3.0  # a question, a title, the line above a list: what it says is not yet what was asked for
ONLY_A_NAME = -8.0  # that of its document
FUNCTION_WORD = 0.2  # of the weight of other words
_NAME = re.compile(r"(?<=[^\s.!?:])\s+[\"“„(]?([A-ZÀ-ÖØ-ÞĐ][\w’'-]+)")  # not the first word of a sentence


@dataclass(frozen=True)
class ScoredQuotable:
    """`passages[number - 1].text[start:end]`, and the log-odds that it is the answer."""

    number: int
    start: int
    end: int
    words: frozenset[str]
    columns: str
    score: float


@dataclass(frozen=True)
class _Part:
    """A quotable part of a passage, and its words."""

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
    is_title: bool


@dataclass(frozen=True)
class _Question:
    """A question, with the weights of its words among the sentences."""

    text: str
    weights: Mapping[str, float]  # of its words; they add up to 1 with those that no sentence has
    names: frozenset[str]  # those of its words that are written with a capital; in German, nouns too
    near: Mapping[str, Mapping[str, float]]  # word -> words that stand for it, and how far
    pairs: Mapping[tuple[str, str], float]
    codes: tuple[str, ...]
    wanted: AnswerType | None
    measure: re.Pattern[str] | None

    def covered(self, words: frozenset[str]) -> dict[str, float]:
        """Return the question's words that these stand for, each with its degree, 0..1."""
        found = {}
        for word in self.weights:
            near = self.near[word]
            if word in words:
                found[word] = 1.0
            elif value := max((near[each] for each in near.keys() & words), default=0.0):
                found[word] = value
        return found


def score_sentences(
    question: str, passages: Sequence[Passage], alike: Mapping[str, Iterable[str]] | None = None
) -> list[ScoredQuotable]:
    """Return the quotable parts of the passages with their scores, in the order of the text; empty without text.

    `alike` has other words for some of the question's, that were searched too.
    """
    candidates = _candidates(passages)
    read = _read(question, candidates, alike or {})
    return [
        ScoredQuotable(
            each.number,
            each.part.place.start,
            each.part.place.end,
            frozenset(each.part.words),
            each.part.place.columns,
            _score(each, read),
        )
        for each in candidates
    ]


def _candidates(passages: Sequence[Passage]) -> list[_Candidate]:
    best = max((passage.score for passage in passages), default=0.0)
    found: list[_Candidate] = []
    for number, passage in enumerate(passages, start=1):
        share = passage.score / best if best > 0 else 1.0
        about = frozenset(whole_words_of(f"{passage.document_title} {passage.heading}"))
        found += [
            _Candidate(number, part, about | part.above, share, _is_title(part, passage))
            for part in _parts(passage.text)
        ]
        if len(found) >= MAX_SENTENCES_READ:
            break
    return found


def _is_title(part: _Part, passage: Passage) -> bool:
    """Return whether this part is the title of its document, and no statement."""
    if part.text.casefold() == passage.document_title.casefold():
        return True
    if part.place.kind is not LineKind.PROSE or "\n" in part.text:
        return False
    is_first_line = passage.start == 0 and not passage.text[: part.place.start].strip()
    after = passage.text[part.place.end :]
    return is_first_line and part.text[-1:].isalnum() and after.lstrip(" ").startswith("\n") and bool(after.strip())


@lru_cache(maxsize=PASSAGES_KEPT)
def _parts(text: str) -> tuple[_Part, ...]:
    """Return the parts of a passage. Cached, because the good passages of a corpus are found often."""
    places = quotables_of(text)
    made = []
    for number, place in enumerate(places):
        whole = with_items(text, places, number, LIST_MAX_CHARS) if place.kind is LineKind.LABEL else place
        part = text[whole.start : whole.end]
        words = tuple(whole_words_of(part))
        made.append(
            _Part(
                whole,
                part,
                words,
                own=frozenset([*words, *whole_words_of(place.asked)]),
                before=frozenset(whole_words_of(place.before)),
                above=frozenset(whole_words_of(f"{place.heading} {place.columns}")),
            )
        )
    return tuple(made)


def _read(question: str, candidates: Sequence[_Candidate], alike: Mapping[str, Iterable[str]]) -> _Question:
    text = asking_part(question) or question
    codes = found_codes(question, [each.part.text for each in candidates])
    in_codes = {word for code in codes for word in whole_words_of(code)}
    asked = [word for word in whole_words_of(text) if word not in in_codes]
    seen = Counter(word for each in candidates for word in each.part.own)
    asks = function_words_among(asked)
    near = stand_ins(dict.fromkeys(asked), seen.keys(), alike, asks)
    weights = _weights(near, asks, [each.part.own for each in candidates])
    pairs = {pair: weights.get(pair[0], 0.0) + weights.get(pair[1], 0.0) for pair in pairwise(asked)}
    total = sum(pairs.values())
    pairs = {pair: weight / total for pair, weight in pairs.items()} if total else {}
    names = frozenset(word for name in _NAME.findall(text) for word in whole_words_of(name))
    return _Question(text, weights, names, near, pairs, codes, wanted_by(text), measure_of(fold(text)))


def _weights(
    near: Mapping[str, Mapping[str, float]], asks: AbstractSet[str], sentences: Sequence[frozenset[str]]
) -> dict[str, float]:
    """Return the share of each word in the question's weight: higher for words that are rare among the sentences."""
    rarity: dict[str, float] = {}
    missed = 0.0
    for word, stand_in in near.items():
        full = {each for each, value in stand_in.items() if value >= STANDS_IN} or stand_in.keys()
        seen = sum(not full.isdisjoint(words) for words in sentences)
        factor = FUNCTION_WORD if word in asks else 1.0
        weight = math.log(1 + len(sentences) / (1 + seen)) * factor
        if seen:
            rarity[word] = weight
        else:
            missed += MISSED * weight
    total = sum(rarity.values()) + missed
    return {word: weight / total for word, weight in rarity.items()} if total else {}


def _score(candidate: _Candidate, asked: _Question) -> float:
    part = candidate.part
    weights = asked.weights
    own = asked.covered(part.own)
    covered = sum(weights[word] * value for word, value in own.items())
    missing = {word: weight for word, weight in weights.items() if own.get(word, 0.0) < STANDS_IN}
    before = asked.covered(part.before)
    continued = sum(weight * before.get(word, 0.0) for word, weight in missing.items())
    about = asked.covered(candidate.about)
    implied = sum(weight * about.get(word, 0.0) for word, weight in missing.items())
    score = COVERED * covered + CONTINUED * continued + IMPLIED * implied
    score += NAMED_BEFORE * sum(
        weight for word, weight in missing.items() if word in asked.names and (word in before or word in about)
    )
    score += IN_PAIRS * sum(asked.pairs.get(pair, 0.0) for pair in set(pairwise(part.words)))
    score += PASSAGE * candidate.share
    if asked.codes:
        score += _named(part, asked.codes)
    # A number says nothing in a sentence about something else.
    if asked.measure is not None and asked.measure.search(fold(part.text)):
        score += MEASURED * min(1.0, (covered + continued + implied) / ENOUGH_COVERED)
    elif asked.wanted is not None and has_wanted(part.text, asked.wanted, asked.text):
        worth = WANTED[asked.wanted] if asked.measure is None else MEASURED_OTHERWISE
        score += worth * min(1.0, (covered + continued) / ENOUGH_COVERED)
    if candidate.is_title:
        score += ONLY_A_NAME
    elif _is_no_answer(part, weights):
        score += NO_ANSWER
    return score


def _named(part: _Part, codes: Sequence[str]) -> float:
    """Return the score for codes of the question in a sentence, or right above it."""
    place = part.place
    own = sum(not missing_identifiers(code, [part.text]) for code in codes)
    above = " ".join([part.text, place.before, place.asked, place.heading])
    implied = sum(not missing_identifiers(code, [above]) for code in codes) - own
    return (NAMED * own + NAMED_ABOVE * implied) / len(codes)


def _is_no_answer(part: _Part, weights: Mapping[str, float]) -> bool:
    text = part.text
    is_bare_label = part.place.kind is LineKind.LABEL and text.rstrip("*_ ").endswith((":", "："))
    is_question = text.rstrip('*_"” ').endswith(QUESTION_MARKS)
    return part.place.kind is LineKind.TITLE or is_bare_label or is_question or part.own <= weights.keys()
