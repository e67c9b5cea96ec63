"""Validates request bodies: questions, batches of questions, feedback."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from documents.api.paging import PagingSerializer
from documents.api.strict import ChoiceField, NumberField, SelfDescribing, StrictSerializer, SwitchField, TextField
from documents.search.filters import condition_of, filters_schema
from querying.extractive.answer import STYLES
from querying.feedback import WRONG_QUESTION
from querying.models import Feedback, QueryLog
from querying.types import MODES

BATCH_MAX_QUESTIONS = 20
CORPORA_MAX = 50


class QuestionField(TextField):
    """A question of at most QUESTION_MAX_CHARS, which tests may change."""

    def described(self) -> dict[str, Any]:
        """Return the JSON schema of a question."""
        return {**super().described(), "maxLength": settings.QUESTION_MAX_CHARS}

    def to_internal_value(self, data: Any) -> str:
        """Return the validated question."""
        question = super().to_internal_value(data)
        if len(question) > settings.QUESTION_MAX_CHARS:
            raise serializers.ValidationError(f"A question has at most {settings.QUESTION_MAX_CHARS} characters.")
        return question


class PassageCountField(SelfDescribing, NumberField):
    """The number of passages."""

    def described(self) -> dict[str, Any]:
        """Return the JSON schema of the number."""
        return {"maximum": settings.RETRIEVAL_TOP_K_MAX}

    def to_internal_value(self, data: Any) -> int:
        """Return the validated number."""
        number = super().to_internal_value(data)
        if number > settings.RETRIEVAL_TOP_K_MAX:
            raise serializers.ValidationError(f"At most {settings.RETRIEVAL_TOP_K_MAX}.")
        return number


class FiltersField(SelfDescribing, serializers.DictField):
    """What documents a question is limited to."""

    def described(self) -> dict[str, Any]:
        """Return the JSON schema of the filters."""
        return filters_schema()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the validated filters. Unknown ones are refused here, before a stream has begun."""
        filters: dict[str, Any] = super().to_internal_value(data)
        condition_of(filters)
        return filters


class OptionsSerializer(StrictSerializer):
    """What questions have in common."""

    corpora = serializers.ListField(
        child=TextField(max_length=201),
        max_length=CORPORA_MAX,
        required=False,
        help_text="Slugs, or tenant/slug. None: all that you may ask, without the demo where there are others.",
    )
    top_k = PassageCountField(min_value=1, required=False, help_text="How many passages to find.")
    mode = ChoiceField(MODES, required=False, help_text="How much to spend on the answer.")
    answer_style = ChoiceField(STYLES, default="short", help_text="How many sentences to quote when no model writes.")
    filters = FiltersField(required=False, help_text="Only documents like this: document, source, language, metadata.")
    use_cache = SwitchField(default=True, help_text="False: search and answer again.")
    deadline_ms = NumberField(
        min_value=1, required=False, help_text="The reply comes within this time, as good as it can be by then."
    )


class SearchSerializer(OptionsSerializer):
    """A question whose passages are wanted."""

    query = QuestionField(help_text="The question, in any language.")


class QuestionSerializer(SearchSerializer):
    """A question whose answer is wanted."""

    stream = SwitchField(
        required=False, help_text="As server-sent events. Default: whether you accept text/event-stream."
    )


class ExplainSerializer(SearchSerializer):
    """A question, and the document that was not found."""

    document = serializers.UUIDField(help_text="The id of a document that you may change.")
    asked_by = TextField(
        max_length=150,
        required=False,
        allow_blank=True,
        help_text="Who asked, if not you: the user name of a member, for managers of the document's tenant. Empty: a "
        "visitor who isn't signed in.",
    )


class BatchSerializer(OptionsSerializer):
    """Several questions with the same options; the deadline is for all of them."""

    queries = serializers.ListField(child=QuestionField(), min_length=1, max_length=BATCH_MAX_QUESTIONS)


class FeedbackSerializer(StrictSerializer):
    """What a reader thinks of an answer."""

    query_id = serializers.UUIDField(help_text="The `id` of the answer.")
    rating = ChoiceField(Feedback.Rating.choices, help_text="1: good. -1: bad.")
    comment = TextField(max_length=2000, required=False, allow_blank=True, default="")
    reason = ChoiceField(
        [WRONG_QUESTION], required=False, help_text="wrong_question: it answers another question. With rating -1."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse praise for the answer to another question."""
        if "reason" in attrs and attrs["rating"] != Feedback.Rating.BAD:
            raise serializers.ValidationError({"reason": ["Only a rating of -1 has a reason."]})
        return attrs


class QueryListSerializer(PagingSerializer):
    """Which of the questions that were asked to list."""

    request_id = serializers.CharField(
        max_length=64, required=False, help_text="The X-Request-ID of a reply: only the questions of that request."
    )


class AskedSerializer(serializers.ModelSerializer[QueryLog]):
    """A question that was asked, and how it was answered."""

    created = serializers.DateTimeField(source="created_at")
    degraded_reasons = serializers.ListField(child=serializers.CharField(), help_text="Their codes.")
    corpora = serializers.ListField(child=serializers.CharField(), help_text="Slugs.")
    timings_ms = serializers.DictField(child=serializers.FloatField())

    class Meta:
        model = QueryLog
        fields = [
            "id", "request_id", "created", "question", "corpora", "answer_mode", "original_mode", "outcome",
            "degraded_reasons", "model", "passages", "timings_ms", "total_ms",
        ]  # fmt: skip
