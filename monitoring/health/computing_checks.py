"""System checks of the RAG_* settings, whose names come from other systems, and of what they do here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from ragsite.ollama import configured


@register(Tags.compatibility)
def check_computing(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return a warning for each of these settings that has no or a surprising effect here."""
    found: list[CheckMessage] = []
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
