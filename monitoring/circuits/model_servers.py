"""State of the model servers in this process, for /health, the admin and commands. Makes no calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragsite import ollama
from ragsite.errors import OllamaMisconfigured
from ragsite.ollama import HostState
from ragsite.ollama.values import OPERATIONS

OPERATIONAL = "Operational"
CIRCUIT_OPEN = "Circuit OPEN - Service unavailable"
UNKNOWN_CIRCUIT = {"state": "UNKNOWN", "failure_count": 0, "last_failure": None}


@dataclass(frozen=True)
class ModelServers:
    """State of all model servers together."""

    healthy: bool
    message: str
    circuit_breaker: dict[str, Any]  # of the worse operation, at the best host
    hosts: tuple[dict[str, Any], ...]


def model_servers() -> ModelServers:
    """Return their state. `healthy`: each kind of call has a host that would be asked and is not known to be down."""
    if not ollama.configured():
        return ModelServers(True, "Not configured; answers are made of quoted sentences.", UNKNOWN_CIRCUIT, ())
    try:
        client = ollama.get_client()
    except OllamaMisconfigured as exc:
        return ModelServers(False, exc.message, UNKNOWN_CIRCUIT, ())
    states = client.states()
    why = _why_unhealthy(states)
    return ModelServers(
        not why, why or OPERATIONAL, client.get_circuit_state(), tuple(describe_host(state) for state in states)
    )


def describe_host(state: HostState) -> dict[str, Any]:
    """Return a host for JSON, without any text that the server sent: it is not trusted."""
    return {
        "url": state.host,
        "healthy": state.healthy,
        "draining": state.draining,
        "in_flight": state.in_flight,
        "waiting": state.waiting,
        "circuits": {operation: dict(circuit) for operation, circuit in state.circuits.items()},
    }


def _why_unhealthy(states: Sequence[HostState]) -> str:
    """Return why no host can be called, or an empty string. A host that is busy counts as healthy."""
    serving = [state for state in states if not state.draining]
    if not serving:
        return "Every model server is being drained."
    for operation in OPERATIONS:
        admitting = [state for state in serving if state.circuits[operation]["state"] != "OPEN"]
        if not admitting:
            return CIRCUIT_OPEN
        if all(state.last_error for state in admitting):
            return "The model server does not answer as it should."
    return ""
