"""Looks up synonyms of words and phrases in documents/keywords/synonym_groups.py. Pure: no Django."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from documents.keywords.synonym_groups import GROUPS
from documents.keywords.tokenization import prepare_question
from documents.keywords.word_joining import language_of

Phrase = tuple[str, ...]  # one word, or several


class _Entry(NamedTuple):
    phrase: Phrase
    is_searched: bool


class Others(NamedTuple):
    """Synonyms of some words of a question (by their places, from 1): phrases, the most likely first."""

    places: tuple[int, ...]
    phrases: tuple[Phrase, ...]


def synonyms_of(word: str, language: str) -> tuple[str, ...]:
    """Return the single-word synonyms of a word, or of its singular where it ends in s; empty: none is known."""
    table = _written(language_of(language))
    phrases = table.get((word,)) or (table.get((word[:-1],)) if word.endswith("s") else None) or ()
    return tuple(phrase[0] for phrase in phrases if len(phrase) == 1)


@lru_cache(maxsize=8)
def _groups(code: str) -> tuple[tuple[_Entry, ...], ...]:
    lines = [line for line in GROUPS.get(code, "").splitlines() if line.strip()]
    return tuple(tuple(_entry(entry.strip(), code) for entry in line.split(",")) for line in lines)


def _entry(text: str, code: str) -> _Entry:
    return _Entry(tuple(prepare_question(text, code, folded=False).text.split()), not text.startswith("("))


@lru_cache(maxsize=64)
def phrases_of(code: str) -> list[Phrase]:
    """Return all words and phrases of a language by its code, in order; none: it has no groups."""
    return sorted({phrase for group in _groups(code) for phrase, _ in group})


def table_of(code: str, keys: Mapping[Phrase, Phrase]) -> dict[Phrase, tuple[Phrase, ...]]:
    """Return what is searched for each phrase, by its key: itself, or its stems."""
    table: dict[Phrase, tuple[Phrase, ...]] = {}
    for group in _groups(code):
        for key in {keys[phrase]: None for phrase, _ in group}:
            before = table.get(key, ())
            new = [phrase for phrase, is_searched in group if is_searched and keys[phrase] != key]
            table[key] = (*before, *(phrase for phrase in new if phrase not in before))
    return table


@lru_cache(maxsize=8)
def _written(code: str) -> dict[Phrase, tuple[Phrase, ...]]:
    return table_of(code, {phrase: phrase for phrase in phrases_of(code)})
