"""Whether a word is one of its language, whatever a corpus says. Pure: no Django."""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from importlib.resources import files

import numpy as np

ALSO = "en"  # words of every office


def is_word(word: str, language: str) -> bool:
    """Return whether a word (in lower case) is one of the language or an English one.

    False for all that isn't English in a language that the package has no list of.
    """
    code = language.lower().replace("_", "-").partition("-")[0]
    return any(_has(_hashes(each), word) for each in {code, ALSO})


def _has(hashes: np.ndarray, word: str) -> bool:
    place = int(np.searchsorted(hashes, hash(word)))
    return place < len(hashes) and int(hashes[place]) == hash(word)


@lru_cache(maxsize=8)
def _hashes(language: str) -> np.ndarray:
    """Return the hashes of all words, in order: 1 to 3 MB where the words themselves take 20."""
    file = files("spellchecker") / "resources" / f"{language}.json.gz"
    if not language.isalpha() or not file.is_file():
        return np.empty(0, dtype=np.int64)
    # Read here: the package's own class counts and copies for most of a second, and a question waits for it.
    words = json.loads(gzip.decompress(file.read_bytes()))
    return np.sort(np.fromiter((hash(word) for word in words), dtype=np.int64, count=len(words)))
