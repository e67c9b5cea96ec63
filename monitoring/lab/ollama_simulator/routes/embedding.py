"""`/api/embed` and the older `/api/embeddings`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitoring.lab.ollama_simulator.faults import EMBEDDING_FAULTS
from monitoring.lab.ollama_simulator.http.durations import nanoseconds
from monitoring.lab.ollama_simulator.http.refusals import (
    INPUT_TOO_LONG,
    NO_EMBEDDINGS,
    Refusal,
    model_is_required,
    not_found,
    not_found_for_embedding,
    runner_died_embedding,
)
from monitoring.lab.ollama_simulator.http.wire import JSON_UTF8
from monitoring.lab.ollama_simulator.model.decoding import check_options, decode_struct
from monitoring.lab.ollama_simulator.model.engine import Call, go_json
from monitoring.lab.ollama_simulator.model.models import Model, full_name
from monitoring.lab.ollama_simulator.model.scheduler import Runner
from monitoring.lab.ollama_simulator.model.tokens import count_tokens, cut_to_tokens
from monitoring.lab.ollama_simulator.model.vectors import Vectors, as_json, embed_texts, is_ready, shortened

SPECIAL_TOKENS = 2  # one before the text, one after it
INLINE_MAX_CHARS = 4_000  # more than this goes to a thread, so that streams keep their pace
INLINE_MAX_NUMBERS = 4_000  # ... and the next call is begun while the vectors of this one are written down


@dataclass(frozen=True)
class Embedded:
    """The vectors of one request, and what they cost."""

    vectors: Vectors
    prompt_tokens: int
    load_seconds: float


async def embed(call: Call) -> None:
    """POST /api/embed"""
    fields = decode_struct(call.request.body, "EmbedRequest")
    name = fields.get("model", "")
    if not name.strip():
        raise not_found("")
    full_name(name)
    texts = texts_of(fields.get("input"))
    model = call.engine.catalogue.find(name)
    if model is None:
        raise not_found_for_embedding(name)
    done = await make_vectors(call, model, texts, fields, crash_status=400)
    if done is None:
        call.send_json({"model": name, "embeddings": []})
        return
    head = go_json({"model": name})[:-1] + b',"embeddings":'
    counts = {
        "total_duration": nanoseconds(call.elapsed_seconds),
        "load_duration": nanoseconds(done.load_seconds),
        "prompt_eval_count": done.prompt_tokens,
    }
    call.reply.send(200, head + await _written(call, done.vectors) + b"," + go_json(counts)[1:], JSON_UTF8)


async def embeddings(call: Call) -> None:
    """POST /api/embeddings: one text, one bare vector, the model's name in its own case."""
    fields = decode_struct(call.request.body, "EmbeddingRequest")
    name = fields.get("model", "")
    if not name.strip():
        raise model_is_required()
    model = call.engine.catalogue.find(name, any_case=False)
    if model is None:
        raise not_found_for_embedding(name)
    prompt = fields.get("prompt", "")
    try:
        done = await make_vectors(
            call, model, [prompt] if prompt else [], {**fields, "truncate": False}, crash_status=500
        )
    except Refusal as refusal:
        if refusal.text in (NO_EMBEDDINGS, INPUT_TOO_LONG):
            raise Refusal(500, refusal.text) from None
        raise
    vector = (as_json(done.vectors)[1:-1] if done is not None else b"") or b"[]"
    call.reply.send(200, b'{"embedding":' + vector + b"}", JSON_UTF8)


def texts_of(given: Any) -> list[str]:
    """Return the texts of an `input` field: none for an empty one. Raises Refusal (400) for any other type."""
    if given is None or given == "":
        return []
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and all(isinstance(text, str) for text in given):
        return given
    raise Refusal(400, "invalid input type")


async def make_vectors(
    call: Call, model: Model, texts: Sequence[str], fields: dict[str, Any], *, crash_status: int
) -> Embedded | None:
    """Return the vectors of `texts`, after a load where one is needed; None when there are no texts.

    Raises Refusal for a model of the wrong kind, a text that is too long and must not be cut, and for faults.
    """
    options = check_options(fields.get("options", {}))
    async with call.engine.scheduler.loaded_runner(model, options, fields.get("keep_alive")) as runner:
        load_seconds = call.elapsed_seconds
        if not model.embeds:
            raise Refusal(501, NO_EMBEDDINGS)
        if not texts:
            return None
        limit = min(runner.num_ctx, model.context_tokens) - SPECIAL_TOKENS
        counts = [count_tokens(text) for text in texts]
        if max(counts) > limit:
            if not fields.get("truncate", True):
                raise Refusal(400, INPUT_TOO_LONG)
            texts = [cut_to_tokens(text, limit) for text in texts]
        await runner.slots.take()
        try:
            with call.engine.counters.embeds:
                vectors = await _work(call, runner, texts, crash_status)
        finally:
            runner.slots.give_back()
    call.engine.counters.embedded_texts += len(texts)
    prompt_tokens = sum(min(count, limit) + SPECIAL_TOKENS for count in counts)
    return Embedded(shortened(vectors, fields.get("dimensions")), prompt_tokens, load_seconds)


async def _work(call: Call, runner: Runner, texts: Sequence[str], crash_status: int) -> Vectors:
    """Return the vectors of `texts` after the time that they take, as the faults left them."""
    knobs = call.knobs_of(runner.model)
    fault = call.fault(EMBEDDING_FAULTS)
    wrong = fault.name if fault is not None else ""
    await call.sleep(knobs.embed_seconds + knobs.embed_seconds_per_input * len(texts))
    if wrong == "crash":
        call.engine.scheduler.drop(runner)
        raise runner_died_embedding(runner.port, crash_status)
    if wrong == "nan_refused":
        raise Refusal(400, "embedding contains NaN or Inf values")
    dimensions = runner.model.dimensions or 0
    if fault is not None and wrong == "wrong_dimension":
        dimensions = fault.dimensions or dimensions + 1
    vectors = await _compute(call, texts, dimensions)
    if wrong == "too_few_vectors":
        return vectors[:-1]
    if wrong == "zero_vectors":
        return np.zeros_like(vectors)
    if wrong == "nan_vectors":
        vectors[0, 0] = np.nan
    return vectors


async def _compute(call: Call, texts: Sequence[str], dimensions: int) -> Vectors:
    if is_ready() and sum(map(len, texts)) <= INLINE_MAX_CHARS:
        return embed_texts(texts, dimensions)
    return await asyncio.get_running_loop().run_in_executor(call.engine.workers, embed_texts, texts, dimensions)


async def _written(call: Call, vectors: Vectors) -> bytes:
    if vectors.size <= INLINE_MAX_NUMBERS:
        return as_json(vectors)
    return await asyncio.get_running_loop().run_in_executor(call.engine.workers, as_json, vectors)
