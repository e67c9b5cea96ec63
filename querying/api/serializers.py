"""What may be sent: questions, batches of them, and what a reader thinks of an answer."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from documents.filtering import condition_of
from querying.extractive import STYLES
from querying.feedback import WRONG_QUESTION
from querying.models import Feedback
from querying.values import MODES

BATCH_MAX_QUESTIONS = 20
CORPORA_MAX = 50
NAMES_SHOWN = 10  # of unknown fields


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it doesn't know, by name: `topk` would otherwise be ignored without a word."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated fields."""
        unknown = [str(name)[:100] for name in data if name not in self.fields] if isinstance(data, dict) else []
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field; there are {known}."] for name in unknown[:NAMES_SHOWN]}
            )
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """A JSON string; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text without white space around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class OptionsSerializer(StrictSerializer):
    """What questions have in common."""

    corpora = serializers.ListField(
        child=TextField(max_length=201),
        max_length=CORPORA_MAX,
        required=False,
        help_text="Slugs, or tenant/slug. None: all that you may ask, without the demo where there are others.",
    )
    top_k = serializers.IntegerField(min_value=1, required=False, help_text="How many passages to find.")
    mode = serializers.ChoiceField(MODES, required=False, help_text="How much to spend on the answer.")
    answer_style = serializers.ChoiceField(
        STYLES, default="short", help_text="How many sentences to quote when no model writes."
    )
    filters = serializers.DictField(
        required=False, help_text="Only documents like this: document, source, language, metadata."
    )
    use_cache = serializers.BooleanField(default=True, help_text="False: search and answer again.")
    deadline_ms = serializers.IntegerField(
        min_value=1, required=False, help_text="The reply comes within this time, as good as it can be by then."
    )

    def validate_top_k(self, value: int) -> int:
        """Refuse more than the server allows."""
        if value > settings.RETRIEVAL_TOP_K_MAX:
            raise serializers.ValidationError(f"At most {settings.RETRIEVAL_TOP_K_MAX}.")
        return value

    def validate_filters(self, value: dict[str, Any]) -> dict[str, Any]:
        """Refuse filters that don't exist, before a stream has begun."""
        condition_of(value)
        return value


class SearchSerializer(OptionsSerializer):
    """A question whose passages are wanted."""

    query = TextField(help_text="The question, in any language.")

    def validate_query(self, value: str) -> str:
        """Refuse what is longer than a question."""
        return _short_enough(value)


class QuestionSerializer(SearchSerializer):
    """A question whose answer is wanted."""

    stream = serializers.BooleanField(
        required=False, help_text="As server-sent events. Default: whether you accept text/event-stream."
    )


class BatchSerializer(OptionsSerializer):
    """Several questions with the same options; the deadline is for all of them."""

    queries = serializers.ListField(child=TextField(), min_length=1, max_length=BATCH_MAX_QUESTIONS)

    def validate_queries(self, value: list[str]) -> list[str]:
        """Refuse what is longer than a question."""
        return [_short_enough(question) for question in value]


class FeedbackSerializer(StrictSerializer):
    """What a reader thinks of an answer."""

    query_id = serializers.UUIDField(help_text="The `id` of the answer.")
    rating = serializers.ChoiceField(Feedback.Rating.choices, help_text="1: good. -1: bad.")
    comment = TextField(max_length=2000, required=False, allow_blank=True, default="")
    reason = serializers.ChoiceField(
        [WRONG_QUESTION], required=False, help_text="wrong_question: it answers another question. With rating -1."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse praise for the answer to another question."""
        if "reason" in attrs and attrs["rating"] != Feedback.Rating.BAD:
            raise serializers.ValidationError({"reason": ["Only a rating of -1 has a reason."]})
        return attrs


def _short_enough(question: str) -> str:
    if len(question) > settings.QUESTION_MAX_CHARS:
        raise serializers.ValidationError(f"A question has at most {settings.QUESTION_MAX_CHARS} characters.")
    return question
