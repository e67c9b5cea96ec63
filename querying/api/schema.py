"""Describes the routes of questions for the OpenAPI schema, with examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from documents.api.paging import PageSerializer
from querying.api.compatibility import body_schema
from querying.api.reply_shapes import (
    AnswerSerializer,
    ColumnsSerializer,
    ExplanationSerializer,
    FoundSerializer,
    RefusalSerializer,
)
from querying.api.serializers import (
    AskedSerializer,
    BatchSerializer,
    ExplainSerializer,
    FeedbackSerializer,
    QueryListSerializer,
    QuestionSerializer,
    SearchSerializer,
)

F = TypeVar("F", bound=Callable[..., Any])
_DOCUMENT_ID = "6f2a0c1e-8f0e-4c7e-9d58-0f6a5d1c2b3a"
_QUOTE = "Employees get 25 days of paid leave per year."
PASSAGE_EXAMPLE = {
    "number": 1,
    "chunk_id": 4711,
    "document_id": _DOCUMENT_ID,
    "title": "Staff handbook",
    "source": "handbook.pdf",
    "corpus": "handbook",
    "heading": "Holidays",
    "page": 12,
    "start": 20_480,
    "end": 20_912,
    "text": f"{_QUOTE} Unused days are kept until the end of March.",
    "score": 0.97,
    "legs": {"lexical": 11.2, "dense": 0.71},
}
_COMMON = {
    "degraded": False,
    "degraded_reasons": [],
    "legs": [{"name": "lexical", "status": "ok", "ms": 4.1}, {"name": "dense", "status": "ok", "ms": 2.8}],
    "corrections": {},
}
SEARCH_EXAMPLE = {
    "passages": [PASSAGE_EXAMPLE],
    "answerable": True,
    **_COMMON,
    "cache": {"hit": False, "similarity": None, "age_seconds": None},
    "timings_ms": {"embed": 1.2, "lexical": 4.1, "dense": 2.8, "retrieve": 9.4},
}
ANSWER_EXAMPLE = {
    "id": "0b8f6a1e-2c64-4f1e-8f0b-8f9a4f5c1d20",
    "answer": "Employees get 25 days of paid leave a year [1].",
    "answer_mode": "generated",
    "original_mode": "generated",
    **_COMMON,
    "answerable": True,
    "citations": [
        {
            "number": 1,
            "document": {"id": _DOCUMENT_ID, "title": "Staff handbook", "source": "handbook.pdf"},
            "chunk_id": 4711,
            "heading": "Holidays",
            "page": 12,
            "start": 20_480,
            "end": 20_480 + len(_QUOTE),
            "quote": _QUOTE,
            "quote_markdown": _QUOTE,
        }
    ],
    "passages": [PASSAGE_EXAMPLE],
    "cache": {"hit": False, "similarity": None, "age_seconds": None},
    "model": "llama3.2:1b",
    "usage": {"prompt_tokens": 611, "answer_tokens": 14, "context_truncated": False},
    "timings_ms": {"retrieve": 9.4, "prompt": 0.3, "first_token": 412.0, "generate": 1204.0, "total": 1216.0},
}
EXPLAIN_EXAMPLE = {
    "document": {"id": _DOCUMENT_ID, "title": "Staff handbook", "corpus": "handbook", "status": "ready"},
    "found": False,
    "reasons": [
        {"code": "below_top_k", "message": "It came in at 17 of 214 candidates, and an answer uses the best 5."}
    ],
    "passages": [
        {
            **{name: PASSAGE_EXAMPLE[name] for name in ("chunk_id", "heading", "page", "start", "end", "text")},
            "lexical": {"score": 4.2, "rank": 31},
            "dense": {"score": 0.48, "rank": 12},
            "fused": {"score": 0.41, "rank": 17},
            "in_answer": False,
            "reason": {
                "code": "below_top_k",
                "message": "It came in at 17 of 214 candidates, and an answer uses the best 5.",
            },
        }
    ],
    "candidates": 214,
    "limits": {"lexical": 200, "dense": 100, "passages": 5},
    "answerable": True,
    "legs": _COMMON["legs"],
    "timings_ms": {"embed": 1.2, "lexical": 4.1, "dense": 2.8},
}
PROBLEM_EXAMPLE = {
    "type": "urn:ragsite:problem:corpus_not_found",
    "title": "Corpus not found",
    "status": 404,
    "detail": "There is no corpus 'handbok' that you may use.",
    "code": "corpus_not_found",
}
_EVENT = {"event": "token", "data": '{"text": "Employees get 25 days"}'}


_DEADLINE = OpenApiParameter(
    "X-Deadline-Ms",
    {"type": "integer", "minimum": 1, "maximum": 10**12 - 1},
    OpenApiParameter.HEADER,
    description="As deadline_ms; the shorter of both counts.",
)


_STREAM = (
    "One server-sent event; their order is `meta`, `passages`, any number of `token`, and then either `done`, which "
    "replaces what was streamed, or `error`. Comments between them keep the connection alive."
)


def _route(
    name: str,
    request: Any,
    reply: Any,
    asked: dict[str, Any],
    answered: Any,
    *,
    status: int = 200,
    streams: bool = False,
    has_deadline: bool = True,
) -> Callable[[F], F]:
    """Return the description of a route with one example each way."""
    responses: dict[Any, Any] = {
        (status, "application/json"): reply,
    }
    examples = [
        OpenApiExample("Asked", asked, request_only=True),
        OpenApiExample(
            "Answered", answered, response_only=True, status_codes=[str(status)], media_type="application/json"
        ),
    ]
    if streams:
        responses[(200, "text/event-stream")] = {"type": "string", "description": _STREAM}
        examples.append(
            OpenApiExample(
                "Piece of a stream", _EVENT, response_only=True, status_codes=["200"], media_type="text/event-stream"
            )
        )
    return extend_schema(
        operation_id=name,
        tags=["questions"],
        request=request,
        responses=responses,
        examples=examples,
        parameters=[_DEADLINE] if has_deadline else [],
    )


def _results(name: str, reply: type[serializers.Serializer[Any]]) -> Any:
    one = PolymorphicProxySerializer(
        component_name=f"{name}Item", serializers=[reply, RefusalSerializer], resource_type_field_name=None, many=True
    )
    return inline_serializer(name, {"results": one})


_QUESTION = "How many days of paid leave do I get?"
_COLUMNS = ANSWER_EXAMPLE | {
    "documents": [PASSAGE_EXAMPLE["text"]],
    "metadatas": [{"number": 1, "title": "Staff handbook", "page": 12}],
    "distances": [0.29],
    "db": "handbook",
}
QUERY = _route(
    "query",
    QuestionSerializer,
    AnswerSerializer,
    {"query": _QUESTION, "corpora": ["handbook"], "top_k": 5, "stream": False},
    ANSWER_EXAMPLE,
    streams=True,
)
QUERY_BATCH = _route(
    "query_batch",
    BatchSerializer,
    _results("Answers", AnswerSerializer),
    {"queries": [_QUESTION, "May I carry days over?"], "corpora": ["handbook"]},
    {"results": [ANSWER_EXAMPLE, {"error": PROBLEM_EXAMPLE}]},
)
SEARCH = _route("search", SearchSerializer, FoundSerializer, {"query": _QUESTION, "top_k": 10}, SEARCH_EXAMPLE)
SEARCH_BATCH = _route(
    "search_batch",
    BatchSerializer,
    _results("Searches", FoundSerializer),
    {"queries": [_QUESTION, "May I carry days over?"], "top_k": 5},
    {"results": [SEARCH_EXAMPLE, {"error": PROBLEM_EXAMPLE}]},
)
EXPLAIN = _route(
    "explain",
    ExplainSerializer,
    ExplanationSerializer,
    {"query": _QUESTION, "corpora": ["handbook"], "document": _DOCUMENT_ID},
    EXPLAIN_EXAMPLE,
)
FEEDBACK = _route(
    "send_feedback",
    FeedbackSerializer,
    inline_serializer("KeptFeedback", {"query_id": serializers.UUIDField(), "rating": serializers.IntegerField()}),
    {"query_id": ANSWER_EXAMPLE["id"], "rating": 1, "comment": "Just what I needed."},
    {"query_id": ANSWER_EXAMPLE["id"], "rating": 1},
    status=201,
    has_deadline=False,
)
_OLDER = {"application/json": body_schema()}
LEGACY_QUERY = _route(
    "query_as_before", _OLDER, ColumnsSerializer, {"query": _QUESTION, "k": 3}, _COLUMNS, streams=True
)
ASK = _route(
    "ask_as_before",
    _OLDER,
    AnswerSerializer,
    {"question": _QUESTION, "mode": "fast"},
    ANSWER_EXAMPLE,
    streams=True,
)
LIST_QUERIES = extend_schema(
    operation_id="list_queries",
    tags=["questions"],
    parameters=[QueryListSerializer],
    responses={
        200: inline_serializer("Queries", {**PageSerializer().fields, "queries": AskedSerializer(many=True)}),
    },
)
