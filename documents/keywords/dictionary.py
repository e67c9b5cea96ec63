"""Tells whether a word belongs to a language, from packaged word lists. Pure: no Django."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

import numpy as np

from documents.keywords.word_joining import language_of

ALSO = "en"  # English words are used in offices of every language


def is_word(word: str, language: str) -> bool:
    """Return whether a word (in lower case) is one of the language or an English one.

    In a language without a list, only English words are known.
    """
    return any(_has(_hashes(each), word) for each in {language_of(language), ALSO})


def load_words(language: str) -> None:
    """Load the word list of a language, which takes up to half a second, so that later calls are fast."""
    _hashes(language_of(language))


def words_among(rows: Iterable[str], language: str) -> list[str]:
    """Return those of many strings (in lower case) that are words of the language."""
    given = sorted(rows)
    known = _hashes(language_of(language))
    if not given or not len(known):
        return []
    hashes = np.fromiter((hash(row) for row in given), dtype=np.int64, count=len(given))
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return [given[place] for place in np.flatnonzero(known[places] == hashes)]


def _has(hashes: np.ndarray, word: str) -> bool:
    place = int(np.searchsorted(hashes, hash(word)))
    return place < len(hashes) and int(hashes[place]) == hash(word)


@lru_cache(maxsize=8)
def _hashes(language: str) -> np.ndarray:
    """Return the hashes of all words, in order: 1 to 3 MB where the words themselves take 20."""
    file = files("spellchecker") / "resources" / f"{language}.json.gz"
    if not language.isalpha() or not file.is_file():
        return np.empty(0, dtype=np.int64)
    # Without the package's own class, which counts and copies for most of a second while a question waits.
    words = json.loads(gzip.decompress(file.read_bytes()))
    return np.sort(np.fromiter((hash(word) for word in words), dtype=np.int64, count=len(words)))
