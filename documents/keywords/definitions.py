"""Finds abbreviations that a text explains: "Virtual Private Network (VPN)", "VAT (value added tax)".

Pure: no Django.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from documents.keywords.tokenization import fold

SHORT_MAX_CHARS = 10
LONG_MAX_CHARS = 120
LONG_MAX_WORDS = 8
LINK_MAX_CHARS = 3  # of a word that gives no letter: of, and, für
CHARS_PER_LETTER = 6  # at least, of a compound: Datenschutzbeauftragte has 22 for DSB
_IN_BRACKETS = re.compile(r"\(([^()\n]{2,120})\)")
_SHORT = re.compile(r"[^\W\d_][\w&./-]{0,8}\w")
_WORD = re.compile(r"[^\W_]+")
_BREAK = re.compile(r"[.;:!?,()\n]")


class Defined(NamedTuple):
    """A short form and what it stands for, both in lower case."""

    short: str
    long: str


def abbreviations_in(text: str) -> set[Defined]:
    """Return the abbreviations that a text explains in brackets, on either side; the initials must match."""
    found = set()
    for match in _IN_BRACKETS.finditer(text):
        before = _BREAK.split(text[max(0, match.start() - 2 * LONG_MAX_CHARS) : match.start()])[-1].rstrip()
        inside = match[1].strip("\"'“”„‘’* ")
        if letters := _letters(inside):
            if long := _end_for(letters, _WORD.findall(before)):
                found.add(_defined(letters, long))
        elif letters := _letters(before.rpartition(" ")[2].strip("\"'“”„‘’*")):
            words = _WORD.findall(inside)
            if len(words) <= LONG_MAX_WORDS and _stands_for(words, letters):
                found.add(_defined(letters, words))
    return {each for each in found if len(each.long) <= LONG_MAX_CHARS}


def _defined(letters: str, words: Sequence[str]) -> Defined:
    return Defined(letters, " ".join(words).lower())


def _letters(short: str) -> str:
    """Return the letters of a short form in lower case and without accents; empty: it is none."""
    short = re.sub(r"(?<=[^\W\d_a-z])(?:'|’)?s$", "", short)  # VPNs
    if len(short) > SHORT_MAX_CHARS or not _SHORT.fullmatch(short) or sum(map(str.isupper, short)) < 2:
        return ""
    return "".join(filter(str.isalnum, fold(short))).lower()


def _end_for(letters: str, words: Sequence[str]) -> Sequence[str]:
    """Return the last words, as few as possible, that the letters stand for; none: they don't."""
    for count in range(1, min(len(words), LONG_MAX_WORDS) + 1):
        if _stands_for(words[-count:], letters):
            return words[-count:]
    return ()


def _stands_for(words: Sequence[str], letters: str) -> bool:
    """Return whether the letters are in the words, in order: the first one begins them."""
    return bool(words) and fold(words[0]).lower().startswith(letters[0]) and _initials(words, letters)


def _initials(words: Sequence[str], letters: str) -> bool:
    """Return whether each letter begins a word or is within a long one, in order; only short words may have none."""
    if not words:
        return not letters
    word = fold(words[0]).lower()
    for count in range(1, min(len(letters), max(1, len(word) // CHARS_PER_LETTER)) + 1):
        rest = iter(word[1:])
        if word[0] != letters[0] or not all(letter in rest for letter in letters[1:count]):
            break
        if _initials(words[1:], letters[count:]):
            return True
    return len(word) <= LINK_MAX_CHARS and words[0].islower() and _initials(words[1:], letters)
