"""Generates the vectors of artificial passages: WordLlama's, the mean of a text's tokens, summed from words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import wordllama

Vectors = npt.NDArray[np.float32]
PASSAGES_AT_ONCE = 400  # 40 MB of words' vectors


class WordVectors:
    """The sum of its tokens' vectors for each word of a vocabulary."""

    def __init__(self, words: Sequence[str]) -> None:
        # Its loader looks for the tokenizer in another folder than the wheel's, and would download it.
        model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
        self._beginning: Vectors = model.embed([""])[0]  # every text begins with the same token
        tokens = np.array([sum(read.attention_mask) for read in model.tokenize(list(words))], dtype=np.float32)
        self._words: Vectors = model.embed(list(words)) * tokens[:, None] - self._beginning

    def of(self, passages: Sequence[npt.NDArray[np.int64]]) -> Vectors:
        """Return the vectors of passages, given as numbers of words, at length 1."""
        parts = [self._sums(passages[at : at + PASSAGES_AT_ONCE]) for at in range(0, len(passages), PASSAGES_AT_ONCE)]
        vectors: Vectors = np.concatenate(parts)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _sums(self, passages: Sequence[npt.NDArray[np.int64]]) -> Vectors:
        starts = np.cumsum([0, *(len(passage) for passage in passages[:-1])])
        sums: Vectors = np.add.reduceat(self._words[np.concatenate(passages)], starts, axis=0) + self._beginning
        return sums
