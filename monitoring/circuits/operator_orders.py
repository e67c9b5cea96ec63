"""Stores the orders of an operator about circuits and model servers, and carries them out in every process.

An order is a row in Postgres; each process reads them every few seconds (`monitoring.circuits.watcher`). A circuit
stays open, and a host drained, until the opposite is ordered, also across restarts. "close" is carried out once; after
that, the circuit depends on the outcomes of calls again.
"""

from __future__ import annotations

import getpass
import logging
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from monitoring.models import CircuitEvent, Switch
from ragsite.errors import InvalidInput, OllamaMisconfigured
from ragsite.ollama import OllamaClient, Operation
from ragsite.ollama.addresses import addresses_of, parse_address
from ragsite.postgres.limits import bounded_transaction

logger = logging.getLogger(__name__)
HOLD_SECONDS = 30.0  # a circuit is kept open by opening it again before this time is over
READ_SECONDS = 1.0  # that a statement may take
Wish = Switch.Wish
Key = tuple[str, str]  # host, operation; "": the whole host


def configured_hosts() -> list[str]:
    """Return the base URLs of the model servers, without credentials. Raises OllamaMisconfigured."""
    return [address.url for address in addresses_of(settings.OLLAMA_BASE_URLS)]


def open_now(host: str, operation: Operation, *, by: str, reason: str = "") -> Switch:
    """Keep that circuit open in every process until `close_now`.

    Raises OllamaMisconfigured for an unknown host, and InvalidInput when circuits are switched off.
    """
    if not settings.ENABLE_CIRCUIT_BREAKER:
        raise InvalidInput("Circuits are switched off (ENABLE_CIRCUIT_BREAKER=false); drain the host instead.")
    return _order(host, operation, Wish.OPEN, by=by, reason=reason)


def close_now(host: str, operation: Operation, *, by: str, reason: str = "") -> Switch:
    """Close that circuit in every process. Raises OllamaMisconfigured for an unknown host."""
    return _order(host, operation, Wish.CLOSED, by=by, reason=reason)


def drain(host: str, *, by: str, reason: str = "") -> Switch:
    """Send no new calls to that host until `undrain`; those that run go on. Raises OllamaMisconfigured."""
    return _order(host, "", Wish.DRAINING, by=by, reason=reason)


def undrain(host: str, *, by: str, reason: str = "") -> Switch:
    """Use that host again. Raises OllamaMisconfigured for an unknown one."""
    return _order(host, "", Wish.IN_USE, by=by, reason=reason)


def operator_here() -> str:
    """Return the name of the user who runs this command, for the order's record."""
    with suppress(KeyError, OSError):  # a container may have users without names
        return getpass.getuser()
    return "a command"


def _order(host: str, operation: str, wish: Wish, *, by: str, reason: str) -> Switch:
    url = parse_address(host).url
    if url not in configured_hosts():
        raise OllamaMisconfigured(f"There is no model server {url} in OLLAMA_BASE_URL.")
    with transaction.atomic():
        before, switch = Switch.objects.set_to(url, operation, wish, by=by, reason=reason)
        if not operation and (before == Wish.DRAINING) != (wish == Wish.DRAINING):
            _log_draining(url, draining=wish == Wish.DRAINING)
    logger.warning("order of an operator: %s %s at %s", Wish(wish).label, operation or "everything", url)
    return switch


def _log_draining(host: str, *, draining: bool) -> None:
    """Store one event with the order: draining is the same for every process."""
    states = [CircuitEvent.State.IN_USE, CircuitEvent.State.DRAINING]
    was, now = states if draining else reversed(states)
    CircuitEvent.objects.create(
        at=timezone.now(), host=host, from_state=was, to_state=now, cause="ordered by an operator", pid=os.getpid()
    )


class Switchboard:
    """The orders that this process has read, and the versions that it has carried out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: Mapping[Key, tuple[str, int]] | None = None  # wish and version; None: not read yet
        self._client: OllamaClient | None = None
        self._obeyed: dict[Key, int] = {}

    def read(self) -> None:
        """Read the orders. Raises DatabaseError; the orders read before stay valid."""
        with bounded_transaction(READ_SECONDS):
            rows = list(Switch.objects.values_list("host", "operation", "wish", "version"))
        self._orders = {(host, operation): (wish, version) for host, operation, wish, version in rows}

    def obey(self, client: OllamaClient) -> None:
        """Carry out the orders read so far. No I/O except a hint to Redis."""
        with self._lock:
            orders = self._orders
            if orders is None:
                return
            is_new_client = client is not self._client
            if is_new_client:
                self._client, self._obeyed = client, {}
            for key, (wish, version) in orders.items():
                is_news = self._obeyed.get(key) != version
                # Circuits of a new client start closed; one that has opened since did so because of failures.
                if wish != Wish.CLOSED or (is_news and not is_new_client):
                    _obey(client, key, wish)
                self._obeyed[key] = version


def _obey(client: OllamaClient, key: Key, wish: str) -> None:
    host, operation = key
    try:
        if not operation:
            client.set_draining(host, wish == Wish.DRAINING)
        elif wish == Wish.OPEN and settings.ENABLE_CIRCUIT_BREAKER:
            client.open_circuit(host, cast(Operation, operation), HOLD_SECONDS)
        elif wish == Wish.CLOSED:
            client.close_circuit(host, cast(Operation, operation))
    except OllamaMisconfigured:
        return  # not a host of this process, or not any more
