"""HTTP requests -> questions: validated, with the corpora that the asker may read, and a deadline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from django.conf import settings
from rest_framework.request import Request

from documents.access import choose_corpora, readable_corpora
from documents.api.authentication import principal_of
from documents.models import Corpus
from querying.api.rendering import EventStreamRenderer
from querying.api.serializers import BatchSerializer, QuestionSerializer, SearchSerializer
from querying.values import MODES, Asked, Mode
from ragsite.deadline import Deadline
from ragsite.errors import CorpusNotFound, InvalidInput
from ragsite.ollama import Lane

DEADLINE_HEADER = "X-Deadline-Ms"
_MILLISECONDS = re.compile(r"[1-9][0-9]{0,11}")


def read_question(request: Request, body: Any = None) -> tuple[Asked, bool]:
    """Return the question of a request (or of a body made from one), and whether its answer is to be streamed."""
    fields = _validated(QuestionSerializer(data=request.data if body is None else body))
    accepted = getattr(request, "accepted_renderer", None)
    return _asked(request, fields), bool(fields.get("stream", isinstance(accepted, EventStreamRenderer)))


def read_search(request: Request) -> Asked:
    """Return the question of a request that wants passages only."""
    return _asked(request, _validated(SearchSerializer(data=request.data)))


def read_batch(request: Request) -> list[Asked]:
    """Return the questions of a batch. They share one deadline."""
    fields = _validated(BatchSerializer(data=request.data))
    first = _asked(request, {**fields, "query": ""})
    return [replace(first, question=question, lane=Lane.BATCH, id=uuid4()) for question in fields["queries"]]


def _validated(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    fields: dict[str, Any] = serializer.validated_data
    return fields


def _asked(request: Request, fields: Mapping[str, Any]) -> Asked:
    deadline = Deadline.after(_seconds(fields.get("deadline_ms"), request.headers.get(DEADLINE_HEADER)))
    principal = principal_of(request)
    corpora = choose_corpora(fields.get("corpora", []), readable_corpora(principal))
    if not corpora:
        raise CorpusNotFound("There is no corpus that you may ask.")
    return Asked(
        question=fields["query"],
        corpora=tuple(corpora),
        principal=principal,
        deadline=deadline,
        top_k=fields.get("top_k") or default_top_k(corpora[0]),
        mode=fields.get("mode") or default_mode(corpora[0]),
        filters=fields.get("filters") or None,
        use_cache=fields["use_cache"],
    )


def default_top_k(corpus: Corpus) -> int:
    """Return how many passages a question gets that doesn't say."""
    chosen = corpus.defaults.get("top_k")
    usable = isinstance(chosen, int) and not isinstance(chosen, bool) and 1 <= chosen <= settings.RETRIEVAL_TOP_K_MAX
    return chosen if usable else int(settings.RETRIEVAL_TOP_K)


def default_mode(corpus: Corpus) -> Mode:
    """Return the mode of a question that doesn't say."""
    chosen = corpus.defaults.get("mode")
    return next((mode for mode in MODES if mode == chosen), "balanced")


def _seconds(in_body_ms: int | None, in_header: str | None) -> float:
    """Return how long the asker waits: the shorter of both wishes, never above DEADLINE_MAX_SECONDS."""
    wishes = [] if in_body_ms is None else [in_body_ms]
    if in_header is not None:
        if not _MILLISECONDS.fullmatch(in_header.strip()):
            raise InvalidInput(fields={DEADLINE_HEADER: "Write a whole number of milliseconds above 0."})
        wishes.append(int(in_header))
    longest_ms = int(settings.DEADLINE_MAX_SECONDS * 1000)
    return min([*wishes, longest_ms]) / 1000 if wishes else float(settings.DEADLINE_SECONDS)
