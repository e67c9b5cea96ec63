"""Documents: uploaded, reindexed and deleted through the same functions as over the API."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import RequestDataTooBig
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from documents.access import Principal, editable_corpora, editable_documents, readable_documents
from documents.admin.reader_forms import ReadersForm
from documents.admin.saving import forget_cached_answers, save_changed_fields
from documents.admin.scoping import CorpusFilter, ScopedAdmin, choosable_groups, names_only, principal_of
from documents.forgetting import delete_document
from documents.models import Document, DocumentText
from documents.queueing import reindex_document
from documents.uploading import accept_upload, known_bytes
from ragsite.errors import DocumentNotFound, RagError
from ragsite.exception_handler import as_rag_error

HASH_BYTES = 256 * 1024
_HIDDEN_TEXT_MAX_CHARS = 20_000


class UploadForm(ReadersForm):
    """A file for a corpus."""

    file = forms.FileField(
        help_text="PDF, Word, PowerPoint, Excel, OpenDocument, Rich Text, HTML, Markdown, text, CSV, e-mail or EPUB."
    )
    title = forms.CharField(required=False, max_length=500, help_text="Empty: from the document itself, or its name.")

    class Meta:
        model = Document
        fields = ["corpus", "title", "source", "readers", "metadata"]

    def clean(self) -> dict[str, Any]:
        """Return the data. A file that the corpus holds already would add nothing."""
        data = super().clean()
        if "file" in data and "corpus" in data:
            digest = hashlib.sha256()
            for piece in data["file"].chunks(HASH_BYTES):
                digest.update(piece)
            data["file"].seek(0)
            if known_bytes(data["corpus"], digest.hexdigest()) is not None:
                self.add_error("file", "The corpus holds this file already. If its indexing failed, reindex it.")
        return data


@admin.register(Document)
class DocumentAdmin(ScopedAdmin):
    """Readers look, editors upload, reindex and delete."""

    form = ReadersForm
    list_display = ["title", "corpus", "status", "problem", "progress", "created_at"]
    list_filter = ["status", "is_partial", "error_code", "media_type", ("corpus", CorpusFilter)]
    search_fields = ["title", "source", "error_detail"]
    list_select_related = ["corpus"]
    filter_horizontal = ["readers"]
    actions = ["reindex"]
    choices = {"corpus": editable_corpora, "readers": choosable_groups}
    # The title is among the words that are searched: it changes with the next file, not with a click.
    readonly_fields = [
        "id", "title", "corpus", "status", "error_code", "error_detail", "is_partial", "left_out", "progress", "pages",
        "version", "attempt",
        "media_type", "size_bytes", "sha256", "created_at", "started_at", "indexed_at",
    ]  # fmt: skip
    fields = [*readonly_fields[:3], "source", "readers", "metadata", *readonly_fields[3:]]

    def readable(self, principal: Principal) -> QuerySet[Document]:
        """Return the documents that the principal may read."""
        return readable_documents(principal)

    def editable(self, principal: Principal) -> QuerySet[Document]:
        """Return the documents that the principal may change."""
        return editable_documents(principal)

    def may_add(self, principal: Principal) -> bool:
        """Return whether there is a corpus that the principal may add to."""
        return editable_corpora(principal).exists()

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the upload form for a new document."""
        if obj is None:
            kwargs["form"] = UploadForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:  # type: ignore[override]
        """Return the fields of the form."""
        if obj is None:
            return ["corpus", "file", "title", "source", "readers", "metadata"]
        may_edit = self.editable(principal_of(request)).filter(pk=obj.pk).exists()
        return [*self.fields, "hidden_text"] if may_edit else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:  # type: ignore[override]
        """Return the fields that can't be changed by hand."""
        return [*self.readonly_fields, "hidden_text"] if obj else []

    @method_decorator(csrf_exempt)  # ... of the outer check only: changeform_view has its own, see there
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the upload page."""
        return self.changeform_view(request, None, form_url, extra_context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Return the page; what storing refuses (a full disk, a document deleted meanwhile) is said on the next one.

        The file is stored as soon as somebody looks for the CSRF token in the form. Middleware would do that where
        nobody catches what storing refuses; Django's changeform_view does it here.
        """
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (RagError, RequestDataTooBig) as error:
            self.message_user(request, as_rag_error(error).message, messages.ERROR)
            return redirect("admin:documents_document_changelist")

    def save_model(self, request: HttpRequest, obj: Document, form: forms.ModelForm[Document], change: bool) -> None:
        """Take a file in, or store what was changed of a document."""
        if not change:
            _take_in(obj, form)
            return
        forget_cached_answers(obj.corpus_id)
        locked = Document.objects.select_for_update().filter(pk=obj.pk, deleted_at=None)
        if not list(locked.values_list("pk")):
            raise DocumentNotFound
        save_changed_fields(obj, form)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store the readers; those of an upload are stored with it."""
        if change:
            super().save_related(request, form, formsets, change)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Return the names to confirm."""
        return names_only(self, list(objs), request)

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        """Delete as every other door does."""
        delete_document(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        """Delete several; those that may be read only stay."""
        for document in self.editable(principal_of(request)).filter(pk__in=list(queryset.values_list("pk", flat=True))):
            delete_document(document)

    @admin.action(description="Reindex selected documents", permissions=["change"])
    def reindex(self, request: HttpRequest, queryset: QuerySet[Document]) -> HttpResponse | None:
        """Put the selected documents into the queue, as the API does; those that may be read only stay."""
        chosen = self.editable(principal_of(request)).filter(pk__in=list(queryset.values_list("pk", flat=True)))
        queued = sum(reindex_document(document) is not None for document in chosen)
        self.message_user(request, f"{queued} of {queryset.count()} selected documents are waiting to be indexed anew.")
        return None

    @admin.display(description="problem")
    def problem(self, document: Document) -> str:
        """Return why it failed, in words."""
        return document.error_detail[:120]

    @admin.display(description="left out or mended")
    def left_out(self, document: Document) -> str:
        """Return what its reader left out or mended."""
        return " ".join(document.notes_in_words()) or "-"

    @admin.display(description="hidden text")
    def hidden_text(self, document: Document) -> str:
        """Return the text that no reader of the file can see, for those who answer for the document."""
        texts = DocumentText.objects.filter(document=document, version=document.version)
        return (texts.values_list("hidden_text", flat=True).first() or "-")[:_HIDDEN_TEXT_MAX_CHARS]

    @admin.display(description="chunks")
    def progress(self, document: Document) -> str:
        """Return how many chunks are embedded; before there are any, how many scanned pages are recognised."""
        if document.ocr_pages_total and not document.chunks_total:
            return f"page {document.ocr_pages_done} / {document.ocr_pages_total} recognised"
        return f"{document.chunks_done} / {document.chunks_total}"


def _take_in(obj: Document, form: forms.ModelForm[Document]) -> None:
    """Accept the form's file, and let `obj` be the document that it became."""
    data = form.cleaned_data
    accepted = accept_upload(
        data["corpus"],
        file=data["file"],
        name=data["file"].name,
        title=data["title"],
        source=data["source"],
        metadata=data["metadata"] or {},
        readers=data["readers"],
    )
    obj.pk = accepted.document.pk
    obj.refresh_from_db()
