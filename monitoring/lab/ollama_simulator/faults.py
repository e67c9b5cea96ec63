"""Faults that can be injected: which fault, for which requests, how often."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

# Before the request reaches a model: any operation.
TRANSPORT_FAULTS = {
    "reset": "the connection is reset once the request was read",
    "hang": "the request is read and never answered (`seconds` > 0: answered after them)",
    "error": "an error with `status` (500) and `message`",
    "busy": "503, the words of a full queue",
    "missing": "404, the words of an unknown model",
    "html": "an HTML page with `status` (200), as a proxy sends it",
    "gzip_bomb": "`bytes` (256 MB) of blanks that travel as a small gzip body",
    "huge_line": "one line of `bytes` (10 MB), status 200",
    "slow_headers": "the reply's head comes a byte every `seconds` (0.2)",
}
# While a model is loading or working.
LOAD_FAULTS = {"fail_load": "the next cold load ends with 500"}
EMBEDDING_FAULTS = {
    "crash": "the runner dies: 400 with EOF, model unloaded (generation: 500, or a line after `after` tokens)",
    "wrong_dimension": "vectors of `dimensions` (default: one too many)",
    "too_few_vectors": "the last vector is missing",
    "nan_vectors": "the first vector holds NaN, as a bare word",
    "nan_refused": "400 `embedding contains NaN or Inf values`",
    "zero_vectors": "all vectors are zero",
}
GENERATION_FAULTS = {
    "slow_first_token": "the first token comes after `seconds` (60)",
    "slow_tokens": "every token takes `seconds` (5)",
    "cut": "the connection is closed after `after` tokens",
    "error_line": "after `after` tokens an error line inside the 200",
    "no_done": "the stream ends after `after` tokens (0: all) without done:true",
    "wedge": "a client that hangs up in mid-stream leaves the model stuck until an unload request",
    "truncate_context": "half of the prompt is dropped without a word",
}
EVERY_FAULT: Mapping[str, str] = {**TRANSPORT_FAULTS, **LOAD_FAULTS, **EMBEDDING_FAULTS, **GENERATION_FAULTS}

GROUPS: Mapping[str, frozenset[str]] = {
    "embedding": frozenset({"embed", "embeddings", "v1_embeddings"}),
    "generation": frozenset({"generate", "chat", "v1_chat", "v1_completions"}),
}


@dataclass
class Fault:
    """One fault and its limits; empty limits mean always and everywhere."""

    name: str
    model: str | None = None  # tagged name
    operation: str | None = None  # "embed", "chat", ..., or a group: "embedding", "generation"
    times: int | None = None  # so many requests, then it heals
    probability: float = 1.0
    after: int = 0  # tokens
    seconds: float = 0.0
    status: int = 0
    message: str = ""
    bytes: int = 0
    dimensions: int = 0

    def matches(self, operation: str, model: str | None) -> bool:
        """True when this fault is meant for such a request."""
        if self.times is not None and self.times <= 0:
            return False
        if self.model is not None and self.model != model:
            return False
        return self.operation in (None, operation) or operation in GROUPS.get(self.operation or "", ())


FIELDS = frozenset(field.name for field in fields(Fault))


class FaultBox:
    """The faults that wait for a request."""

    def __init__(self, seed: int = 1) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(seed)  # noqa: S311 - chances, not secrets; seeded, so that a run can be repeated

    def add(self, name: str, **limits: Any) -> None:
        """Let something fail. Raises ValueError for an unknown fault or limit."""
        if name not in EVERY_FAULT:
            raise ValueError(f"there is no fault {name!r}; there are: {', '.join(EVERY_FAULT)}")
        if unknown := set(limits) - FIELDS:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}; it has: {', '.join(sorted(FIELDS))}")
        self._faults.append(Fault(name, **limits))

    def clear(self, name: str | None = None) -> None:
        """Heal everything, or one kind of fault."""
        self._faults = [fault for fault in self._faults if name is not None and fault.name != name]

    def take(self, names: Iterable[str], operation: str, model: str | None) -> Fault | None:
        """Return the first fault of these names that befalls this request, and count it off."""
        for fault in self._faults:
            if fault.name in names and fault.matches(operation, model) and self._befalls(fault):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def _befalls(self, fault: Fault) -> bool:
        return fault.probability >= 1.0 or self._random.random() < fault.probability

    def as_list(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come, for `/standin/state`."""
        return [asdict(fault) for fault in self._faults if fault.times is None or fault.times > 0]
