"""Refuses questions during maintenance (RAG_DISABLE), while everything else goes on."""

from __future__ import annotations

from django.conf import settings

from ragsite.errors import QuestionsDisabled

RETRY_AFTER_SECONDS = 60.0


def refuse_while_disabled() -> None:
    """Raise QuestionsDisabled while RAG_DISABLE is set."""
    if settings.RAG_DISABLE:
        raise QuestionsDisabled(retry_after_seconds=RETRY_AFTER_SECONDS)
