"""Pages of documents beside Django's own: upload of many, progress, passages, the original, retry and cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from documents.access.policy import editable_corpora, editable_documents, readable_documents
from documents.admin.document_progress import progress_rows
from documents.admin.jobs import job_rows
from documents.admin.scoping import principal_of
from documents.indexing.cancellation import cancel_indexing
from documents.indexing.queue import reindex_document
from documents.models import Chunk, Document, Embedding
from documents.storage.file_store import path_of
from documents.text.chunking import Piece, embedded_text
from ragsite.errors import DocumentNotFound

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Document]
else:
    Base = object

POLLED_MAX = 200  # documents of one question
RETRIED_MAX = 500  # documents of one click
PASSAGES_PER_PAGE = 20


class DocumentPages(Base):
    """What the admin of documents has besides its list and its form."""

    def get_urls(self) -> list[URLPattern]:
        """Return the routes."""
        routes: list[tuple[str, Callable[..., HttpResponseBase], str]] = [
            ("upload/", self.upload_page, "upload"),
            ("progress/", require_GET(self.progress_view), "progress"),
            ("retry-failed/", require_POST(self.retry_failed_view), "retry_failed"),
            ("jobs/", self.jobs_page, "jobs"),
            ("<uuid:pk>/original/", require_GET(self.original_view), "original"),
            ("<uuid:pk>/passages/", require_GET(self.passages_page), "passages"),
            ("<uuid:pk>/retry/", require_POST(self.retry_view), "retry"),
            ("<uuid:pk>/cancel/", require_POST(self.cancel_view), "cancel"),
        ]
        own = [
            path(route, self.admin_site.admin_view(view), name=f"documents_document_{name}")
            for route, view, name in routes
        ]
        return own + super().get_urls()

    def upload_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page that takes many files and archives; it sends them to the API."""
        corpora = editable_corpora(principal_of(request)).select_related("tenant")
        if not corpora:
            raise PermissionDenied
        chosen = request.GET.get("corpus", "")
        return self._page(request, "upload", title="Upload documents", corpora=corpora, chosen=chosen)

    def progress_view(self, request: HttpRequest) -> JsonResponse:
        """Return how far the documents of `?id=` are that may be read."""
        ids = [found for found in map(_uuid, request.GET.getlist("id")[:POLLED_MAX]) if found is not None]
        documents = readable_documents(principal_of(request)).filter(pk__in=ids)
        return JsonResponse({"documents": progress_rows(documents)})

    def retry_failed_view(self, request: HttpRequest) -> HttpResponse:
        """Put documents that failed into the queue again, the oldest first."""
        failed = editable_documents(principal_of(request)).filter(status=Document.Status.FAILED)
        chosen = list(failed.order_by("created_at")[:RETRIED_MAX])
        tried = sum(_retried(document) for document in chosen)
        rest = failed.count()
        more = f" {rest:,} more are left: click again for them." if rest else ""
        self.message_user(
            request,
            f"{tried:,} {'document is' if tried == 1 else 'documents are'} tried again.{more}",
            messages.SUCCESS,
        )
        return redirect("admin:documents_document_jobs")

    def jobs_page(self, request: HttpRequest) -> HttpResponse:
        """Return what runs, waits and failed, of the documents that may be changed."""
        editable = editable_documents(principal_of(request))
        if not editable_corpora(principal_of(request)).exists():
            raise PermissionDenied
        return self._page(request, "jobs", title="Jobs", jobs=job_rows(editable))

    def original_view(self, request: HttpRequest, pk: UUID) -> FileResponse:
        """Return the file as it was uploaded, to be saved and never shown: it could be anything."""
        document = self._readable(request, pk)
        try:
            file = path_of(document.file_key).open("rb") if document.file_key else None
        except OSError:
            file = None
        if file is None:
            raise Http404
        name = (document.source or document.title).replace("\\", "/").rpartition("/")[2] or "document"
        reply = FileResponse(file, as_attachment=True, filename=name, content_type="application/octet-stream")
        reply["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return reply

    def passages_page(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the passages of a document as the index has them, some at a time; `?q=` those with these words."""
        document = self._readable(request, pk)
        passages = Chunk.objects.filter(document=document, version=F("document__version")).defer("terms", "term_counts")
        words = request.GET.get("q", "").strip()[:200]
        if words:
            passages = passages.filter(Q(text__icontains=words) | Q(heading__icontains=words))
        shown = Paginator(passages.order_by("ordinal"), PASSAGES_PER_PAGE).get_page(request.GET.get("p"))
        with_vectors = Embedding.objects.filter(
            space=document.corpus.live_space, chunk__in=[passage.pk for passage in shown]
        )
        return self._page(
            request,
            "passages",
            title=f"Passages of {document}",
            document=document,
            passages=shown,
            rows=[(passage, _embedded(document, passage)) for passage in shown],
            with_vectors=set(with_vectors.values_list("chunk", flat=True)),
            may_try=editable_documents(principal_of(request)).filter(pk=document.pk).exists(),
            words=words,
        )

    def retry_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Read and index a document again."""
        reindex_document(self._editable(request, pk))
        self.message_user(request, "The document is read and indexed again.", messages.SUCCESS)
        return _back(request, pk)

    def cancel_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Stop the indexing of a document."""
        stopped = cancel_indexing(self._editable(request, pk))
        words = "Its indexing was cancelled." if stopped else "There was nothing to cancel: it was done already."
        self.message_user(request, words, messages.SUCCESS if stopped else messages.WARNING)
        return _back(request, pk)

    def _readable(self, request: HttpRequest, pk: UUID) -> Document:
        return get_object_or_404(readable_documents(principal_of(request)).select_related("corpus"), pk=pk)

    def _editable(self, request: HttpRequest, pk: UUID) -> Document:
        return get_object_or_404(editable_documents(principal_of(request)), pk=pk)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        shared = self.admin_site.each_context(request)
        return TemplateResponse(request, f"admin/documents/document/{name}.html", {**shared, **context})


def _embedded(document: Document, passage: Chunk) -> str:
    """Return the text that the embedding model reads for a passage."""
    piece = Piece(passage.ordinal, passage.text, passage.heading, passage.page, passage.start, passage.end)
    return embedded_text(document.title, piece)


def _retried(document: Document) -> bool:
    try:
        reindex_document(document)
    except DocumentNotFound:
        return False
    return True


def _back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return to the page of jobs, if that was where the button is; else to the document."""
    if request.POST.get("from") == "jobs":
        return redirect("admin:documents_document_jobs")
    return redirect("admin:documents_document_change", pk)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
