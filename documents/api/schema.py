"""Describes the routes of corpora and documents for the OpenAPI schema, with examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers

from documents.api.paging import PageSerializer
from documents.api.serializers import (
    AcceptedSerializer,
    ArchiveSerializer,
    CorpusChangeSerializer,
    CorpusListSerializer,
    CorpusSerializer,
    DocumentListSerializer,
    DocumentSerializer,
    NewCorpusSerializer,
    TextSerializer,
    UnpackedSerializer,
    UploadSerializer,
    WindowSerializer,
)
from documents.api.strict import ChoiceField
from documents.models import Document


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes API keys in the schema; importing this module registers it."""

    target_class = "documents.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A key of `manage.py create_api_key`."}


_ID = "6f2a0c1e-8f0e-4c7e-9d58-0f6a5d1c2b3a"
_CREATED = "2026-05-04T09:30:00Z"
_ACCEPTED = {
    "id": _ID,
    "status": "processing",
    "title": "Travel policy",
    "status_url": f"/api/v1/documents/{_ID}",
    "created": _CREATED,
}
_CORPUS = {
    "slug": "handbook",
    "tenant": "acme",
    "name": "Staff handbook",
    "language": "en",
    "is_public": False,
    "documents": 42,
    "chunks": 1830,
    "chunk_unit": "chars",
    "chunk_size": 800,
    "chunk_overlap": 100,
    "defaults": {"top_k": 5},
    "url": "/api/v1/corpora/acme/handbook",
}
_DOCUMENT: dict[str, Any] = {
    **_ACCEPTED,
    "source": "travel-policy.pdf",
    "corpus": "handbook",
    "tenant": "acme",
    "media_type": "application/pdf",
    "size_bytes": 184_223,
    "pages": None,
    "metadata": {"department": "finance"},
    "searchable": False,
    "chunks_done": 64,
    "chunks_total": 200,
    "ocr_pages_done": 0,
    "ocr_pages_total": 0,
    "seconds_left": 4.2,
    "error": None,
    "is_partial": False,
    "notes": [],
    "indexed": None,
}
_PAGE = {"count": 1, "page": 1, "next": None, "previous": None}


def _answer(name: str, value: Any, serializer: Any, status: str = "200") -> dict[str, Any]:
    return {
        "responses": {int(status): serializer},
        "examples": [OpenApiExample(name, value, response_only=True, status_codes=[status])],
    }


def _page(name: str, rows: str, serializer: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the serializer of a page with these rows."""
    fields = {**PageSerializer().fields, rows: serializer(many=True)}
    return inline_serializer(name, fields)


_NOTHING: dict[str, Any] = {"responses": {204: None}}
_DOCUMENT_ID = OpenApiParameter("document_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
_ACCEPTED_ALL = inline_serializer(
    "AcceptedUpload",
    {
        "documents": AcceptedSerializer(many=True),
        "id": serializers.UUIDField(required=False, help_text="Of the only file."),
        "status": ChoiceField(Document.Status.choices, required=False),
        "title": serializers.CharField(required=False),
        "status_url": serializers.CharField(required=False),
        "created": serializers.DateTimeField(required=False),
    },
)

LIST_CORPORA = extend_schema(
    operation_id="list_corpora",
    tags=["corpora"],
    parameters=[CorpusListSerializer],
    **_answer("Corpora", {**_PAGE, "corpora": [_CORPUS]}, _page("Corpora", "corpora", CorpusSerializer)),
)
CREATE_CORPUS = extend_schema(
    operation_id="create_corpus",
    tags=["corpora"],
    request=NewCorpusSerializer,
    **_answer("Created", _CORPUS, CorpusSerializer, "201"),
)
READ_CORPUS = extend_schema(
    operation_id="read_corpus", tags=["corpora"], **_answer("Corpus", _CORPUS, CorpusSerializer)
)
CHANGE_CORPUS = extend_schema(
    operation_id="change_corpus",
    tags=["corpora"],
    request=CorpusChangeSerializer,
    **_answer("Changed", _CORPUS, CorpusSerializer),
)
DELETE_CORPUS = extend_schema(operation_id="delete_corpus", tags=["corpora"], **_NOTHING)
LIST_DOCUMENTS = extend_schema(
    operation_id="list_documents",
    tags=["documents"],
    parameters=[DocumentListSerializer],
    **_answer(
        "Documents",
        {**_PAGE, "documents": [_DOCUMENT]},
        _page("Documents", "documents", DocumentSerializer),
    ),
)
UPLOAD = extend_schema(
    operation_id="upload_documents",
    tags=["documents"],
    request={"multipart/form-data": UploadSerializer},
    **_answer("Accepted", {**_ACCEPTED, "documents": [_ACCEPTED]}, _ACCEPTED_ALL, "202"),
)
UPLOAD_ARCHIVE = extend_schema(
    operation_id="upload_archive",
    tags=["documents"],
    request={"multipart/form-data": ArchiveSerializer},
    **_answer(
        "Accepted",
        {
            "documents": [_ACCEPTED],
            "refused": [{"name": "old/backup.zip", "why": "An archive within an archive is not unpacked."}],
        },
        UnpackedSerializer,
        "202",
    ),
)
READ_DOCUMENT = extend_schema(
    operation_id="read_document",
    tags=["documents"],
    parameters=[_DOCUMENT_ID],
    **_answer("Being indexed", _DOCUMENT, DocumentSerializer),
)
DELETE_DOCUMENT = extend_schema(
    operation_id="delete_document", tags=["documents"], parameters=[_DOCUMENT_ID], **_NOTHING
)
REINDEX = extend_schema(
    operation_id="reindex_document",
    tags=["documents"],
    parameters=[_DOCUMENT_ID],
    request=None,
    **_answer("Accepted", _ACCEPTED, AcceptedSerializer, "202"),
)
CANCEL = extend_schema(
    operation_id="cancel_indexing",
    tags=["documents"],
    parameters=[_DOCUMENT_ID],
    request=None,
    **_answer(
        "Cancelled",
        {
            **_DOCUMENT,
            "status": "failed",
            "seconds_left": None,
            "error": {"code": "cancelled", "message": "Its indexing was cancelled."},
        },
        DocumentSerializer,
    ),
)
READ_TEXT = extend_schema(
    operation_id="read_text",
    tags=["documents"],
    parameters=[_DOCUMENT_ID, WindowSerializer],
    **_answer(
        "Around a quote",
        {
            "text": "Trips of more than 300 km are booked by rail.",
            "start": 1200,
            "end": 1245,
            "page": 3,
            "title": "Travel policy",
            "total_chars": 18_204,
        },
        TextSerializer,
    ),
)
