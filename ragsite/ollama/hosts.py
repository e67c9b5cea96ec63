"""Chooses the model server for a call, in their order of preference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ragsite.errors import CircuitOpen, OllamaError, OllamaMisconfigured, OllamaUnavailable
from ragsite.ollama.addresses import addresses_of, parse_address
from ragsite.ollama.failures import model_not_found
from ragsite.ollama.hints import Hints
from ragsite.ollama.host import Host
from ragsite.ollama.resolving import Resolver
from ragsite.ollama.values import OPERATIONS, BreakerChange, Operation


class Hosts:
    """All configured model servers, in their order of preference."""

    def __init__(self, base_urls: Sequence[str], redis_url: str, tell: Callable[[BreakerChange], None]) -> None:
        addresses = addresses_of(base_urls)
        keys = [f"{operation}:{address.url}" for address in addresses for operation in OPERATIONS]
        self._hints = Hints(redis_url, keys)
        resolver = Resolver()
        self.all = tuple(Host(address, resolver, self._hints, tell) for address in addresses)

    def choose(self, operation: Operation, model: str, passed_over: Collection[Host] = ()) -> Host | None:
        """Return the host to ask next, or None when none may be asked.

        The first that is well and has a free slot; else the first that is well; else the first of all.
        """
        possible = []
        for host in self.all:
            if host in passed_over or host.draining or host.lacks(model):
                continue
            host.breakers[operation].listen()
            if not host.breakers[operation].wait_seconds():
                if host.is_preferred and host.gate.has_free_slot:
                    return host
                possible.append(host)
        return min(possible, key=lambda host: not host.is_preferred, default=None)

    def can(self, operation: Operation, model: str | None = None) -> bool:
        """Return whether some host would take a call now, as far as is known without asking anybody."""
        return any(
            not host.draining
            and not (model and host.lacks(model))
            and not host.breakers[operation].wait_seconds()
            and host.gate.has_room()
            for host in self.all
        )

    def why_not(self, operation: Operation, model: str) -> OllamaError:
        """Return the error that says why no host can be asked."""
        if not self.all:
            return OllamaMisconfigured("No model server is configured; set OLLAMA_BASE_URL.")
        serving = [host for host in self.all if not host.draining]
        if not serving:
            return OllamaUnavailable("Every model server is being drained.")
        having = [host for host in serving if not host.lacks(model)]
        if not having:
            return model_not_found(model, ", ".join(host.url for host in serving))
        waits = [host.breakers[operation].wait_seconds() for host in having]
        return CircuitOpen(retry_after_seconds=max(1.0, min(waits)))

    def named(self, url: str) -> Host:
        """Return the host with that base URL. Raises OllamaMisconfigured when there is none."""
        wanted = parse_address(url).url
        for host in self.all:
            if host.url == wanted:
                return host
        raise OllamaMisconfigured(f"There is no model server {wanted} in OLLAMA_BASE_URL.")

    def close(self) -> None:
        """Close all connections and stop all background threads."""
        for host in self.all:
            host.close()
        self._hints.close()
