"""Models of circuits and model servers: their events and the operator's orders; and counters of rate limits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Self

from django.db import models, transaction
from django.utils import timezone

CAUSE_MAX_CHARS = 200


class Operation(models.TextChoices):
    """Operations that have a circuit; empty: the whole model server."""

    EMBED = "embed"
    GENERATE = "generate"


class CircuitEventQuerySet(models.QuerySet["CircuitEvent"]):
    """Queries of events."""

    def older_than(self, days: int) -> Self:
        """Return those that happened more than so many days ago."""
        return self.filter(at__lt=timezone.now() - timedelta(days=days))


class CircuitEvent(models.Model):
    """A change of a circuit or a model server, as one process saw it. Written once, never changed."""

    class State(models.TextChoices):
        """Circuits are CLOSED, OPEN or HALF_OPEN; model servers UP or DOWN, and IN_USE or DRAINING."""

        CLOSED = "CLOSED"
        OPEN = "OPEN"
        HALF_OPEN = "HALF_OPEN"
        UP = "UP"
        DOWN = "DOWN"
        IN_USE = "IN_USE"
        DRAINING = "DRAINING"

    at = models.DateTimeField()
    host = models.TextField(help_text="Base URL, without credentials.")
    operation = models.CharField(
        max_length=10, choices=Operation.choices, blank=True, help_text="Empty: of the model server as a whole."
    )
    from_state = models.CharField(max_length=10, choices=State.choices)
    to_state = models.CharField(max_length=10, choices=State.choices)
    cause = models.CharField(max_length=CAUSE_MAX_CHARS)
    pid = models.PositiveIntegerField("process", help_text="Id of the process that saw it.")

    objects = CircuitEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        # The list of the admin, and pruning.
        indexes = [models.Index(fields=["-at"], name="idx_circuit_events_at")]

    def __str__(self) -> str:
        what = f"{self.operation} at {self.host}" if self.operation else self.host
        return f"{self.to_state}: {what}"


class SwitchQuerySet(models.QuerySet["Switch"]):
    """Queries and updates of switches."""

    def add_missing(self, hosts: Iterable[str]) -> None:
        """Create the missing rows of each host: one for itself, and one for each circuit."""
        rows = [Switch(host=host, operation=operation) for host in hosts for operation in ("", *Operation.values)]
        self.bulk_create(rows, ignore_conflicts=True)

    def set_to(self, host: str, operation: str, wish: str, *, by: str, reason: str) -> tuple[str, Switch]:
        """Store an operator's order, and return the previous wish and the row."""
        with transaction.atomic():
            switch, _created = self.select_for_update().get_or_create(host=host, operation=operation)
            before = switch.wish
            switch.wish, switch.by, switch.reason = wish, by, reason
            switch.version, switch.ordered_at = switch.version + 1, timezone.now()
            switch.save()
        return before, switch


class Switch(models.Model):
    """The last order for a circuit, or for a model server (then without an operation)."""

    class Wish(models.TextChoices):
        """Orders. NONE: there was never one."""

        NONE = "", "-"
        OPEN = "open", "keep open"
        CLOSED = "closed", "close"
        DRAINING = "draining", "drain"
        IN_USE = "in_use", "use again"

    host = models.TextField()
    operation = models.CharField(max_length=10, choices=Operation.choices, blank=True)
    wish = models.CharField(max_length=10, choices=Wish.choices, blank=True, default=Wish.NONE)
    version = models.PositiveIntegerField(default=0, help_text="Counts the orders, so that each is obeyed once.")
    by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    ordered_at = models.DateTimeField(null=True, blank=True)

    objects = SwitchQuerySet.as_manager()

    class Meta:
        ordering = ["host", "operation"]
        verbose_name = "model server circuit"
        constraints = [models.UniqueConstraint(fields=["host", "operation"], name="uniq_switch_host_operation")]

    def __str__(self) -> str:
        return f"{self.operation} at {self.host}" if self.operation else self.host


class RateWindow(models.Model):
    """Use of a rate limit by one client, where there is no Redis; read and written by ragsite/web/rate_windows.py.

    Its table is not logged (see the migration): that makes counting cheap, and after a crash of the server all begin
    with a full limit.
    """

    key = models.CharField(max_length=32, primary_key=True)  # digest of the limit's name and who it is
    quota = models.IntegerField()
    used = models.IntegerField()
    granted = models.IntegerField()  # to the last request
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.used} of {self.quota}"
