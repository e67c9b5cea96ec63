"""Status of circuits for commands, from the stored events: each process has circuits of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitoring.circuits.event_log import why_down
from monitoring.models import CircuitEvent, Switch
from ragsite import ollama
from ragsite.ollama import HostState
from ragsite.ollama.values import OPERATIONS


def circuit_status() -> dict[str, Any]:
    """Return each host: does it answer now, what was ordered, and the last change that any process saw.

    The hosts are asked for their models, five seconds at most; no circuit counts that. Raises OllamaMisconfigured.
    """
    if not ollama.configured():
        return {"hosts": []}
    orders = {(switch.host, switch.operation): switch for switch in Switch.objects.exclude(ordered_at=None)}
    return {"hosts": [_host(state, orders) for state in ollama.get_client().probe_now()]}


def as_text(status: dict[str, Any]) -> str:
    """Return it as lines for people."""
    if not status["hosts"]:
        return "No model server is configured; set OLLAMA_BASE_URL."
    return "\n".join(line for host in status["hosts"] for line in _lines(host))


def _host(state: HostState, orders: dict[tuple[str, str], Switch]) -> dict[str, Any]:
    def about(operation: str) -> dict[str, Any]:
        order, last = orders.get((state.host, operation)), _last_change(state.host, operation)
        return {"order": order and _order(order), "last_change": last and _change(last)}

    return {
        "url": state.host,
        "answers": state.last_error is None,
        "why_not": why_down(state) or None,
        "models": len(state.models or ()),
        **about(""),
        "circuits": {operation: about(operation) for operation in OPERATIONS},
    }


def _last_change(host: str, operation: str) -> CircuitEvent | None:
    return CircuitEvent.objects.filter(host=host, operation=operation).first()


def _order(switch: Switch) -> dict[str, Any]:
    assert switch.ordered_at is not None
    return {
        "wish": switch.wish,
        "by": switch.by,
        "at": switch.ordered_at.isoformat(timespec="seconds"),
        "reason": switch.reason,
    }


def _change(event: CircuitEvent) -> dict[str, Any]:
    return {
        "state": event.to_state,
        "at": event.at.isoformat(timespec="seconds"),
        "cause": event.cause,
        "process": event.pid,
    }


def _lines(host: dict[str, Any]) -> Iterable[str]:
    yield f"{host['url']}: " + (f"answers, {host['models']} models" if host["answers"] else f"down: {host['why_not']}")
    for name, about in [("server", host), *host["circuits"].items()]:
        order, change = about["order"], about["last_change"]
        if order:
            yield f"  {name}: ordered {order['wish']} by {order['by']} at {order['at']}" + (
                f" ({order['reason']})" if order["reason"] else ""
            )
        if change:
            yield f"  {name}: {change['state']} since {change['at']}, process {change['process']}: {change['cause']}"
        if not order and not change:
            yield f"  {name}: nothing ever happened"
