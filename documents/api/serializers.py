"""Defines the JSON of corpora and documents, and validates what clients send."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from documents.api.fields import MetadataField
from documents.api.paging import LIMIT_MAX, PagingSerializer
from documents.api.strict import ChoiceField, NumberField, StrictSerializer, SwitchField, TextField
from documents.models import Corpus, Document
from documents.text.names import SOURCE_MAX_CHARS, TITLE_MAX_CHARS

LANGUAGE = r"^[a-z]{2}$"
WINDOW_CHARS = 4000
WINDOW_MAX_CHARS = 20_000
TEXT_MAX_CHARS = 100_000_000
MODES = ["fast", "balanced", "quality"]


class CorpusDefaultsSerializer(StrictSerializer):
    """Defaults for questions that don't set these parameters."""

    top_k = NumberField(min_value=1, max_value=100, required=False)
    mode = ChoiceField(MODES, required=False)
    suggestions = serializers.ListField(
        child=TextField(max_length=300), max_length=10, required=False, help_text="Questions to begin with."
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


class CorpusChangeSerializer(StrictSerializer):
    """What a manager may change. How documents are cut counts from the next document on; `reindex` the others."""

    name = TextField(max_length=200, required=False)
    language = serializers.RegexField(
        LANGUAGE,
        required=False,
        help_text="ISO 639-1 code; decides stemming. 'xx': none. Fixed once there are documents.",
        error_messages={"invalid": "Write an ISO 639-1 code of two small letters, such as en or de; xx: none."},
    )
    is_public = SwitchField(required=False, help_text="Anybody may ask, without an account.")
    chunk_unit = ChoiceField(Corpus.ChunkUnit.choices, required=False)
    chunk_size = NumberField(min_value=50, max_value=8000, required=False)
    chunk_overlap = NumberField(min_value=0, max_value=2000, required=False, help_text="Smaller than chunk_size.")
    defaults = CorpusDefaultsSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an overlap as long as the chunk."""
        size = attrs.get("chunk_size", getattr(self.instance, "chunk_size", settings.CHUNK_SIZE_CHARS))
        overlap = attrs.get("chunk_overlap", getattr(self.instance, "chunk_overlap", settings.CHUNK_OVERLAP_CHARS))
        if overlap >= size:
            raise serializers.ValidationError({"chunk_overlap": "The overlap must be smaller than the chunk."})
        return attrs


class NewCorpusSerializer(CorpusChangeSerializer):
    """A corpus to create: all but its name has a default."""

    name = TextField(max_length=200)
    slug = serializers.SlugField(max_length=100, required=False, help_text="Default: made of the name.")
    tenant = serializers.SlugField(max_length=100, required=False, help_text="Needed by managers of several tenants.")


class AcceptedSerializer(serializers.ModelSerializer[Document]):
    """An upload that was accepted; `status_url` says how far it is."""

    status_url = serializers.SerializerMethodField()
    created = serializers.DateTimeField(source="created_at")

    class Meta:
        model = Document
        fields = ["id", "status", "title", "status_url", "created"]

    @extend_schema_field(OpenApiTypes.URI_REF)
    def get_status_url(self, document: Document) -> str:
        """Return the address that tells how far its indexing is."""
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
        """Return whether questions find it; while it is reindexed they find its live version."""
        return document.version > 0

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_seconds_left(self, document: Document) -> float | None:
        """Return an estimate from the rate so far; null while there is none."""
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
        """Return what its extractor left out or repaired, with a sentence each."""
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


class UploadSerializer(StrictSerializer):
    """An upload: one or many files into a corpus."""

    corpus = TextField(max_length=201, help_text="Slug, or tenant/slug.")
    file = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True, use_url=False), min_length=1, help_text="May be repeated."
    )
    title = TextField(max_length=TITLE_MAX_CHARS, required=False, allow_blank=True)
    source = TextField(  # type: ignore[assignment]  # a field here, where the base class has an attribute
        max_length=SOURCE_MAX_CHARS, required=False, allow_blank=True, help_text="Default: the file's name."
    )
    metadata = MetadataField(required=False, help_text="JSON object; questions can filter by it.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what only one document can have, when there are several."""
        alone = [name for name in ("title", "source") if attrs.get(name)]
        if len(attrs["file"]) > 1 and alone:
            raise serializers.ValidationError(dict.fromkeys(alone, "Several files can't share this; leave it out."))
        return attrs


class ArchiveSerializer(StrictSerializer):
    """A ZIP archive for a corpus."""

    corpus = TextField(max_length=201, help_text="Slug, or tenant/slug.")
    file = serializers.FileField(use_url=False, help_text="A ZIP archive; each file in it becomes a document.")


class RefusedFileSerializer(serializers.Serializer[Any]):
    """A file of an archive that was not taken."""

    name = serializers.CharField()
    why = serializers.CharField()


class UnpackedSerializer(serializers.Serializer[Any]):
    """The documents of an archive's files, and the files that were refused."""

    documents = AcceptedSerializer(many=True)
    refused = RefusedFileSerializer(many=True)


class CorpusListSerializer(PagingSerializer):
    """The parameters of a list of corpora."""

    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MAX, default=LIMIT_MAX, help_text="Rows of a page.")


class DocumentListSerializer(PagingSerializer):
    """The parameters and filters of a list of documents."""

    corpus = TextField(max_length=201, required=False)
    status = ChoiceField(Document.Status.choices, required=False)


class WindowSerializer(StrictSerializer):
    """Which part of a document's text: characters from `start` to before `end`."""

    start = serializers.IntegerField(min_value=0, max_value=TEXT_MAX_CHARS, default=0)
    end = serializers.IntegerField(min_value=0, max_value=TEXT_MAX_CHARS, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Set the default of `end`, and refuse a window that is too large."""
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
