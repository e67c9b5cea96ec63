"""What corpora and documents look like from outside, and what may be sent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from documents.api.fields import MetadataField
from documents.models import Corpus, Document
from documents.naming import SOURCE_MAX_CHARS, TITLE_MAX_CHARS

LANGUAGE = r"^[a-z]{2}$"
LIMIT_MAX = 200
OFFSET_MAX = 1_000_000
WINDOW_CHARS = 4000
WINDOW_MAX_CHARS = 20_000
TEXT_MAX_CHARS = 100_000_000
MODES = ["fast", "balanced", "quality"]


class CorpusDefaultsSerializer(serializers.Serializer[Any]):
    """What a question gets that doesn't say otherwise."""

    top_k = serializers.IntegerField(min_value=1, max_value=100, required=False)
    mode = serializers.ChoiceField(MODES, required=False)
    suggestions = serializers.ListField(
        child=serializers.CharField(max_length=300), max_length=10, required=False, help_text="Questions to begin with."
    )


class CorpusSerializer(serializers.ModelSerializer[Corpus]):
    """A corpus as its readers see it."""

    tenant = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    documents = serializers.IntegerField(source="document_count", read_only=True)
    chunks = serializers.IntegerField(source="chunk_count", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Corpus
        fields = [
            "slug", "tenant", "name", "language", "is_public", "documents", "chunks", "chunk_unit", "chunk_size",
            "chunk_overlap", "defaults", "url",
        ]  # fmt: skip

    @extend_schema_field(OpenApiTypes.URI_REF)
    def get_url(self, corpus: Corpus) -> str:
        """Return the corpus' address."""
        return reverse("corpus-in-tenant", args=[corpus.tenant.slug, corpus.slug])


class CorpusChangeSerializer(serializers.Serializer[Any]):
    """What a manager may change. How documents are cut counts from the next document on; `reindex` the others."""

    name = serializers.CharField(max_length=200)
    language = serializers.RegexField(
        LANGUAGE, help_text="ISO 639-1 code; decides stemming. 'xx': none. Fixed once there are documents."
    )
    is_public = serializers.BooleanField(help_text="Anybody may ask, without an account.")
    chunk_unit = serializers.ChoiceField(Corpus.ChunkUnit.choices)
    chunk_size = serializers.IntegerField(min_value=50, max_value=8000)
    chunk_overlap = serializers.IntegerField(min_value=0, max_value=2000)
    defaults = CorpusDefaultsSerializer()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"partial": True, **kwargs})

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an overlap as long as the chunk."""
        size = attrs.get("chunk_size", getattr(self.instance, "chunk_size", settings.CHUNK_SIZE_CHARS))
        overlap = attrs.get("chunk_overlap", getattr(self.instance, "chunk_overlap", settings.CHUNK_OVERLAP_CHARS))
        if overlap >= size:
            raise serializers.ValidationError({"chunk_overlap": "The overlap must be smaller than the chunk."})
        return attrs


class NewCorpusSerializer(CorpusChangeSerializer):
    """A corpus to create."""

    slug = serializers.SlugField(max_length=100, required=False, help_text="Default: made of the name.")
    tenant = serializers.SlugField(max_length=100, required=False, help_text="Needed by managers of several tenants.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for a name; all else has a default."""
        if "name" not in attrs:
            raise serializers.ValidationError({"name": "This field is required."})
        return super().validate(attrs)


class AcceptedSerializer(serializers.ModelSerializer[Document]):
    """An upload that was accepted; `status_url` says how far it is."""

    status_url = serializers.SerializerMethodField()
    created = serializers.DateTimeField(source="created_at")

    class Meta:
        model = Document
        fields = ["id", "status", "title", "status_url", "created"]

    @extend_schema_field(OpenApiTypes.URI_REF)
    def get_status_url(self, document: Document) -> str:
        """Return where to ask how far it is."""
        return reverse("document", args=[document.pk])


