"""Joins and splits words: timesheet and time sheet, RFC9457 and RFC 9457, Urlaubsantrag. Pure: no Django."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

JOINED_MAX_CHARS = 40
PAIRS_MAX = 40  # pairs of neighbouring words that are looked up
PART_MIN_CHARS = 4  # of a word that is split: carpet is not "car" and "pet"
COMPOUND_PART_MIN_CHARS = 3
COMPOUND_PARTS_MAX = 3
# Languages that write compounds in one word, and the linking letters between their parts.
LINKS = {
    "de": ("", "s", "es", "n", "en", "er", "e", "ens"),
    "nl": ("", "s", "en", "e", "n", "er"),
    "da": ("", "s", "e"),
    "sv": ("", "s", "e", "u", "o"),
    "no": ("", "s", "e"),
    "nb": ("", "s", "e"),
    "nn": ("", "s", "e"),
    "fi": ("", "n"),
    "et": ("",),
    "hu": ("",),
    "is": ("", "s", "ar", "a", "u"),
}
_LETTERS_AND_DIGITS = re.compile(r"\d+|[^\W\d_]+")


class Join(NamedTuple):
    """Two neighbouring words of a question (the first by its place, from 0), joined."""

    first: int
    word: str


def language_of(code: str) -> str:
    """Return the bare language code in lower case: `de` of `de-AT`."""
    return code.lower().replace("_", "-").partition("-")[0]


def joins_of(words: Sequence[str], language: str) -> list[Join]:
    """Return the words that neighbouring words may be joined to.

    In languages with compounds also in the other order and with linking letters: "Antrag Urlaub", Urlaubsantrag.
    """
    links = LINKS.get(language_of(language), ())
    joins: list[Join] = []
    for place, (first, second) in enumerate(pairwise(words[: PAIRS_MAX + 1])):
        if len(first) + len(second) >= JOINED_MAX_CHARS or first == second:
            continue
        joins.append(Join(place, first + second))
        if len(first) >= PART_MIN_CHARS and len(second) >= PART_MIN_CHARS and (first + second).isalpha():
            joins += [Join(place, first + link + second) for link in links if link]
            joins += [Join(place, second + link + first) for link in links]
    return joins


def border_parts(word: str) -> list[str]:
    """Return the runs of letters and of digits of a word: rfc9457 -> rfc, 9457."""
    return _LETTERS_AND_DIGITS.findall(word)


def possible_parts(word: str, language: str) -> set[str]:
    """Return every string that may be a part of `word`: the caller looks up which are known, for `split`."""
    return {part for start, end in _cuts(word, language) for part in _readings(word[start:end], end, word, language)}


def split(word: str, known: Sequence[str] | set[str] | dict[str, object], language: str) -> tuple[str, ...]:
    """Return the known parts of an unknown word: as few as possible, the longest last; empty: it can't be split.

    urlaubsantrag -> urlaub, antrag; linking letters belong to no part.
    """
    best: dict[int, tuple[str, ...]] = {0: ()}
    most = COMPOUND_PARTS_MAX if language_of(language) in LINKS else 2
    for start, end in sorted(_cuts(word, language), key=lambda cut: (cut[1], cut[0])):
        before = best.get(start)
        if before is None or len(before) >= most:
            continue
        part = next((each for each in _readings(word[start:end], end, word, language) if each in known), None)
        if part is not None and (end not in best or len(best[end]) > len(before) + 1):
            best[end] = (*before, part)
    parts = best.get(len(word), ())
    return parts if len(parts) > 1 else ()


def rest_of(compound: str, part: str, language: str) -> list[str]:
    """Return the possible rest of a compound that begins or ends with `part`: urlaubsantrag, antrag -> urlaub.

    Empty: what is left is too short for a word.
    """
    links = LINKS.get(language_of(language), ())
    if compound.endswith(part):
        rest = compound[: -len(part)]
        found = [rest, *(rest[: -len(link)] for link in links if link and rest.endswith(link))]
    else:
        rest = compound[len(part) :]
        found = [rest, *(rest[len(link) :] for link in links if link and rest.startswith(link))]
    return [each for each in found if len(each) >= PART_MIN_CHARS]


def _cuts(word: str, language: str) -> Iterator[tuple[int, int]]:
    least = COMPOUND_PART_MIN_CHARS if language_of(language) in LINKS else PART_MIN_CHARS
    for start in range(len(word) - least + 1):
        if start and start < least:
            continue
        for end in range(start + least, len(word) + 1):
            if (end == len(word) and start) or end <= len(word) - least:
                yield start, end


def _readings(part: str, end: int, word: str, language: str) -> Iterator[str]:
    """Yield a part as it is, and without the letters that link it to the next one."""
    yield part
    if end == len(word):
        return
    for link in LINKS.get(language_of(language), ()):
        if link and part.endswith(link) and len(part) - len(link) >= COMPOUND_PART_MIN_CHARS:
            yield part[: -len(link)]
