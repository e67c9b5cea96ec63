"""Reads one streamed answer from one host: pieces of text, ticks, and the final counters."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any

from django.conf import settings

from ragsite.errors import BrokenReply
from ragsite.metrics import CONTEXT_TRUNCATED
from ragsite.ollama.calls import Attempt
from ragsite.ollama.replies import ChatReply
from ragsite.ollama.values import TICK, Finished, Tick, Token

logger = logging.getLogger(__name__)


def read_answer(attempt: Attempt, payload: Mapping[str, Any], fewest: int) -> Generator[Token | Tick, None, Finished]:
    """Yield the pieces of one streamed answer; return its end, once it is complete."""
    call, reply, first_token_at, told_at = attempt.call, ChatReply(), 0.0, time.monotonic()
    batches = attempt.host.transport.lines("/api/chat", payload, deadline=call.deadline, model=call.model)
    with closing(batches):
        for batch in batches:
            if isinstance(batch, Tick):
                yield batch
                told_at = time.monotonic()
                continue
            text, error = reply.read(batch)
            if text or error is None:
                attempt.alive()
            if text:
                call.has_begun = True
                first_token_at = first_token_at or time.monotonic()
                yield Token(text)
                told_at = time.monotonic()
            elif time.monotonic() - told_at >= settings.STREAM_HEARTBEAT_SECONDS:
                yield TICK  # it thinks aloud, which is not for the reader
                told_at = time.monotonic()
            if error is not None:
                raise error
            if reply.last is not None:
                break
        else:
            raise BrokenReply("The model server ended its answer before it was complete.")
    truncated = 0 < reply.count("prompt_eval_count") < fewest
    if truncated:
        CONTEXT_TRUNCATED.inc()
        logger.warning("the model server cut a prompt: %s at %s; raise OLLAMA_NUM_CTX?", call.model, attempt.host.url)
    return Finished(
        done_reason=reply.done_reason(payload["options"].get("num_predict", 0)),
        prompt_tokens=reply.count("prompt_eval_count"),
        answer_tokens=reply.count("eval_count"),
        host=attempt.host.url,
        model=call.model,
        first_token_ms=1000 * (first_token_at - attempt.started_at),
        total_ms=1000 * (time.monotonic() - attempt.started_at),
        context_truncated=truncated,
    )
