"""Admin pages of circuits and model servers: their events, their state, and the orders of an operator.

All of it concerns the whole installation, so only superusers see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.forms import ActionForm

from documents.access.policy import Principal
from documents.admin.scoping import ReadOnlyAdmin, is_superuser
from monitoring.circuits import operator_orders
from monitoring.circuits.event_log import why_down
from monitoring.circuits.watcher import LOOK_EVERY_SECONDS, catch_up
from monitoring.models import CircuitEvent, Switch
from ragsite.errors import OllamaError, RagError
from ragsite.ollama import HostState, Operation, get_client
from ragsite.ollama.values import OPERATIONS


@admin.register(CircuitEvent)
class CircuitEventAdmin(ReadOnlyAdmin):
    """Events of circuits and model servers, the newest first."""

    list_display = ["at", "host", "operation", "from_state", "to_state", "cause", "pid"]
    list_filter = ["to_state", "operation", "host", "at"]
    list_display_links = None
    readonly_fields = ["at", "host", "operation", "from_state", "to_state", "cause", "pid"]

    def readable(self, principal: Principal) -> QuerySet[CircuitEvent]:
        """Return all events to a superuser."""
        may = principal.user is not None and principal.user.is_superuser
        return CircuitEvent.objects.all() if may else CircuitEvent.objects.none()


class OrderForm(ActionForm):  # type: ignore[misc]  # the theme has no types
    """Chooses an action, with an optional reason."""

    reason = forms.CharField(required=False, max_length=200, label="Reason")


@admin.register(Switch)
class SwitchAdmin(ReadOnlyAdmin):
    """One row per model server and per circuit: its state in this process, and the last order."""

    list_display = ["host", "what", "state", "details", "order"]
    list_display_links = None
    action_form = OrderForm
    actions = ["open_now", "close_now", "drain", "use_again"]
    readonly_fields = ["host", "operation", "wish", "by", "reason", "ordered_at"]

    def readable(self, principal: Principal) -> QuerySet[Switch]:
        """Return the rows of the configured hosts to a superuser."""
        if principal.user is None or not principal.user.is_superuser:
            return Switch.objects.none()
        return Switch.objects.filter(host__in=_hosts())

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether this user may give orders."""
        return is_superuser(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with a row for every host that is configured by now."""
        if is_superuser(request):
            Switch.objects.add_missing(_hosts())
        return super().changelist_view(request, {"title": "Model servers and their circuits", **(extra_context or {})})

    @admin.display(description="what", ordering="operation")
    def what(self, switch: Switch) -> str:
        """Return which circuit it is, if it is one."""
        return f"circuit for {switch.operation}" if switch.operation else "model server"

    @admin.display(description="state, as this process sees it")
    def state(self, switch: Switch) -> str:
        """Return the state of the circuit or of the host."""
        state = _state_of(switch.host)
        if state is None:
            return "unknown"
        if switch.operation:
            return str(state.circuits[cast(Operation, switch.operation)]["state"])
        return "DRAINING" if state.draining else "DOWN" if state.last_error else "UP"

    @admin.display(description="details")
    def details(self, switch: Switch) -> str:
        """Return the reason for the state: failures, or the calls that run and wait."""
        state = _state_of(switch.host)
        if state is None:
            return ""
        if not switch.operation:
            return why_down(state) or f"{state.in_flight} calls running, {state.waiting} waiting"
        circuit = state.circuits[cast(Operation, switch.operation)]
        last = f", the last at {circuit['last_failure']}" if circuit["last_failure"] else ""
        return f"{circuit['failure_count']} failures in a row{last}"

    @admin.display(description="last order")
    def order(self, switch: Switch) -> str:
        """Return what was ordered, by whom, when and why."""
        if switch.ordered_at is None:
            return ""
        why = f": {switch.reason}" if switch.reason else ""
        return f"{switch.get_wish_display()}, by {switch.by}, {switch.ordered_at:%Y-%m-%d %H:%M:%S} UTC{why}"

    @admin.action(description="Open now: send no calls of this kind until it is closed", permissions=["operate"])
    def open_now(self, request: HttpRequest, queryset: QuerySet[Switch]) -> None:
        """Keep the circuits open; of a host, both."""
        self._give(request, _circuits(queryset), lambda key, **who: operator_orders.open_now(*key, **who))

    @admin.action(description="Close now: send calls of this kind again", permissions=["operate"])
    def close_now(self, request: HttpRequest, queryset: QuerySet[Switch]) -> None:
        """Close the circuits; of a host, both."""
        self._give(request, _circuits(queryset), lambda key, **who: operator_orders.close_now(*key, **who))

    @admin.action(description="Drain the model server: send no new calls at all", permissions=["operate"])
    def drain(self, request: HttpRequest, queryset: QuerySet[Switch]) -> None:
        """Drain the hosts of the rows."""
        self._give(request, _hosts_of(queryset), operator_orders.drain)

    @admin.action(description="Use the model server again", permissions=["operate"])
    def use_again(self, request: HttpRequest, queryset: QuerySet[Switch]) -> None:
        """Use the hosts of the rows again."""
        self._give(request, _hosts_of(queryset), operator_orders.undrain)

    def _give(self, request: HttpRequest, keys: Iterable[Any], order: Callable[..., Switch]) -> None:
        reason = request.POST.get("reason", "").strip()
        try:
            given = [order(key, by=request.user.get_username(), reason=reason) for key in keys]
        except RagError as exc:
            self.message_user(request, exc.message, messages.ERROR)
            return
        catch_up()
        self.message_user(
            request, f"{len(given)} orders given; the other processes follow within {LOOK_EVERY_SECONDS:g} seconds."
        )


def _hosts() -> list[str]:
    with suppress(OllamaError):
        return operator_orders.configured_hosts()
    return []


def _state_of(host: str) -> HostState | None:
    with suppress(OllamaError):
        return next((state for state in get_client().states() if state.host == host), None)
    return None


def _hosts_of(switches: Iterable[Switch]) -> list[str]:
    return sorted({switch.host for switch in switches})


def _circuits(switches: Iterable[Switch]) -> list[tuple[str, Operation]]:
    chosen = {
        (switch.host, operation)
        for switch in switches
        for operation in OPERATIONS
        if switch.operation in ("", operation)
    }
    return sorted(chosen)
