"""Compares, applies and restores Postgres' settings on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from monitoring.tuning.advice import GB, Change, advise, as_number, compare
from monitoring.tuning.connection_budget import connection_budget
from monitoring.tuning.machine_resources import Resources, machine_resources
from monitoring.tuning.server_settings import (
    TuningRefused,
    apply_changes,
    is_on_this_machine,
    others_are_connected,
    read_settings,
    restore_settings,
)
from ragsite.postgres import embedded_server


@dataclass(frozen=True)
class Tuning:
    """What was found, and what was done about it."""

    resources: Resources | None = None
    changes: Sequence[Change] = ()
    done: Sequence[str] = ()  # sentences

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a dict for JSON."""
        return {
            "machine": asdict(self.resources) if self.resources else None,
            "settings": [{**asdict(change), "differs": change.differs} for change in self.changes],
            "done": list(self.done),
        }

    def as_text(self) -> str:
        """Return a table, and what was done."""
        lines = []
        if self.resources is not None:
            memory = self.resources.memory_bytes / GB
            lines.append(f"Planned with {memory:.1f} GB of memory and {self.resources.cores} cores.")
        for change in self.changes:
            arrow = f"{change.current} -> {change.recommended}" if change.differs else f"{change.current}, good"
            note = " (needs a restart)" if change.differs and change.needs_restart else ""
            lines.append(f"  {change.name:<33}{arrow:<26}{change.reason}{note}")
        return "\n".join([*lines, *self.done])


def propose(*, memory: str = "", cores: int = 0) -> Tuning:
    """Return what should be changed. `memory` ("16GB") and `cores` of the database server, when it is another machine.

    Raises TuningRefused when they are needed and not given, or make no sense.
    """
    here = is_on_this_machine()
    if not here and not (memory and cores):
        raise TuningRefused("Postgres runs on another machine: say what that has, e.g. --memory 16GB --cores 4.")
    found = machine_resources()
    memory_bytes = as_number(memory) if memory else float(found.memory_bytes)
    if isinstance(memory_bytes, str) or memory_bytes < GB / 4:
        raise TuningRefused(f"{memory} is no memory of a server; say it as 16GB, and not less than 256MB.")
    resources = Resources(int(memory_bytes), cores if cores > 0 else found.cores)
    advice = advise(resources, connections_needed=connection_budget().needed, is_shared=here)
    return Tuning(resources, compare(advice, read_settings([each.name for each in advice])))


def apply_tuning(tuning: Tuning) -> Tuning:
    """Change what differs; return the same with what was done. Raises TuningRefused without the rights."""
    wanted = [change for change in tuning.changes if change.differs]
    if not wanted:
        return Tuning(tuning.resources, tuning.changes, ("Nothing to change.",))
    backup = apply_changes(wanted)
    done = [f"Changed {len(wanted)} settings; `--restore` puts back what {backup} has."]
    waiting = [change.name for change in wanted if change.needs_restart]
    return Tuning(tuning.resources, tuning.changes, (*done, *_restart_for(waiting)))


def restore_tuning() -> Tuning:
    """Put back what was there before the last apply. Raises TuningRefused when there is nothing to put back."""
    path, names = restore_settings()
    waiting = [name for name, setting in read_settings(names).items() if setting.needs_restart]
    return Tuning(done=(f"Put back {len(names)} settings; the backup is now {path}.", *_restart_for(waiting)))


def _restart_for(names: Sequence[str]) -> list[str]:
    """Restart the embedded server if no other process uses it; otherwise return what the operator has to restart."""
    if not names:
        return []
    listed = ", ".join(names)
    directory = embedded_server.data_directory()
    if not embedded_server.is_held(directory):
        return [f"After the next restart of Postgres these count too: {listed}."]
    if others_are_connected():
        return [f"Stop `serve` and start it again, and these count too: {listed}."]
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined] # its connections end now
    embedded_server.restart(directory)
    return [f"The embedded Postgres was restarted, so that these count too: {listed}."]
