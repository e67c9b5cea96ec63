"""The HTTP views of questions: validate, call one function, reply."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from documents.api.authentication import principal_of
from documents.api.paging import page_fields
from documents.api.permissions import ReadOrSignedIn
from querying.answering.history import find_queries
from querying.answering.pipeline import search
from querying.api import schema
from querying.api.compatibility import answer_with_columns, canonical_body
from querying.api.reading import read_batch, read_explain, read_question, read_search
from querying.api.rendering import EventStreamRenderer, as_json
from querying.api.reply_shapes import EVENTS
from querying.api.replying import answer_all, answer_one, reply_at_once, search_all
from querying.api.representing import answer_as_json, explanation_as_json, search_as_json
from querying.api.serializers import AskedSerializer, FeedbackSerializer, QueryListSerializer
from querying.api.streaming import stream_response
from querying.explaining.pipeline import explain
from querying.feedback import keep_feedback
from ragsite.web.data_view import DataView
from ragsite.web.throttling import ScopedThrottle


class QuestionView(DataView):
    """The base of views that answer questions. documents/access/policy.py decides which corpora a client may ask."""

    permission_classes = [AllowAny]
    throttle_scope = "query"
    refuses_with = {"POST": (404, 504)}


class QueryView(QuestionView):
    """A question, answered at once or as a stream."""

    renderer_classes = [JSONRenderer, EventStreamRenderer]
    events = EVENTS

    @schema.QUERY
    def post(self, request: Request) -> HttpResponseBase:
        """Answer a question, with the passages that the answer rests on."""
        question, streamed = read_question(request)
        if streamed:
            return stream_response(question)
        return reply_at_once(question) or as_json(answer_as_json(answer_one(question)))


class BatchView(QuestionView):
    """Several questions at once count as several."""

    def throttle_cost(self, request: Request) -> int:
        """Return how many questions the rate limit counts for this request."""
        queries = request.data.get("queries") if isinstance(request.data, dict) else None
        return max(1, len(queries)) if isinstance(queries, list) else 1


class QueryBatchView(BatchView):
    """Several questions."""

    @schema.QUERY_BATCH
    def post(self, request: Request) -> Response:
        """Answer several questions within one deadline."""
        return Response({"results": answer_all(read_batch(request))})


class SearchView(QuestionView):
    """A question, and the passages about it."""

    @schema.SEARCH
    def post(self, request: Request) -> Response:
        """Find passages; no model writes anything."""
        return Response(search_as_json(search(read_search(request))))


class SearchBatchView(BatchView):
    """Several searches."""

    @schema.SEARCH_BATCH
    def post(self, request: Request) -> Response:
        """Find passages for several questions within one deadline."""
        return Response({"results": search_all(read_batch(request))})


class ExplainView(QuestionView):
    """A question, and a document that it should have found."""

    permission_classes = [ReadOrSignedIn]

    @schema.EXPLAIN
    def post(self, request: Request) -> Response:
        """Say why a document that you may change is, or is not, among the passages of an answer."""
        question, document, asker = read_explain(request)
        return Response(explanation_as_json(explain(question, document, asker=asker)))


class FeedbackView(QuestionView):
    """What a reader thinks of an answer that they were given."""

    @schema.FEEDBACK
    def post(self, request: Request) -> Response:
        """Rate an answer."""
        rated = FeedbackSerializer(data=request.data)
        rated.is_valid(raise_exception=True)
        fields: dict[str, Any] = rated.validated_data
        kept = keep_feedback(principal_of(request), **fields, reporter=ScopedThrottle().identity_of(request))
        return Response({"query_id": str(kept.query_id), "rating": kept.rating}, status=201)


class QueriesView(DataView):
    """What was asked before."""

    permission_classes = [IsAuthenticated]
    query_serializers = {"GET": QueryListSerializer}

    @schema.LIST_QUERIES
    def get(self, request: Request) -> Response:
        """List the questions that you asked, newest first, and how each was answered."""
        wanted = QueryListSerializer(data=request.query_params.dict())
        wanted.is_valid(raise_exception=True)
        chosen = wanted.validated_data
        count, queries = find_queries(principal_of(request), **chosen)
        place = page_fields(request, count=count, limit=chosen["limit"], offset=chosen["offset"])
        return Response({**place, "queries": AskedSerializer(queries, many=True).data})


class LegacyQueryView(QuestionView):
    """POST /api/query, as older clients know it."""

    renderer_classes = [JSONRenderer, EventStreamRenderer]
    events = EVENTS

    @schema.LEGACY_QUERY
    def post(self, request: Request) -> HttpResponseBase:
        """Answer a question (`query` or `question`, `k` or `top_k`); passages come as columns too."""
        question, streamed = read_question(request, canonical_body(request.data))
        return stream_response(question) if streamed else as_json(answer_with_columns(question, answer_one(question)))


class AskView(QuestionView):
    """POST /ask, as older clients know it."""

    renderer_classes = [JSONRenderer, EventStreamRenderer]
    events = EVENTS

    @schema.ASK
    def post(self, request: Request) -> HttpResponseBase:
        """Answer a question (`question` or `query`, `k` or `top_k`)."""
        question, streamed = read_question(request, canonical_body(request.data))
        if streamed:
            return stream_response(question)
        return reply_at_once(question) or as_json(answer_as_json(answer_one(question)))
