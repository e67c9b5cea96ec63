"""Events of the peer's streams, named as ragsite's, so that one load generator reads both. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Sequence


def token_event(text: str) -> str:
    """Return the event of a piece of the answer."""
    return _event("token", {"text": text})


def done_event(sources: Sequence[str]) -> str:
    """Return the event that ends a complete answer; `sources`: the ids of its passages."""
    return _event("done", {"answer_mode": "generated", "degraded": False, "sources": list(sources)})


def _event(name: str, data: dict[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
