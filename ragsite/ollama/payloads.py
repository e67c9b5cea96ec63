"""Builds request bodies. Load-time options never vary between calls: a change makes Ollama reload the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

LOAD_TIME_OPTIONS = frozenset(
    {"num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict"}
)


def embed_payload(model: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return the body for /api/embed. `truncate`: one over-long text is cut instead of failing its whole batch."""
    return {
        "model": model,
        "input": list(texts),
        "truncate": True,
        "options": _load_time_options(),
        "keep_alive": _keep_alive(),
    }


def chat_payload(model: str, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body for a streamed /api/chat; of `options` only what can change from call to call is used."""
    sampling = {name: value for name, value in options.items() if name not in LOAD_TIME_OPTIONS}
    return {
        "model": model,
        "messages": [dict(message) for message in messages],
        "stream": True,
        "think": False,  # passages are there to be quoted, not pondered on; a thinking model would start late
        "options": sampling | _load_time_options(),
        "keep_alive": _keep_alive(),
    }


def fewest_tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """Return a number of tokens that the prompt has for certain: fewer means that the host cut it.

    English has about 1.3 tokens a word; scripts without blanks have about one a character, which UTF-8 stores in three
    bytes. Nine tenths of a token a word, or one for every six characters of such a script, is below what any tokenizer
    makes of a text. Example: 1,000 English words are 1,300 tokens; a host that counts fewer than 900 has cut.
    """
    texts = [message["content"] for message in messages]
    words = sum(len(text.split()) for text in texts)
    bytes_beyond_ascii = sum(len(text.encode("utf-8", "replace")) - len(text) for text in texts)
    return max(words * 9 // 10, bytes_beyond_ascii // 12)


def _load_time_options() -> dict[str, Any]:
    options: dict[str, Any] = {"num_ctx": settings.OLLAMA_NUM_CTX}
    if not settings.OLLAMA_GPU:
        options["num_gpu"] = 0
    return options


def _keep_alive() -> str | float:
    """Return OLLAMA_KEEP_ALIVE as Ollama takes it: "30m" as text, but seconds ("-1") as a number."""
    text: str = settings.OLLAMA_KEEP_ALIVE.strip()
    try:
        return float(text)
    except ValueError:
        return text
