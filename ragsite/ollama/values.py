"""Values that callers of `ragsite.ollama` pass and get: frozen, without behaviour."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Operation = Literal["embed", "generate"]
OPERATIONS: tuple[Operation, ...] = ("embed", "generate")


class Lane(enum.IntEnum):
    """Who is waiting for a host; a lower number goes first."""

    INTERACTIVE = 0
    BATCH = 1
    INDEXING = 2


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer: everything that had arrived when it was read."""

    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing came for a while: a moment to see whether the reader is still there."""


TICK = Tick()


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer as the host tells it, with what it cost."""

    done_reason: str  # "stop": complete; "length": the limit of tokens was reached; anything else: stopped otherwise
    prompt_tokens: int
    answer_tokens: int
    host: str
    model: str
    first_token_ms: float
    total_ms: float
    context_truncated: bool  # the host dropped a part of the prompt


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a host tells about a model; None where it doesn't."""

    dimensions: int | None
    context_length: int | None
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostState:
    """One host as this process sees it."""

    host: str  # the base URL without credentials
    healthy: bool
    draining: bool
    last_error: str | None
    models: tuple[str, ...] | None  # None: not asked yet
    in_flight: int
    waiting: int
    circuits: Mapping[Operation, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A circuit went from one state to another."""

    host: str
    operation: Operation
    old_state: str
    new_state: str
    reason: str
    at: datetime
    open_seconds: float | None  # how long it stays open; None for the other states
