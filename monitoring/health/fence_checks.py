"""System check of the sandbox that this machine can put around the process that reads uploaded files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, Warning, register

from documents.extraction.process import fences


@register(Tags.security, deploy=True)
def check_fences(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return a warning that names the fences that would be missing, when this user starts a worker on this kernel."""
    standing = fences.expected()
    if len(standing) == len(fences.FENCES):
        return []
    return [
        Warning(
            f"Not all fences would stand around uploaded files: {fences.describe(standing)}.",
            hint="Those that stand still keep a file from most of it; docs/operations.md says what each is for.",
            id="ragsite.W007",
        )
    ]
