"""Serves corpora and documents over HTTP: each view validates, calls one function and responds."""

from __future__ import annotations

from typing import Any

from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from documents.api import schema
from documents.api.authentication import principal_of
from documents.api.document_queries import find_corpora, find_documents, read_window
from documents.api.lookups import (
    editable_corpus,
    editable_document,
    manageable_corpus,
    manageable_tenant,
    readable_corpus,
    readable_document,
)
from documents.api.paging import page_fields
from documents.api.permissions import MayAddDocuments, ReadOrSignedIn
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
from documents.corpora import change_corpus, create_corpus, describe
from documents.indexing.cancellation import cancel_indexing
from documents.indexing.queue import reindex_document
from documents.storage.deletion import delete_corpus, delete_document
from documents.uploads.acceptance import accept_uploads
from documents.uploads.archives import add_archive
from ragsite.web.data_view import DataView


class CorporaView(DataView):
    """Lists the corpora that may be asked, and creates new ones."""

    permission_classes = [ReadOrSignedIn]
    query_serializers = {"GET": CorpusListSerializer}

    @schema.LIST_CORPORA
    def get(self, request: Request) -> Response:
        """List the corpora that you may ask."""
        place = _valid(CorpusListSerializer(data=request.query_params.dict()))
        count, corpora = find_corpora(principal_of(request), **place)
        return Response(
            {**page_fields(request, count=count, **place), "corpora": CorpusSerializer(corpora, many=True).data}
        )

    @schema.CREATE_CORPUS
    def post(self, request: Request) -> Response:
        """Create a corpus in a tenant that you manage."""
        fields = _valid(NewCorpusSerializer(data=request.data))
        tenant = manageable_tenant(principal_of(request), fields.pop("tenant", ""))
        return Response(CorpusSerializer(describe(create_corpus(tenant, fields))).data, status=201)


class CorpusView(DataView):
    """One corpus, by its slug or tenant/slug."""

    permission_classes = [ReadOrSignedIn]

    @schema.READ_CORPUS
    def get(self, request: Request, name: str, tenant: str = "") -> Response:
        """Show a corpus."""
        corpus = readable_corpus(principal_of(request), _path(tenant, name))
        return Response(CorpusSerializer(describe(corpus)).data)

    @schema.CHANGE_CORPUS
    def patch(self, request: Request, name: str, tenant: str = "") -> Response:
        """Change a corpus. Needs the manager role."""
        corpus = manageable_corpus(principal_of(request), _path(tenant, name))
        fields = _valid(CorpusChangeSerializer(corpus, data=request.data))
        return Response(CorpusSerializer(describe(change_corpus(corpus, fields))).data)

    @schema.DELETE_CORPUS
    def delete(self, request: Request, name: str, tenant: str = "") -> Response:
        """Delete a corpus with all of its documents. Needs the manager role."""
        delete_corpus(manageable_corpus(principal_of(request), _path(tenant, name)))
        return Response(status=204)


class DocumentsView(DataView):
    """Lists the documents that may be read, and accepts uploads."""

    permission_classes = [MayAddDocuments]
    parser_classes = [MultiPartParser]
    throttle_scope = "upload"
    query_serializers = {"GET": DocumentListSerializer}
    refuses_with = {"GET": (404,), "POST": (404, 507)}
    ignores_unknown = False  # fields of an upload

    @schema.LIST_DOCUMENTS
    def get(self, request: Request) -> Response:
        """List documents, newest first."""
        chosen = _valid(DocumentListSerializer(data=request.query_params.dict()))
        count, documents = find_documents(principal_of(request), **chosen)
        place = page_fields(request, count=count, limit=chosen["limit"], offset=chosen["offset"])
        return Response({**place, "documents": DocumentSerializer(documents, many=True).data})

    @schema.UPLOAD
    def post(self, request: Request) -> Response:
        """Upload one or many files; they are indexed in the background. The same bytes again: the same document."""
        upload = _valid(UploadSerializer(data=request.data, context={"ignores_unknown": self.ignores_unknown}))
        principal, files = principal_of(request), upload.pop("file")
        corpus = editable_corpus(principal, upload.pop("corpus"))
        accepted = AcceptedSerializer(accept_uploads(principal, corpus, files, **upload), many=True).data
        return Response({**(accepted[0] if len(accepted) == 1 else {}), "documents": accepted}, status=202)


class ArchiveView(DataView):
    """Uploads of ZIP archives."""

    permission_classes = [MayAddDocuments]
    parser_classes = [MultiPartParser]
    throttle_scope = "upload"
    refuses_with = {"POST": (404, 507)}

    @schema.UPLOAD_ARCHIVE
    def post(self, request: Request) -> Response:
        """Upload a ZIP archive; each file in it becomes a document, and those that can't are listed with a reason."""
        upload = _valid(ArchiveSerializer(data=request.data))
        principal = principal_of(request)
        corpus = editable_corpus(principal, upload["corpus"])
        return Response(UnpackedSerializer(add_archive(principal, corpus, upload["file"])).data, status=202)


class DocumentView(DataView):
    """One document: its state, and its deletion."""

    permission_classes = [ReadOrSignedIn]

    @schema.READ_DOCUMENT
    def get(self, request: Request, document_id: str) -> Response:
        """Show a document and how far its indexing is."""
        return Response(DocumentSerializer(readable_document(principal_of(request), document_id)).data)

    @schema.DELETE_DOCUMENT
    def delete(self, request: Request, document_id: str) -> Response:
        """Remove a document with its file, text, chunks and vectors. No answer uses it from then on."""
        delete_document(editable_document(principal_of(request), document_id))
        return Response(status=204)


class ReindexView(DataView):
    """Indexes a document again."""

    permission_classes = [ReadOrSignedIn]
    throttle_scope = "upload"

    @schema.REINDEX
    def post(self, request: Request, document_id: str) -> Response:
        """Read and index a document again; questions find the version before until that is done."""
        document = reindex_document(editable_document(principal_of(request), document_id))
        return Response(AcceptedSerializer(document).data, status=202)


class CancelView(DataView):
    """Cancels the indexing of a document."""

    permission_classes = [ReadOrSignedIn]

    @schema.CANCEL
    def post(self, request: Request, document_id: str) -> Response:
        """Stop the indexing of a document, should it be under way or waiting; `reindex` starts it again."""
        principal = principal_of(request)
        cancel_indexing(editable_document(principal, document_id))
        return Response(DocumentSerializer(readable_document(principal, document_id)).data)


class TextView(DataView):
    """Parts of the text of a document."""

    permission_classes = [ReadOrSignedIn]
    query_serializers = {"GET": WindowSerializer}

    @schema.READ_TEXT
    def get(self, request: Request, document_id: str) -> Response:
        """Show a part of the text that was found in a document, to see a quote in its place."""
        document = readable_document(principal_of(request), document_id)
        window = _valid(WindowSerializer(data=request.query_params.dict()))
        return Response(TextSerializer(read_window(document, **window)).data)


def _valid(serializer: Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _path(tenant: str, name: str) -> str:
    return f"{tenant}/{name}" if tenant else name
