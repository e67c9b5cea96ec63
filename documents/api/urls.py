"""Routes of corpora and documents. The views check the names in a URL, so that a bad one is a problem+json 404."""

from __future__ import annotations

from django.urls import path

from documents.api.views import (
    ArchiveView,
    CancelView,
    CorporaView,
    CorpusView,
    DocumentsView,
    DocumentView,
    ReindexView,
    TextView,
)

urlpatterns = [
    path("api/v1/corpora", CorporaView.as_view(), name="corpora"),
    path("api/v1/corpora/<str:name>", CorpusView.as_view(), name="corpus"),
    path("api/v1/corpora/<str:tenant>/<str:name>", CorpusView.as_view(schema=None), name="corpus-in-tenant"),
    path("api/v1/documents", DocumentsView.as_view(), name="documents"),
    path("api/v1/documents/archive", ArchiveView.as_view(), name="archive"),
    # The route of an older system, whose clients may send more fields.
    path("documents", DocumentsView.as_view(schema=None, ignores_unknown=True), name="documents-alias"),
    path("api/v1/documents/<str:document_id>", DocumentView.as_view(), name="document"),
    path("api/v1/documents/<str:document_id>/reindex", ReindexView.as_view(), name="document-reindex"),
    path("api/v1/documents/<str:document_id>/cancel", CancelView.as_view(), name="document-cancel"),
    path("api/v1/documents/<str:document_id>/text", TextView.as_view(), name="document-text"),
]
