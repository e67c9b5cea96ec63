"""How the routes of questions are described in the OpenAPI schema, with examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from querying.api.serializers import BatchSerializer, FeedbackSerializer, QuestionSerializer, SearchSerializer
from querying.values import REPEATED, AnswerMode

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
        }
    ],
    "passages": [PASSAGE_EXAMPLE],
    "cache": {"hit": False, "similarity": None, "age_seconds": None},
    "model": "llama3.2:1b",
    "usage": {"prompt_tokens": 611, "answer_tokens": 14, "context_truncated": False},
    "timings_ms": {"retrieve": 9.4, "prompt": 0.3, "first_token": 412.0, "generate": 1204.0, "total": 1216.0},
}
_PROBLEM = {
    "type": "urn:ragsite:problem:corpus_not_found",
    "title": "Corpus not found",
    "status": 404,
    "detail": "There is no corpus 'handbok' that you may use.",
    "code": "corpus_not_found",
}
_EVENTS = """\
event: meta
data: {"id": "0b8f6a1e-2c64-4f1e-8f0b-8f9a4f5c1d20", "answer_mode": "generated", "original_mode": "generated", \
"corpora": ["handbook"]}

event: passages
data: [{"number": 1, "chunk_id": 4711, "title": "Staff handbook"}]

: beat

event: token
data: {"text": "Employees get 25 days"}

event: done
data: {"id": "0b8f6a1e-2c64-4f1e-8f0b-8f9a4f5c1d20", "answer": "Employees get 25 days of paid leave a year [1]."}

"""


class ReasonSerializer(serializers.Serializer[Any]):
    """Why an answer is what it is."""

    code = serializers.CharField(help_text="Stable: for programs.")
    message = serializers.CharField(help_text="A sentence: for people.")


class LegSerializer(serializers.Serializer[Any]):
    """How one leg of the search went."""

    name = serializers.CharField()
    status = serializers.ChoiceField(["ok", "failed", "late", "skipped"])
    ms = serializers.FloatField()


class PassageSerializer(serializers.Serializer[Any]):
    """A passage that was found; `text` is characters `start` to `end` of its document's text."""

    number = serializers.IntegerField(help_text="The n of [n].")
    chunk_id = serializers.IntegerField()
    document_id = serializers.UUIDField()
    title = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field's own `source` is not meant
    corpus = serializers.CharField()
    heading = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    text = serializers.CharField()
    score = serializers.FloatField(help_text="0..1, comparable within one answer.")
    legs = serializers.DictField(child=serializers.FloatField(), help_text="Raw scores: BM25, cosine similarity.")


class CitationSerializer(serializers.Serializer[Any]):
    """What one [n] of the answer rests on; `quote` is characters `start` to `end` of the document's text."""

    number = serializers.IntegerField()
    document = inline_serializer(
        "CitedDocument",
        {"id": serializers.UUIDField(), "title": serializers.CharField(), "source": serializers.CharField()},
    )
    chunk_id = serializers.IntegerField()
    heading = serializers.CharField(help_text="The headings above the quote.")
    page = serializers.IntegerField(allow_null=True, help_text="The page that the quote starts on.")
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    quote = serializers.CharField(help_text="The document's characters as they are; never render it as Markdown.")


class FoundSerializer(serializers.Serializer[Any]):
    """What a search returns."""

    passages = PassageSerializer(many=True)
    answerable = serializers.BooleanField(help_text="False: the documents don't hold an answer.")
    degraded = serializers.BooleanField(help_text="Less than this server is set up to give.")
    degraded_reasons = ReasonSerializer(many=True)
    legs = LegSerializer(many=True, help_text="Empty when it comes from a cache.")
    cache = inline_serializer(
        "CacheReport",
        {
            "hit": serializers.BooleanField(),
            "similarity": serializers.FloatField(allow_null=True),
            "age_seconds": serializers.FloatField(allow_null=True),
        },
    )
    timings_ms = serializers.DictField(child=serializers.FloatField())
    corrections = serializers.DictField(
        child=serializers.CharField(), help_text="Misspelled words of the question, and what was searched instead."
    )


