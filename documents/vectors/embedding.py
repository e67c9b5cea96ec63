"""Computes the vectors of texts for a space: by WordLlama in this process, or by an Ollama server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.conf import settings

from documents.models import EmbeddingSpace
from documents.vectors.spaces import SMALLEST_NORM, check_vectors
from documents.vectors.wordllama import WordByWord
from ragsite.deadline import Deadline
from ragsite.ollama import Lane, get_client

BATCHES_IN_FLIGHT = 2  # one is computed while the other is sent; more would only queue at the server


@dataclass(frozen=True)
class Prefixes:
    """What a model expects before a question and before a passage. Ollama adds nothing by itself."""

    query: str = ""
    passage: str = ""


_NOMIC = Prefixes("search_query: ", "search_document: ")
_RETRIEVE = Prefixes(query="Represent this sentence for searching relevant passages: ")
_QWEN = Prefixes(query="Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:")
PREFIXES = {
    "nomic-embed-text": _NOMIC,
    "nomic-embed-text-v2-moe": _NOMIC,
    "mxbai-embed-large": _RETRIEVE,
    "snowflake-arctic-embed": _RETRIEVE,
    "snowflake-arctic-embed2": Prefixes(query="query: "),
    "embeddinggemma": Prefixes("task: search result | query: ", "title: none | text: "),
    "qwen3-embedding": _QWEN,
}


def prefixes_of(space: EmbeddingSpace) -> Prefixes:
    """Return the space's own prefixes if it has some, else those that its model was trained with, else none."""
    known = PREFIXES.get(bare_name(space.model), Prefixes())
    chosen = space.index_settings
    return Prefixes(str(chosen.get("query_prefix", known.query)), str(chosen.get("passage_prefix", known.passage)))


def bare_name(model: str) -> str:
    """Return a model's name without namespace and tag: `nomic-embed-text` of `somebody/nomic-embed-text:v1.5`."""
    return model.rpartition("/")[2].partition(":")[0].lower()


def embed_passages(space: EmbeddingSpace, texts: Sequence[str], *, deadline: Deadline) -> np.ndarray:
    """Return one vector per text, in the order given: float32, of length 1, checked against the space.

    Ollama gets OLLAMA_EMBED_BATCH_SIZE texts at a time, two batches in flight. The database is not touched.

    Raises OllamaError when the model server fails, EmbeddingMismatch when its vectors don't fit the space, and
    DeadlineExceeded.
    """
    if not texts:
        return np.zeros((0, space.dimensions or 0), dtype=np.float32)
    if space.provider == EmbeddingSpace.Provider.EMBEDDED:
        vectors = _wordllama_vectors(texts)
    else:
        prefix = prefixes_of(space).passage
        vectors = _ollama_vectors(space, [prefix + text for text in texts], deadline)
    vectors = _first_numbers(space, vectors)
    check_vectors(space, vectors, expected=len(texts))
    return _normalised(vectors)


def embed_questions(space: EmbeddingSpace, questions: Sequence[str], *, deadline: Deadline) -> np.ndarray:
    """Return one vector per question as `embed_question` does, in batches, with the priority of background work.

    Raises as `embed_passages` does.
    """
    if not questions:
        return np.zeros((0, space.dimensions or 0), dtype=np.float32)
    if space.provider == EmbeddingSpace.Provider.EMBEDDED:
        return np.stack([embed_question(space, question, deadline=deadline) for question in questions])
    prefix = prefixes_of(space).query
    vectors = _first_numbers(space, _ollama_vectors(space, [prefix + text for text in questions], deadline))
    check_vectors(space, vectors, expected=len(questions))
    return _normalised(vectors)


def embed_question(space: EmbeddingSpace, question: str, *, deadline: Deadline) -> np.ndarray:
    """Return the question's vector: float32, of length 1; all zeros when there is nothing in it to embed.

    Raises as `embed_passages` does.
    """
    if not question.strip():
        return np.zeros(space.dimensions or 0, dtype=np.float32)
    deadline.check()
    if space.provider == EmbeddingSpace.Provider.EMBEDDED:
        vectors = _first_numbers(space, _wordllama_vectors([question]))
        if np.linalg.norm(vectors[0]) < SMALLEST_NORM:
            return np.zeros(vectors.shape[1], dtype=np.float32)
    else:
        text = prefixes_of(space).query + question
        client = get_client()
        vectors = _matrix(client.embed(space.model, [text], deadline=deadline, lane=Lane.INTERACTIVE))
        vectors = _first_numbers(space, vectors)
    check_vectors(space, vectors, expected=1)
    vector: np.ndarray = _normalised(vectors)[0]
    return vector


def _ollama_vectors(space: EmbeddingSpace, texts: Sequence[str], deadline: Deadline) -> np.ndarray:
    size = settings.OLLAMA_EMBED_BATCH_SIZE
    batches = [texts[start : start + size] for start in range(0, len(texts), size)]
    client = get_client()

    def embed(batch: Sequence[str]) -> list[list[float]]:
        return client.embed(space.model, batch, deadline=deadline, lane=Lane.INDEXING)

    if len(batches) == 1:
        return _matrix(embed(batches[0]))
    with ThreadPoolExecutor(BATCHES_IN_FLIGHT, thread_name_prefix="embed") as executor:
        pending = [executor.submit(embed, batch) for batch in batches]
        try:
            return _matrix([vector for future in pending for vector in future.result()])
        finally:
            for future in pending:
                future.cancel()  # after a failure the other results are of no use


def _matrix(vectors: Sequence[Sequence[float]]) -> np.ndarray:
    if len({len(vector) for vector in vectors}) > 1:
        return np.zeros((0, 0), dtype=np.float32)  # fits no space
    return np.asarray(vectors, dtype=np.float32)


def _first_numbers(space: EmbeddingSpace, vectors: np.ndarray) -> np.ndarray:
    """Return the dimensions that the space keeps: the first ones, which carry most in Matryoshka models."""
    keep = int(space.index_settings.get("keep_first") or 0)
    return vectors[:, :keep] if keep and vectors.ndim == 2 else vectors


def _normalised(vectors: np.ndarray) -> np.ndarray:
    normalised: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalised


_loading = threading.Lock()


def _wordllama_vectors(texts: Sequence[str]) -> np.ndarray:
    with _loading:  # two first questions at once must not load it twice
        model = _wordllama()
    return model.embed(texts)


@lru_cache(maxsize=1)
def _wordllama() -> WordByWord:
    # Imported here: a process that embeds with Ollama needs no tokenizer.
    from documents.vectors.embedded_model import load_model

    model = load_model()
    logging.getLogger(__name__).info("WordLlama is loaded")
    return WordByWord(model)
