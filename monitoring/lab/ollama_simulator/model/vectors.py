"""Vectors that mean something: WordLlama's, turned to the wanted length, so that near texts are near."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import wordllama
from wordllama import WordLlama

from documents.vectors.wordllama import WordByWord

Vectors = npt.NDArray[np.float32]

OWN_LENGTH = 256  # WordLlama's
DECIMALS = 8  # float32 holds no more for numbers below 1
# Put in front for a real model's sake. WordLlama was not trained on them: they would draw all texts together.
TASK_PREFIX = re.compile(
    r"\A(?:search_query: |search_document: |clustering: |classification: |query: |"
    r"Represent this sentence for searching relevant passages: |task: [^|]{1,60} \| query: |"
    r"title: [^|]{1,300} \| text: |Instruct: [^\n]{1,300}\nQuery: ?)"
)
_loading = threading.Lock()


@cache
def _load() -> WordByWord:
    # The loader looks beside the package's own files for weights, and must not ask the network for them.
    return WordByWord(WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True))


def is_ready() -> bool:
    """True once the weights are in memory."""
    return _load.cache_info().currsize > 0


@lru_cache(maxsize=16)
def _turned_to(dimensions: int) -> npt.NDArray[np.float64]:
    """Return a (256, dimensions) matrix that keeps angles: exactly for 256 and more, nearly for less."""
    longer, shorter = max(dimensions, OWN_LENGTH), min(dimensions, OWN_LENGTH)
    noise = np.random.default_rng(20_240_117).standard_normal((longer, shorter))
    turned, _ = np.linalg.qr(noise)
    return np.ascontiguousarray(turned.T if dimensions >= OWN_LENGTH else turned)


def embed_texts(texts: Sequence[str], dimensions: int) -> Vectors:
    """Return one unit vector per text: (n, dimensions) float32. The same text always gives the same vector."""
    if not is_ready():
        with _loading:
            _load()
    model = _load()
    # Not `norm=True`: that divides by zero for a text without a known word.
    raw = model.embed([TASK_PREFIX.sub("", text) for text in texts])
    # In double precision a text's vector does not depend on the texts beside it.
    own = np.asarray(raw, dtype=np.float64).reshape(len(texts), OWN_LENGTH)
    for row in np.flatnonzero(np.linalg.norm(own, axis=1) < 1e-6).tolist():  # no known word: still its own vector
        seed = int.from_bytes(hashlib.sha256(texts[row].encode("utf-8", errors="replace")).digest()[:8], "big")
        own[row] = np.random.default_rng(seed).standard_normal(OWN_LENGTH)
    return normalised(own @ _turned_to(dimensions))


def normalised(vectors: Vectors | npt.NDArray[np.float64]) -> Vectors:
    """Return the vectors at length 1, rounded to what the reply's text holds; zero stays zero."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.round(vectors / np.where(lengths == 0, 1, lengths), DECIMALS).astype(np.float32)


def shortened(vectors: Vectors, dimensions: int | None) -> Vectors:
    """Return the first `dimensions` numbers, at length 1 again; a wish that makes no sense is ignored."""
    if dimensions is None or not 0 < dimensions < vectors.shape[1]:
        return vectors
    return normalised(vectors[:, :dimensions])


def as_json(vectors: Vectors) -> bytes:
    """Return the vectors as a JSON list of lists. A NaN comes as the bare word, which is no JSON."""
    row_format = "[" + ",".join([f"%.{DECIMALS}f"] * vectors.shape[1]) + "]"
    text = "[" + ",".join(row_format % tuple(row) for row in vectors.tolist()) + "]"
    return text.replace("nan", "NaN").encode()


def as_base64(vector: Vectors) -> str:
    """Return one vector as little-endian float32 in base64."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()
