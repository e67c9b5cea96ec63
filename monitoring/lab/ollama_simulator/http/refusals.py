"""Errors of an Ollama server, with their exact words.

A handler raises a `Refusal`; the server writes it in the form of the path: `{"error": "text"}` on the native paths, an
object on `/v1`.
"""

from __future__ import annotations

import json


class Refusal(Exception):
    """An error reply: a status and a text."""

    def __init__(self, status: int, text: str, *, from_stream: bool = False) -> None:
        self.status = status
        self.text = text
        # A streamed answer that fails before its first object is sent as plain `application/json`, chunked.
        self.from_stream = from_stream
        super().__init__(text)


CRASHED_WHILE_GENERATING = "an error was encountered while running the model: unexpected EOF"
NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"
INPUT_TOO_LONG = "the input length exceeds the context length"


def model_is_required() -> Refusal:
    """Chat, show and the old embeddings path without a model."""
    return Refusal(400, "model is required")


def invalid_model_name() -> Refusal:
    """A name that can't be a model's."""
    return Refusal(400, "invalid model name")


def not_found_for_embedding(name: str) -> Refusal:
    """An unknown model on the embedding paths."""
    return Refusal(404, f'model "{name}" not found, try pulling it first')


def not_found(name: str) -> Refusal:
    """An unknown model on every other path."""
    return Refusal(404, f"model '{name}' not found")


def cloud_is_off() -> Refusal:
    """A model of Ollama's cloud; this server has none."""
    return Refusal(403, "ollama cloud is disabled: remote model is unavailable")


def cannot(name: str, operation: str) -> Refusal:
    """A model of the wrong kind: it does not `generate`, `chat` or do `thinking`."""
    return Refusal(400, f'"{name}" does not support {operation}')


def lacks(full_name: str, capability: str) -> Refusal:
    """A model that takes no `tools` or no suffix (`insert`); named in full, as the real one does."""
    return Refusal(400, f"registry.ollama.ai/{full_name} does not support {capability}")


def busy() -> Refusal:
    """Too many requests wait for a load; two blanks, and no Retry-After."""
    return Refusal(503, "server busy, please try again.  maximum pending requests exceeded")


def load_failed(reason: str = "error loading model: bad magic") -> Refusal:
    """The runner ended while it was loading."""
    return Refusal(500, f"llama-server process has terminated: exit status 1: {reason}")


def runner_died_embedding(port: int, status: int) -> Refusal:
    """The runner died while embedding: 400 on /api/embed, 500 on the old path."""
    return Refusal(status, f'do embedding request: Post "http://127.0.0.1:{port}/v1/embeddings": EOF')


def runner_gone() -> Refusal:
    """The runner died before the first token."""
    return Refusal(
        500,
        "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, "
        "check ollama server logs for details",
    )


def too_long_for_context(prompt_tokens: int, num_ctx: int) -> Refusal:
    """A prompt that does not fit: JSON text inside the `error` string."""
    inner = {
        "error": {
            "code": 400,
            "message": f"request ({prompt_tokens} tokens) exceeds the available context size ({num_ctx} tokens), "
            "try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": prompt_tokens,
            "n_ctx": num_ctx,
        }
    }
    return Refusal(400, json.dumps(inner, separators=(",", ":")).replace("tokens),try", "tokens), try"))
