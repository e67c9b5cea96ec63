"""A word that a corpus doesn't have -> the word of the corpus that was meant, by its letters. Pure: no Django.

A mistake is a letter too many, too few or another one, or two that changed places; fewer are forgiven in a short word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rapidfuzz.distance import OSA

CORRECTED_MIN_CHARS = 4
LOOSE_START_CHARS = 6  # shorter words must begin alike: "able" is no table
TWO_MISTAKES_CHARS = 8
_SOUNDS = (
    ("ce", "se"), ("ci", "si"), ("cy", "si"), ("ai", "ei"), ("ay", "ei"), ("ey", "ei"), ("oi", "eu"), ("dt", "t"),
    ("th", "t"), ("ph", "f"), ("ck", "k"), ("c", "k"), ("y", "i"), ("v", "f"), ("z", "s"),
)  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiou]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Span(NamedTuple):
    """Words (without accents) that begin or end alike, from `shortest` to `longest` letters. Empty: not by that."""

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
    """Return where the words are to be found that `word` (without accents) may be a misspelling of.

    One mistake is in one half of a word, and the other half is right. Two letters that changed places across the
    middle leave both halves but for a letter each. Of two mistakes in a long word, one may be in each third at its
    ends: then its first letter is right.
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
    """Return every row of letters of which one mistake makes `word`, where it is long enough for one.

    Those of the English alphabet and of `word` itself are tried: about 55 for each letter.
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
    """Return how many mistakes lie between two words; 3 for all that is further."""
    return int(OSA.distance(one, other, score_cutoff=2))


def nearest(word: str, candidates: Mapping[str, int], *, at_most: int) -> str | None:
    """Return the candidate that `word` was meant as, at most so many mistakes away; None: none of them.

    Candidates (without accents, as `word` is) come with the number of chunks that have them. What sounds alike comes
    first, then fewer mistakes, then the same consonants (vowels are mistaken sooner), then the same first letter, then
    what the corpus has more often.
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
    """Return those of the candidates that can be meant at all."""
    allowed = mistakes_allowed(word)
    return [each for each in candidates if _may_be(word, each, distance(word, each), allowed)]


def sounds_like(one: str, other: str) -> bool:
    """Return whether two words (without accents) are said alike: Meier and Maier, Schmidt and Schmitt."""
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
    if not mistakes:  # only accents are others
        return True
    if sounds_like(word, candidate):
        return True
    if candidate[0] != word[0]:
        return mistakes == 1 and len(word) >= LOOSE_START_CHARS
    # Another letter makes another word of a short one: hang and hand, angle and ankle.
    return len(word) >= LOOSE_START_CHARS or len(word) != len(candidate) or sorted(word) == sorted(candidate)
