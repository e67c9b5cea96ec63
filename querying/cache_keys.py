"""Question -> the keys that its answer is kept under: digests of everything that the answer depends on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from documents.normalising import normalise_question
from documents.rights import Standing, standing_of
from querying.prompting import PROMPT_VERSION
from querying.values import Asked
from ragsite.ollama import configured

FORMAT = 1  # of what is kept: raise it when querying/packing.py changes


@dataclass(frozen=True)
class Keys:
    """Where to look for an answer. Equal keys mean: this answer is right for this asker, too."""

    exact: str
    stale: str  # without what changes when documents, models or prompts do
    alike: str  # without the question
    question: str  # normalised
    standing: Standing


def keys_of(asked: Asked) -> Keys:
    """Return the keys of a question, with rights and epochs as they are stored now.

    The question's case is kept: 'US' is not 'us'. The order of the corpora is kept: the first one's language is that
    of our own sentences.
    """
    standing = standing_of(asked.principal, asked.corpora)
    question = normalise_question(asked.question)
    lasting = {
        "format": FORMAT,
        "corpora": [pk for pk, _, _ in standing.corpora],
        "rights": standing.rights,
        "top_k": asked.top_k,
        "mode": asked.mode,
        "filters": asked.filters or {},
    }
    passing = {
        "state": standing.corpora,
        "model": settings.LLM_MODEL if configured() else None,
        "prompt": PROMPT_VERSION,
        "options": [
            settings.OLLAMA_NUM_CTX,
            settings.OLLAMA_MAX_TOKENS,
            settings.OLLAMA_TEMPERATURE,
            settings.OLLAMA_TOP_K,
        ],
    }
    return Keys(
        exact=_digest({**lasting, **passing, "question": question}),
        stale=_digest({**lasting, "question": question}),
        alike=_digest({**lasting, **passing}),
        question=question,
        standing=standing,
    )


def _digest(parts: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON. Not hash(): that is another one in every process."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()
