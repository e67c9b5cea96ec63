"""Declares the form of replies for the OpenAPI schema. `querying.api.representing` makes them, as plain dicts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from querying.types import REPEATED, AnswerMode
from ragsite.web.openapi_views import ProblemSerializer


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
    text = serializers.CharField(help_text="The document's characters as they are; never render it as Markdown.")
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
    quote_markdown = serializers.CharField(help_text="The quote on one line, as Markdown in which nothing is active.")


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


class PlaceSerializer(serializers.Serializer[Any]):
    """How a passage did in one step of the search."""

    score = serializers.FloatField(allow_null=True, help_text="BM25, cosine similarity, or 0..1 for the fused one.")
    rank = serializers.IntegerField(allow_null=True, help_text="From 1. Null: it was not among the candidates.")


class ExplainedPassageSerializer(serializers.Serializer[Any]):
    """One of the document's best passages, and how far it came."""

    chunk_id = serializers.IntegerField()
    heading = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    text = serializers.CharField()
    lexical = PlaceSerializer(help_text="By its words, in its corpus.")
    dense = PlaceSerializer(help_text="By its meaning, in its corpus.")
    fused = PlaceSerializer(help_text="Both together, over all corpora that were asked.")
    in_answer = serializers.BooleanField(help_text="Whether it is among the passages of an answer.")
    reason = ReasonSerializer(allow_null=True, help_text="Why it is not; or why the model does not read it.")


class ExplanationSerializer(serializers.Serializer[Any]):
    """What became of a document when a question was asked."""

    document = inline_serializer(
        "ExplainedDocument",
        {
            "id": serializers.UUIDField(),
            "title": serializers.CharField(),
            "corpus": serializers.CharField(),
            "status": serializers.CharField(),
        },
    )
    found = serializers.BooleanField(help_text="Whether an answer has a passage of it.")
    reasons = ReasonSerializer(many=True, help_text="Why it was not found, or why less of it than there is.")
    passages = ExplainedPassageSerializer(many=True, help_text="Its best passages, best first; none while not indexed.")
    candidates = serializers.IntegerField(help_text="Of the whole question, in both legs and all corpora.")
    limits = inline_serializer(
        "ExplainLimits",
        {
            "lexical": serializers.IntegerField(),
            "dense": serializers.IntegerField(),
            "passages": serializers.IntegerField(),
        },
    )
    answerable = serializers.BooleanField(allow_null=True, help_text="Null: it was not searched.")
    legs = LegSerializer(many=True)
    timings_ms = serializers.DictField(child=serializers.FloatField())


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


class RefusalSerializer(serializers.Serializer[Any]):
    """In the place of one question's reply, when that question alone failed."""

    error = ProblemSerializer()


class MetaEventSerializer(serializers.Serializer[Any]):
    """`meta`, the first event: what is going to be streamed."""

    id = serializers.UUIDField()
    answer_mode = serializers.ChoiceField([mode.value for mode in AnswerMode])
    original_mode = serializers.ChoiceField([mode.value for mode in AnswerMode if mode not in REPEATED])
    corpora = serializers.ListField(child=serializers.CharField())


class TokenEventSerializer(serializers.Serializer[Any]):
    """`token`: the next piece of the text."""

    text = serializers.CharField()


class ErrorEventSerializer(ProblemSerializer):
    """`error`, the last event when there is no answer."""

    retry_after_seconds = serializers.IntegerField(required=False)


EVENTS = {
    "meta": MetaEventSerializer,
    "passages": PassageSerializer(many=True),
    "token": TokenEventSerializer,
    "done": AnswerSerializer,
    "error": ErrorEventSerializer,
}
