"""Reads questions from HTTP requests: validated, with the corpora that the client may ask, and a deadline."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from cachetools import LRUCache
from django.conf import settings
from django.http.request import RawPostDataException
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from documents.access.policy import Principal
from documents.access.question_scope import scope_of
from documents.api.authentication import principal_of
from documents.api.lookups import editable_document
from documents.models import Corpus, Document
from querying.api.rendering import EventStreamRenderer
from querying.api.serializers import (
    BatchSerializer,
    ExplainSerializer,
    OptionsSerializer,
    QuestionSerializer,
    SearchSerializer,
)
from querying.explaining.askers import asker_named
from querying.maintenance import refuse_while_disabled
from querying.types import MODES, Mode, Question
from ragsite.deadline import Deadline
from ragsite.errors import CorpusNotFound, InvalidInput
from ragsite.ollama import Lane

DEADLINE_HEADER = "X-Deadline-Ms"
BODIES_KEPT, KEPT_BODY_MAX_BYTES = 1000, 2048
_MILLISECONDS = re.compile(r"[1-9][0-9]{0,11}")


def read_question(request: Request, body: Any = None) -> tuple[Question, bool]:
    """Return the question of a request (or of a body made from one), and whether its answer is to be streamed."""
    fields = _fields_of(request, _QUESTION) if body is None else _validated(_QUESTION, body)
    accepted = getattr(request, "accepted_renderer", None)
    return _question_of(request, fields), bool(fields.get("stream", isinstance(accepted, EventStreamRenderer)))


def read_search(request: Request) -> Question:
    """Return the question of a search request."""
    return _question_of(request, _fields_of(request, _SEARCH))


def read_batch(request: Request) -> list[Question]:
    """Return the questions of a batch. They share one deadline."""
    fields = _validated(_BATCH, request.data)
    first = _question_of(request, {**fields, "query": ""})
    return [replace(first, text=text, lane=Lane.BATCH, id=uuid4()) for text in fields["queries"]]


def read_explain(request: Request) -> tuple[Question, Document, Principal | None]:
    """Return a question, the document that is asked about, and who asked the question, if somebody else did.

    Raises DocumentNotFound, and NotAllowed for a document that may only be read.
    """
    fields = _validated(_EXPLAIN, request.data)
    principal = principal_of(request)
    document = editable_document(principal, str(fields["document"]))
    asked_by = fields.get("asked_by")
    asker = None if asked_by is None else asker_named(principal, document, asked_by)
    return _question_of(request, fields), document, asker


# Made once: building the fields of a serializer takes longer than validating, which changes nothing in them.
_QUESTION, _SEARCH, _BATCH = QuestionSerializer(), SearchSerializer(), BatchSerializer()
_EXPLAIN = ExplainSerializer()


# The fields of recent request bodies. Equal bytes always have equal fields, and few bodies are sent often.
_lock = threading.Lock()
_known: LRUCache[Any, dict[str, Any]] = LRUCache(BODIES_KEPT)


def _fields_of(request: Request, serializer: OptionsSerializer) -> dict[str, Any]:
    """Return the validated fields of a request's body."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if request.content_type != "application/json" or not length.isdecimal() or int(length) > KEPT_BODY_MAX_BYTES:
        return _validated(serializer, request.data)
    try:
        body: bytes = request.body
    except RawPostDataException:  # the body was read before, by the check of a CSRF token
        return _validated(serializer, request.data)
    key = (serializer, body, settings.QUESTION_MAX_CHARS, settings.RETRIEVAL_TOP_K_MAX)
    with _lock:
        fields = _known.get(key)
    if fields is None:
        fields = _validated(serializer, request.data)
        with _lock:
            _known[key] = fields
    return fields


def _validated(serializer: OptionsSerializer, data: Any) -> dict[str, Any]:
    if data is None:
        raise ValidationError({"non_field_errors": ["Send a JSON object."]})
    fields: dict[str, Any] = serializer.run_validation(data)
    return fields


def _question_of(request: Request, fields: Mapping[str, Any]) -> Question:
    refuse_while_disabled()
    deadline = Deadline.after(_seconds(fields.get("deadline_ms"), request.headers.get(DEADLINE_HEADER)))
    principal = principal_of(request)
    # Half of the time: after a shared read that took too long, there is time for an own one.
    scope = scope_of(principal, fields.get("corpora", []), patience_seconds=deadline.remaining() / 2)
    if not scope.corpora:
        raise CorpusNotFound("There is no corpus that you may ask.")
    return Question(
        text=fields["query"],
        corpora=scope.corpora,
        standing=scope.fingerprint,
        principal=principal,
        deadline=deadline,
        top_k=fields.get("top_k") or default_top_k(scope.corpora[0]),
        mode=fields.get("mode") or default_mode(scope.corpora[0]),
        answer_style=fields["answer_style"],
        filters=fields.get("filters") or None,
        use_cache=fields["use_cache"],
    )


def default_top_k(corpus: Corpus) -> int:
    """Return the number of passages for a question to this corpus without `top_k`."""
    chosen = corpus.defaults.get("top_k")
    usable = isinstance(chosen, int) and not isinstance(chosen, bool) and 1 <= chosen <= settings.RETRIEVAL_TOP_K_MAX
    return chosen if usable else int(settings.RETRIEVAL_TOP_K)


def default_mode(corpus: Corpus) -> Mode:
    """Return the mode of a question to this corpus without `mode`."""
    chosen = corpus.defaults.get("mode")
    return next((mode for mode in MODES if mode == chosen), "balanced")


def _seconds(body_ms: int | None, header: str | None) -> float:
    """Return the deadline in seconds: the shorter one of body and header, at most DEADLINE_MAX_SECONDS."""
    given = [] if body_ms is None else [body_ms]
    if header is not None:
        if not _MILLISECONDS.fullmatch(header.strip()):
            raise InvalidInput(fields={DEADLINE_HEADER: "Write a whole number of milliseconds above 0."})
        given.append(int(header))
    longest_ms = int(settings.DEADLINE_MAX_SECONDS * 1000)
    return min([*given, longest_ms]) / 1000 if given else float(settings.DEADLINE_SECONDS)