class DocumentSerializer(AcceptedSerializer):
    """A document and how far its indexing is."""

    corpus = serializers.CharField(source="corpus.slug")
    tenant = serializers.CharField(source="corpus.tenant.slug")
    searchable = serializers.SerializerMethodField()
    seconds_left = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()
    indexed = serializers.DateTimeField(source="indexed_at", allow_null=True)

    class Meta:
        model = Document
        fields = [
            "id", "status", "title", "source", "corpus", "tenant", "media_type", "size_bytes", "pages", "metadata",
            "searchable", "chunks_done", "chunks_total", "ocr_pages_done", "ocr_pages_total",
            "seconds_left", "error", "is_partial", "notes", "created",
            "indexed", "status_url",
        ]  # fmt: skip

    def get_searchable(self, document: Document) -> bool:
        """Return whether questions find it; while it is indexed anew they find the version before."""
        return document.version > 0

    @extend_schema_field(OpenApiTypes.FLOAT)
    def get_seconds_left(self, document: Document) -> float | None:
        """Return an estimate by the rate so far; null while there is none."""
        if document.status != Document.Status.PROCESSING or document.started_at is None or not document.chunks_done:
            return None
        per_chunk = (timezone.now() - document.started_at).total_seconds() / document.chunks_done
        return round(per_chunk * (document.chunks_total - document.chunks_done), 1)

    @extend_schema_field(
        inline_serializer(
            "DocumentNote",
            {
                "code": serializers.CharField(),
                "count": serializers.IntegerField(),
                "message": serializers.CharField(),
            },
            many=True,
        )
    )
    def get_notes(self, document: Document) -> list[dict[str, Any]]:
        """Return what its reader left out or mended."""
        return [
            {"code": code, "count": count, "message": message}
            for (code, count, *_), message in zip(document.notes, document.notes_in_words(), strict=True)
        ]

    @extend_schema_field(
        inline_serializer(
            "DocumentError", {"code": serializers.CharField(), "message": serializers.CharField()}, allow_null=True
        )
    )
    def get_error(self, document: Document) -> dict[str, str] | None:
        """Return why it failed or what it waits for, and what to do."""
        if not document.error_code:
            return None
        return {"code": document.error_code, "message": document.error_detail}


class UploadSerializer(serializers.Serializer[Any]):
    """An upload: one or many files into a corpus."""

    corpus = serializers.CharField(max_length=201, help_text="Slug, or tenant/slug.")
    file = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True, use_url=False), min_length=1, help_text="May be repeated."
    )
    title = serializers.CharField(max_length=TITLE_MAX_CHARS, required=False, allow_blank=True)
    source = serializers.CharField(  # type: ignore[assignment]  # a field here, where the base class has an attribute
        max_length=SOURCE_MAX_CHARS, required=False, allow_blank=True, help_text="Default: the file's name."
    )
    metadata = MetadataField(required=False, help_text="JSON object; questions can filter by it.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what only one document can have, when there are several."""
        alone = [name for name in ("title", "source") if attrs.get(name)]
        if len(attrs["file"]) > 1 and alone:
            raise serializers.ValidationError(dict.fromkeys(alone, "Several files can't share this; leave it out."))
        return attrs


class DocumentListSerializer(serializers.Serializer[Any]):
    """Which documents to list."""

    corpus = serializers.CharField(max_length=201, required=False)
    status = serializers.ChoiceField(Document.Status.choices, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MAX, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=OFFSET_MAX, default=0)


class WindowSerializer(serializers.Serializer[Any]):
    """Which part of a document's text: characters from `start` to before `end`."""

    start = serializers.IntegerField(min_value=0, max_value=TEXT_MAX_CHARS, default=0)
    end = serializers.IntegerField(min_value=0, max_value=TEXT_MAX_CHARS, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Bound the window."""
        end = attrs.setdefault("end", attrs["start"] + WINDOW_CHARS)
        if not attrs["start"] <= end <= attrs["start"] + WINDOW_MAX_CHARS:
            raise serializers.ValidationError(
                {"end": f"Must be after start, by at most {WINDOW_MAX_CHARS} characters."}
            )
        return attrs


class TextSerializer(serializers.Serializer[Any]):
    """A part of a document's text."""

    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    page = serializers.IntegerField(allow_null=True, help_text="Page of `start`; null: the format has none.")
    title = serializers.CharField()
    total_chars = serializers.IntegerField()
