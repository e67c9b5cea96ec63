"""Computes the cache keys of a question: digests of everything that its answer depends on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings

from documents.access.fingerprint import AccessFingerprint
from documents.access.question_scope import fingerprint_of
from documents.text.normalization import normalise_question
from querying.generation.prompt import PROMPT_VERSION
from querying.paraphrase.matching import words_key
from querying.types import Question
from ragsite.ollama import configured

STANDING_SECONDS = 1.0  # after which the fingerprint is read again, as when the question has waited for a slot
KEYS_KEPT = 500  # about a kilobyte each
FORMAT = 3  # of cached values: raise it when querying/caching/serialization.py changes
SEARCH_FORMAT = 3  # ... when the ranking of passages changes, too


@dataclass(frozen=True)
class Keys:
    """The cache keys of an answer. An answer under an equal key is right for this reader, too."""

    exact: str
    question: str  # normalised
    language: str  # of the first corpus, in which words are compared
    standing: AccessFingerprint
    lasting: Mapping[str, Any]  # what the answer depends on besides the question, as JSON
    passing: Mapping[str, Any]  # the same, as far as documents, models and prompts change it

    # Computed on first use: an answer in memory needs neither.
    @cached_property
    def stale(self) -> str:
        """Return the key of stale answers: it doesn't depend on documents, model or prompt."""
        return _digest({**self.lasting, "question": self.question})

    @cached_property
    def alike(self) -> str:
        """Return the key with the question's words in no order; empty: no other question may have the same answer."""
        words = words_key(self.question, self.language)
        return words and _digest({**self.lasting, **self.passing, "words": words})


def keys_of(question: Question) -> Keys:
    """Return the keys of a question, with rights and epochs as they were read with the corpora, else as they are now.

    The case of the question matters: 'US' is not 'us'. So does the order of the corpora: fixed sentences of an answer
    are in the language of the first one.
    """
    standing = standing_for(question)
    model = settings.LLM_MODEL if configured() else None
    options = (
        settings.OLLAMA_NUM_CTX,
        settings.OLLAMA_MAX_TOKENS,
        settings.OLLAMA_TEMPERATURE,
        settings.OLLAMA_TOP_K,
    )
    passing = (PROMPT_VERSION, model, options)
    # Cached, because few questions are asked often; but filters and individual rights are not hashable.
    make = _keys.__wrapped__ if question.filters or not isinstance(standing.rights, str) else _keys
    ways = (question.mode, question.answer_style)
    return make(question.text, question.language, standing, question.top_k, ways, question.filters or None, passing)


@lru_cache(maxsize=KEYS_KEPT)
def _keys(
    question: str,
    language: str,
    standing: AccessFingerprint,
    top_k: int,
    ways: tuple[str, str],
    filters: dict[str, Any] | None,
    passing: tuple[str | int, str | None, tuple[float, ...]],
) -> Keys:
    question = normalise_question(question)
    prompt_version, model, options = passing
    mode, answer_style = ways
    lasting_parts = {
        "format": FORMAT,
        "corpora": [pk for pk, _, _ in standing.corpora],
        "rights": standing.rights,
        "top_k": top_k,
        "mode": mode,
        "style": answer_style,
        "filters": filters or {},
    }
    passing_parts = {"state": standing.corpora, "model": model, "prompt": prompt_version, "options": options}
    return Keys(
        exact=_digest({**lasting_parts, **passing_parts, "question": question}),
        question=question,
        language=language,
        standing=standing,
        lasting=lasting_parts,
        passing=passing_parts,
    )


def standing_for(question: Question) -> AccessFingerprint:
    """Return the access fingerprint that was read with the question, or if that is too old, the current one."""
    is_fresh = time.monotonic() - question.started < STANDING_SECONDS
    return question.standing if question.standing and is_fresh else fingerprint_of(question.principal, question.corpora)


def search_key_of(question: Question, standing: AccessFingerprint) -> str:
    """Return the key of the passages found for a question, which depends on no model and no prompt."""
    return _digest(
        {
            "format": SEARCH_FORMAT,
            "state": standing.corpora,
            "rights": standing.rights,
            "top_k": question.top_k,
            "mode": question.mode,
            "filters": question.filters or {},
            "options": [settings.LEXICAL_MATCH_BUDGET, settings.EXACT_SCAN_MAX_CHUNKS],
            "question": normalise_question(question.text),
        }
    )


def _digest(parts: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON. hash() would differ between processes."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()
