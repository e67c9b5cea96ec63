"""`/api/generate` and `/api/chat`: what they check before a generation starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitoring.lab.ollama_simulator.http.refusals import (
    Refusal,
    cannot,
    lacks,
    model_is_required,
    not_found,
    too_long_for_context,
)
from monitoring.lab.ollama_simulator.http.wire import JSON_UTF8
from monitoring.lab.ollama_simulator.model.decoding import decode_struct
from monitoring.lab.ollama_simulator.model.dialects import ChatDialect, GenerateDialect, NativeDialect
from monitoring.lab.ollama_simulator.model.engine import Call
from monitoring.lab.ollama_simulator.model.generating import Job, generate
from monitoring.lab.ollama_simulator.model.models import Model, full_name
from monitoring.lab.ollama_simulator.model.tokens import count_tokens, message_tokens, prompt_of_messages

NUM_KEEP = 4
RAW_TAKES_NONE = "raw mode does not support template, system, or context"
NO_SHIFT = "the prompt is longer than the context length currently available to the model; shorten it or raise num_ctx"


async def generate_text(call: Call) -> None:
    """POST /api/generate"""
    fields = decode_struct(call.request.body, "GenerateRequest")
    name = fields.get("model", "")
    if not name.strip():
        raise not_found("")
    model = find_model(call, name)
    raw = fields.get("raw", False)
    if raw and (fields.get("system") or fields.get("template") or fields.get("context")):
        raise Refusal(400, RAW_TAKES_NONE)
    dialect = GenerateDialect(name, raw=raw)
    prompt = fields.get("prompt", "")
    if not prompt and fields.get("keep_alive") == 0:
        _unload(call, model, dialect)
        return
    _check_abilities(name, model, fields, "generate")
    if not prompt:
        await _load(call, model, fields, dialect)
        return
    texts = [text for text in (fields.get("system", ""), prompt) if text]
    tokens = 1 + sum(map(count_tokens, texts)) + len(fields.get("context", ()))

    def count_prompt(num_ctx: int) -> int:
        if tokens <= num_ctx:
            return tokens
        if not fields.get("truncate", True):
            raise too_long_for_context(tokens, num_ctx)
        if not fields.get("shift", True):
            raise Refusal(400, NO_SHIFT)
        return num_ctx // 2 + NUM_KEEP - 1  # the beginning is kept, half of the window goes, without a word

    await generate(call, job_of(call, model, texts, count_prompt, fields), dialect)


async def chat(call: Call) -> None:
    """POST /api/chat"""
    fields = decode_struct(call.request.body, "ChatRequest")
    name = fields.get("model", "")
    if not name.strip():
        raise model_is_required()
    model = find_model(call, name)
    messages = fields.get("messages", [])
    dialect = ChatDialect(name)
    if not messages and fields.get("keep_alive") == 0:
        _unload(call, model, dialect)
        return
    _check_abilities(name, model, fields, "chat")
    if not messages:
        await _load(call, model, fields, dialect)
        return
    texts = [message["content"] for message in messages]
    truncates = fields.get("truncate", True)

    def count_prompt(num_ctx: int) -> int:
        return fit_messages(messages, num_ctx, truncates=truncates)

    await generate(call, job_of(call, model, texts, count_prompt, fields), dialect)


def find_model(call: Call, name: str) -> Model:
    """Return the model that a generation names. Raises Refusal."""
    full_name(name)
    model = call.engine.catalogue.find(name)
    if model is None:
        raise not_found(name)
    return model


def job_of(call: Call, model: Model, texts: Sequence[str], count_prompt: Any, fields: Mapping[str, Any]) -> Job:
    """Return the job that a request's fields describe."""
    thinks = "thinking" in model.abilities and fields.get("think") is not False
    return Job(
        model=model,
        texts=texts,
        count_prompt=count_prompt,
        options=fields.get("options", {}),
        keep_alive_seconds=fields.get("keep_alive"),
        streams=fields.get("stream", True),
        format=fields.get("format"),
        thinks=thinks,
    )


def fit_messages(messages: Sequence[Mapping[str, Any]], num_ctx: int, *, truncates: bool = True) -> int:
    """Return the prompt's tokens after the oldest messages were dropped; those of the system stay.

    Raises Refusal when even the last message alone is too long.
    """
    total = prompt_of_messages(messages)
    for message in messages[:-1] if truncates else ():
        if total <= num_ctx:
            break
        if message["role"] != "system":
            total -= message_tokens(message)
    if total > num_ctx:
        raise too_long_for_context(total, num_ctx)
    return total


def _check_abilities(name: str, model: Model, fields: Mapping[str, Any], operation: str) -> None:
    if "completion" not in model.abilities:
        raise cannot(name, operation)
    if fields.get("suffix") and "insert" not in model.abilities:
        raise lacks(full_name(model.name), "insert")
    if fields.get("tools") and "tools" not in model.abilities:
        raise lacks(full_name(model.name), "tools")
    if fields.get("think") and "thinking" not in model.abilities:
        raise cannot(name, "thinking")


def _unload(call: Call, model: Model, dialect: NativeDialect) -> None:
    call.engine.scheduler.unload(model)
    call.reply.send(200, dialect.state("unload"), JSON_UTF8)


async def _load(call: Call, model: Model, fields: Mapping[str, Any], dialect: NativeDialect) -> None:
    from_options = fields.get("options", {})
    async with call.engine.scheduler.loaded_runner(model, from_options, fields.get("keep_alive")):
        call.reply.send(200, dialect.state("load"), JSON_UTF8)
