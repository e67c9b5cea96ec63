"""Computes WordLlama's vectors from cached tokens of words: the results of its `embed` for less CPU. Pure: no Django.

A text's vector is the mean of its tokens' vectors, so nearly all the time goes into tokenizing. No token of this
tokenizer has a blank after its first character, so the tokens of a text are those of its words, one after the other.
With the tokens of known words cached, a text takes an eighth of the time; the first megabyte of a new subject takes
half of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

# A process that embeds so many texts at once converts the model's vectors to single precision: 33 MB, for half of the
# time. Processes that embed single questions keep the mapped vectors, which all processes share.
WIDE_FROM_TEXTS = 8
WORDS_KEPT = 50_000  # about 10 MB
KEPT_MAX_CHARS = 32  # of a word: longer ones are rarely seen twice
_BLANK = "\u2581"  # what the tokenizer makes of a blank, and puts before every text
# The tokenizer's special tokens, which it finds anywhere in a text.
_SIGNS = ("<unk>", "<s>", "</s>", _BLANK)
_WORD = re.compile(" ( *[^ ]*)")


class WordByWord:
    """A loaded WordLlama with a cache of the tokens of words."""

    def __init__(self, model: Any) -> None:
        """`model` has a Llama 2 `tokenizer`, whose tokens are numbers below 65,536, and an `embedding` of each."""
        self._tokenizer = model.tokenizer
        self._vectors: np.ndarray = model.embedding
        self._words = _Words(model.tokenizer)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the mean of its tokens' vectors for each text, float32, not normalised; zeros for an empty one."""
        if len(texts) >= WIDE_FROM_TEXTS:
            self._vectors = self._vectors.astype(np.float32, copy=False)
        embedded = np.zeros((len(texts), self._vectors.shape[1]), dtype=np.float32)
        for text, row in zip(texts, embedded, strict=True):
            if tokens := self.tokens_of(text):
                ids = np.frombuffer(tokens, dtype=np.uint16)
                np.add.reduce(self._vectors.take(ids, axis=0).astype(np.float32, copy=False), axis=0, out=row)
                row /= len(ids)
        return embedded

    def tokens_of(self, text: str) -> bytes:
        """Return the numbers of a text's tokens, two bytes each."""
        if not text:
            return b""
        if any(sign in text for sign in _SIGNS):
            return _encoded(self._tokenizer, text)
        # More than one blank in a row are tokens of their own.
        words = _WORD.findall(f" {text}") if text[0] == " " or "  " in text else text.split(" ")
        return b"".join(map(self._words.__getitem__, words))


class _Words(dict[str, bytes]):
    """Word -> its tokens after a blank; unknown words are tokenized and cached.

    Threads may share it: a word that one thread clears is tokenized again by the next.
    """

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._blank = _packed([tokenizer.token_to_id(_BLANK)])

    def __missing__(self, word: str) -> bytes:
        # The blank at the end of a text has no word after it.
        tokens = _encoded(self._tokenizer, word) if word else self._blank
        if len(word) <= KEPT_MAX_CHARS:
            if len(self) >= WORDS_KEPT:
                self.clear()
            self[word] = tokens
        return tokens


def _encoded(tokenizer: Any, text: str) -> bytes:
    return _packed(tokenizer.encode(text, add_special_tokens=False).ids)


def _packed(ids: Sequence[int]) -> bytes:
    return np.array(ids, dtype=np.uint16).tobytes()
