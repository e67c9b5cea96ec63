"""Corrects the spelling of a word that a corpus doesn't have to one that it has. Pure: no Django.

A mistake is a letter too many, too few or a wrong one, or two swapped letters; a short word may have fewer mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rapidfuzz.distance import OSA

CORRECTED_MIN_CHARS = 4
LOOSE_START_CHARS = 6  # shorter words must have the same first letter: "able" is not corrected to table
TWO_MISTAKES_CHARS = 8
_SOUNDS = (
    ("ce", "se"), ("ci", "si"), ("cy", "si"), ("ai", "ei"), ("ay", "ei"), ("ey", "ei"), ("oi", "eu"), ("dt", "t"),
    ("th", "t"), ("ph", "f"), ("ck", "k"), ("c", "k"), ("y", "i"), ("v", "f"), ("z", "s"),
)  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiou]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Span(NamedTuple):
    """Words (without accents) with this beginning or end, of `shortest` to `longest` letters; empty: no condition."""

    beginning: str
    end: str
    shortest: int
    longest: int


def mistakes_allowed(word: str) -> int:
    """Return how many mistakes a word of this length may have."""
    if len(word) < CORRECTED_MIN_CHARS:
        return 0
    return 2 if len(word) >= TWO_MISTAKES_CHARS else 1


def spans_of(word: str) -> list[Span]:
    """Return the spans of words that `word` (without accents) may be a misspelling of.

    One mistake is in one half of a word, so the other half is right. Two letters swapped across the middle change one
    letter of each half. Two mistakes in a long word may be in its first and last third: then the first letter is right.
    """
    half = max(2, (len(word) - 1) // 2)
    allowed = mistakes_allowed(word)
    shortest, longest = len(word) - allowed, len(word) + allowed
    if len(word) < LOOSE_START_CHARS:
        return [Span(word[:1], "", shortest, longest)]
    if allowed == 1:
        return [Span(word[:half], word[-half:], shortest, longest)]
    third = max(3, len(word) // 3)
    return [Span(word[:third], word[-half:], shortest, longest), Span(word[:1], "", shortest, longest)]


def one_mistake_away(word: str) -> set[str]:
    """Return every string that one mistake turns into `word`; none for words that are too short.

    The letters of the English alphabet and of `word` itself are tried: about 55 strings for each letter.
    """
    if not mistakes_allowed(word):
        return set()
    letters = {*_LETTERS, *word}
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {before + after[1:] for before, after in cuts if after}
    found |= {before + after[1] + after[0] + after[2:] for before, after in cuts if len(after) > 1}
    found |= {before + letter + after[1:] for before, after in cuts if after for letter in letters}
    found |= {before + letter + after for before, after in cuts for letter in letters}
    return found - {word}


def distance(one: str, other: str) -> int:
    """Return how many mistakes two words differ by; 3 stands for 3 or more."""
    return int(OSA.distance(one, other, score_cutoff=2))


def nearest(word: str, candidates: Mapping[str, int], *, at_most: int) -> str | None:
    """Return the candidate that `word` was meant as, at most so many mistakes away; None: none of them.

    Candidates (without accents, as `word` is) come with the number of chunks that have them. Equal sound comes first,
    then fewer mistakes, then equal consonants (vowels are mistaken more often), then the same first letter, then the
    higher frequency in the corpus.
    """
    ranked = sorted(
        (
            not sounds_like(word, candidate),
            mistakes,
            _consonants(word) != _consonants(candidate),
            candidate[0] != word[0],
            -chunks,
            candidate,
        )
        for candidate, chunks in candidates.items()
        for mistakes in [distance(word, candidate)]
        if _may_be(word, candidate, mistakes, at_most)
    )
    return ranked[0][-1] if ranked else None


def closest(word: str, candidates: Iterable[str]) -> list[str]:
    """Return the candidates that `word` may be a misspelling of."""
    allowed = mistakes_allowed(word)
    return [each for each in candidates if _may_be(word, each, distance(word, each), allowed)]


def sounds_like(one: str, other: str) -> bool:
    """Return whether two words (without accents) sound alike: Meier and Maier, Schmidt and Schmitt."""
    return _sound(one) == _sound(other)


def _sound(word: str) -> str:
    for written, said in _SOUNDS:
        word = word.replace(written, said)
    return _DOUBLED.sub(r"\1", word)


def _consonants(word: str) -> str:
    return _DOUBLED.sub(r"\1", _VOWELS.sub("", _sound(word)))


def _may_be(word: str, candidate: str, mistakes: int, at_most: int) -> bool:
    if mistakes > at_most:
        return False
    if not mistakes:  # they differ in accents only
        return True
    if sounds_like(word, candidate):
        return True
    if candidate[0] != word[0]:
        return mistakes == 1 and len(word) >= LOOSE_START_CHARS
    # In short words a wrong letter often gives another real word: hang and hand, angle and ankle.
    return len(word) >= LOOSE_START_CHARS or len(word) != len(candidate) or sorted(word) == sorted(candidate)
