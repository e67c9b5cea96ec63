"""What is said at the start of the switches RAG_*: names that other systems use, and what they come to here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from ragsite.ollama import configured

CHOICES = {"RAG_DEVICE": ("auto", "cpu", "cuda"), "RAG_MODEL": ("english", "multilingual")}


@register(Tags.compatibility)
def check_computing(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with these switches, and what they can't do."""
    found: list[CheckMessage] = [
        Error(f"{name} is {getattr(settings, name)!r}.", hint=f"Use one of {', '.join(known)}.", id="ragsite.E008")
        for name, known in CHOICES.items()
        if getattr(settings, name) not in known
    ]
    if settings.RAG_CPU_THREADS < 0:
        found.append(
            Error("RAG_CPU_THREADS is below 0.", hint="Use 0 for as many as there are cores.", id="ragsite.E009")
        )
    if settings.RAG_DISABLE:
        found.append(
            Warning(
                "RAG_DISABLE is set: every question is refused with 503.",
                hint="Unset it and restart when the maintenance is over.",
                id="ragsite.W004",
            )
        )
    if settings.RAG_DEVICE == "cuda":
        found.append(
            Warning(
                "RAG_DEVICE is cuda, but ragsite itself computes on the CPU: the embedded model is a table of vectors. "
                "Only a model server uses a GPU, and its own configuration decides whether it does.",
                hint="Set OLLAMA_BASE_URL to an Ollama on a machine with a GPU; use RAG_DEVICE=auto here.",
                id="ragsite.W005",
            )
        )
    if settings.RAG_MODEL == "multilingual" and not configured():
        found.append(
            Warning(
                "RAG_MODEL is multilingual, but without a model server there is one model only: WordLlama, which knows "
                "English best. Other languages are found by their words.",
                hint="Set OLLAMA_BASE_URL to use a multilingual model.",
                id="ragsite.W006",
            )
        )
    return found
