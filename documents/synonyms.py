"""Other words for a question's words: everyday ones that mean the same, by what their stems are.

The groups (documents/synonym_groups.py) are stemmed by Postgres, as the corpus' words are: once per language and
process, about 300 words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from documents.joining import language_of
from documents.lexicon import configuration_for
from documents.synonym_groups import GROUPS
from documents.wording import fold, prepare_question

Phrase = tuple[str, ...]  # one word, or several


class _Entry(NamedTuple):
    phrase: Phrase
    is_searched: bool


class Others(NamedTuple):
    """Which words of a question (by their places, from 1) have other words for them: phrases, the likeliest first."""

    places: tuple[int, ...]
    phrases: tuple[Phrase, ...]


def others_for(lexemes: Sequence[str], language: str, *, folded: bool) -> list[Others]:
    """Return the other words for those of a question, given by their lexemes in order; longer phrases come first.

    ["annual", "leav", "employe"] -> places (1, 2): holiday, vacation, ...
    """
    code = language_of(language)
    if code not in GROUPS:
        return []
    table, longest = _stemmed(code, folded=folded)
    found: list[Others] = []
    taken: set[int] = set()
    for length in range(longest, 0, -1):
        for first in range(len(lexemes) - length + 1):
            places = tuple(range(first + 1, first + length + 1))
            phrases = table.get(tuple(lexemes[first : first + length]))
            if phrases and taken.isdisjoint(places):
                taken.update(places)
                found.append(Others(places, phrases))
    return found


def synonyms_of(word: str, language: str) -> tuple[str, ...]:
    """Return other single words for a word as it is in the table (or with an s); empty: none is known."""
    table = _written(language_of(language))
    phrases = table.get((word,)) or (table.get((word[:-1],)) if word.endswith("s") else None) or ()
    return tuple(phrase[0] for phrase in phrases if len(phrase) == 1)


@lru_cache(maxsize=8)
def _groups(code: str) -> tuple[tuple[_Entry, ...], ...]:
    lines = [line for line in GROUPS.get(code, "").splitlines() if line.strip()]
    return tuple(tuple(_entry(entry.strip(), code) for entry in line.split(",")) for line in lines)


def _entry(text: str, code: str) -> _Entry:
    return _Entry(tuple(prepare_question(text, code, folded=False).text.split()), not text.startswith("("))


def _table(code: str, keys: Mapping[Phrase, Phrase]) -> dict[Phrase, tuple[Phrase, ...]]:
    table: dict[Phrase, tuple[Phrase, ...]] = {}
    for group in _groups(code):
        for key in {keys[phrase]: None for phrase, _ in group}:
            before = table.get(key, ())
            new = [phrase for phrase, is_searched in group if is_searched and keys[phrase] != key]
            table[key] = (*before, *(phrase for phrase in new if phrase not in before))
    return table


@lru_cache(maxsize=8)
def _written(code: str) -> dict[Phrase, tuple[Phrase, ...]]:
    return _table(code, {phrase: phrase for group in _groups(code) for phrase, _ in group})


@lru_cache(maxsize=16)
def _stemmed(code: str, *, folded: bool) -> tuple[dict[Phrase, tuple[Phrase, ...]], int]:
    """Return the table by lexemes, and how many words its longest phrase has."""
    phrases = sorted({phrase for group in _groups(code) for phrase, _ in group})
    texts = [" ".join(phrase) for phrase in phrases]
    with connection.cursor() as cursor:
        given = [[fold(text) for text in texts] if folded else texts, configuration_for(code)]
        cursor.execute(_STEM, given)
        stems = {place: tuple(lexemes) for place, lexemes in cursor.fetchall()}
    keys = {phrase: stems[place] for place, phrase in enumerate(phrases, start=1)}
    return _table(code, keys), max(map(len, phrases))


# Word by word: a `tsvector` has each lexeme once.
_STEM = """
SELECT place, ARRAY(
    SELECT coalesce((tsvector_to_array(to_tsvector(configuration, word)))[1], word)
    FROM unnest(string_to_array(text, ' ')) WITH ORDINALITY AS one (word, at) ORDER BY at
)
FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, place), (SELECT %s::regconfig AS configuration) AS chosen
"""