class AnswerSerializer(FoundSerializer):
    """An answer, and all that a reader needs to judge it."""

    id = serializers.UUIDField()
    answer = serializers.CharField(help_text="Markdown without links; [n] points to the n-th passage.")
    answer_mode = serializers.ChoiceField([mode.value for mode in AnswerMode], help_text="How it is given now.")
    original_mode = serializers.ChoiceField(
        [mode.value for mode in AnswerMode if mode not in REPEATED],
        help_text="How it was written: as answer_mode, unless that says that it was written before.",
    )
    citations = CitationSerializer(many=True, help_text="One for each [n] of the answer, in its order.")
    model = serializers.CharField(allow_null=True)
    usage = inline_serializer(
        "Usage",
        {
            "prompt_tokens": serializers.IntegerField(),
            "answer_tokens": serializers.IntegerField(),
            "context_truncated": serializers.BooleanField(),
        },
        allow_null=True,
    )


class ColumnsSerializer(AnswerSerializer):
    """An answer with its passages as columns as well."""

    documents = serializers.ListField(child=serializers.CharField())
    metadatas = serializers.ListField(child=serializers.DictField())
    distances = serializers.ListField(child=serializers.FloatField())
    db = serializers.CharField()


_DEADLINE = OpenApiParameter(
    "X-Deadline-Ms", int, OpenApiParameter.HEADER, description="As deadline_ms; the shorter of both counts."
)


def _route(
    request: Any, reply: Any, asked: dict[str, Any], answered: Any, *, status: int = 200, streams: bool = False
) -> Callable[[F], F]:
    """Return the description of a route with one example each way."""
    responses: dict[Any, Any] = {
        (status, "application/json"): reply,
        ("default", "application/problem+json"): OpenApiResponse(OpenApiTypes.OBJECT, "A problem document."),
    }
    examples = [
        OpenApiExample("Asked", asked, request_only=True),
        OpenApiExample(
            "Answered", answered, response_only=True, status_codes=[str(status)], media_type="application/json"
        ),
        OpenApiExample(
            "Problem",
            _PROBLEM,
            response_only=True,
            status_codes=["default"],
            media_type="application/problem+json",
        ),
    ]
    if streams:
        responses[(200, "text/event-stream")] = OpenApiTypes.STR
        examples.append(
            OpenApiExample("Stream", _EVENTS, response_only=True, status_codes=["200"], media_type="text/event-stream")
        )
    return extend_schema(
        tags=["questions"], request=request, responses=responses, examples=examples, parameters=[_DEADLINE]
    )


def _results(name: str, reply: type[serializers.Serializer[Any]]) -> Any:
    return inline_serializer(name, {"results": reply(many=True)})


_QUESTION = "How many days of paid leave do I get?"
_COLUMNS = ANSWER_EXAMPLE | {
    "documents": [PASSAGE_EXAMPLE["text"]],
    "metadatas": [{"number": 1, "title": "Staff handbook", "page": 12}],
    "distances": [0.29],
    "db": "handbook",
}
QUERY = _route(
    QuestionSerializer,
    AnswerSerializer,
    {"query": _QUESTION, "corpora": ["handbook"], "top_k": 5, "stream": False},
    ANSWER_EXAMPLE,
    streams=True,
)
QUERY_BATCH = _route(
    BatchSerializer,
    _results("Answers", AnswerSerializer),
    {"queries": [_QUESTION, "May I carry days over?"], "corpora": ["handbook"]},
    {"results": [ANSWER_EXAMPLE, {"error": _PROBLEM}]},
)
SEARCH = _route(SearchSerializer, FoundSerializer, {"query": _QUESTION, "top_k": 10}, SEARCH_EXAMPLE)
SEARCH_BATCH = _route(
    BatchSerializer,
    _results("Searches", FoundSerializer),
    {"queries": [_QUESTION, "May I carry days over?"], "top_k": 5},
    {"results": [SEARCH_EXAMPLE, {"error": _PROBLEM}]},
)
FEEDBACK = _route(
    FeedbackSerializer,
    inline_serializer("KeptFeedback", {"query_id": serializers.UUIDField(), "rating": serializers.IntegerField()}),
    {"query_id": ANSWER_EXAMPLE["id"], "rating": 1, "comment": "Just what I needed."},
    {"query_id": ANSWER_EXAMPLE["id"], "rating": 1},
    status=201,
)
LEGACY_QUERY = _route(OpenApiTypes.OBJECT, ColumnsSerializer, {"query": _QUESTION, "k": 3}, _COLUMNS, streams=True)
ASK = _route(
    OpenApiTypes.OBJECT, AnswerSerializer, {"question": _QUESTION, "mode": "fast"}, ANSWER_EXAMPLE, streams=True
)
