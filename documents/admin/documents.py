"""Documents: uploaded, reindexed and deleted through the same functions as over the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import RequestDataTooBig
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt

from documents.access.policy import Principal, editable_corpora, editable_documents, readable_documents
from documents.admin.document_form import DocumentForm, UploadForm
from documents.admin.document_pages import DocumentPages
from documents.admin.saving import forget_cached_answers, save_changed_fields
from documents.admin.scoping import CorpusFilter, ScopedAdmin, choosable_groups, names_only, principal_of
from documents.admin.showing import bar, progress_of, status_badge
from documents.indexing.cancellation import cancel_indexing
from documents.indexing.queue import reindex_document
from documents.models import Document, DocumentText
from documents.search.document_lookup import documents_with
from documents.storage.deletion import delete_document
from documents.uploads.acceptance import accept_upload
from ragsite.errors import DocumentNotFound, RagError
from ragsite.web.exception_handler import as_rag_error

_HIDDEN_TEXT_MAX_CHARS = 20_000
SEARCH_MAX_CHARS = 200


@admin.register(Document)
class DocumentAdmin(DocumentPages, ScopedAdmin):
    """Readers look, editors upload, reindex and delete."""

    form = DocumentForm
    list_display = ["title", "corpus", "state", "progress", "problem", "created_at"]
    list_filter = ["status", ("corpus", CorpusFilter), "media_type", "is_partial", "error_code"]
    search_fields = ["title", "source"]
    search_help_text = "Words of the title, the file's name or the text."
    change_form_outer_before_template = "admin/documents/document/toolbar.html"
    list_before_template = "admin/documents/document/above_list.html"
    list_per_page = 50
    list_select_related = ["corpus"]
    actions = ["reindex", "cancel"]
    choices = {"corpus": editable_corpora, "readers": choosable_groups}
    # The title is among the words that are searched: it changes with the next file, not with a click.
    readonly_fields = [
        "id", "title", "corpus", "state", "problem", "left_out", "progress", "pages", "version", "attempt",
        "media_type", "size", "sha256", "created_at", "started_at", "indexed_at",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["title", "corpus", "state", "progress", "problem", "left_out"]}),
        ("What you can change", {"fields": ["source", "readers", "metadata"]}),
        ("File", {"fields": ["media_type", "size", "pages", "created_at", "indexed_at"]}),
        ("For experts", {"classes": ["collapse"], "fields": ["id", "sha256", "version", "attempt", "started_at"]}),
    ]

    def readable(self, principal: Principal) -> QuerySet[Document]:
        """Return the documents that the principal may read."""
        return readable_documents(principal)

    def editable(self, principal: Principal) -> QuerySet[Document]:
        """Return the documents that the principal may change."""
        return editable_documents(principal)

    def may_add(self, principal: Principal) -> bool:
        """Return whether there is a corpus that the principal may add to."""
        return editable_corpora(principal).exists()

    def get_form(self, request: HttpRequest, obj: Document | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the upload form for a new document."""
        if obj is None:
            kwargs["form"] = UploadForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the groups of the form; hidden text is for those who answer for the document."""
        if obj is None:
            return [(None, {"fields": ["corpus", "file", "title", "source", "readers", "metadata"]})]
        if not self.editable(principal_of(request)).filter(pk=obj.pk).exists():
            return self.fieldsets
        return [*self.fieldsets, ("Hidden text", {"classes": ["collapse"], "fields": ["hidden_text"]})]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Document], search_term: str
    ) -> tuple[QuerySet[Document], bool]:
        """Return the documents with these words in the title, the file's name or a passage."""
        words = search_term.strip()[:SEARCH_MAX_CHARS]
        if not words:
            return queryset, False
        named = Q(title__icontains=words) | Q(source__icontains=words)
        return queryset.filter(named | Q(pk__in=documents_with(principal_of(request), words))), False

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

    @admin.action(description="Index again", permissions=["change"])
    def reindex(self, request: HttpRequest, queryset: QuerySet[Document]) -> HttpResponse | None:
        """Put the selected documents into the queue, as the API does; those that may be read only stay."""
        # Read at once: a document that waits again has left the list, should that be one of failed documents.
        selected = list(queryset.values_list("pk", flat=True))
        chosen = self.editable(principal_of(request)).filter(pk__in=selected)
        queued = sum(reindex_document(document) is not None for document in chosen)
        self.message_user(request, f"{queued} of {len(selected)} selected documents are waiting to be indexed again.")
        return None

    @admin.action(description="Cancel indexing", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        """Stop the indexing of the selected documents."""
        selected = list(queryset.values_list("pk", flat=True))
        chosen = self.editable(principal_of(request)).filter(pk__in=selected)
        stopped = sum(cancel_indexing(document) for document in chosen)
        self.message_user(request, f"The indexing of {stopped} of {len(selected)} selected documents was cancelled.")

    @admin.display(description="state", ordering="status")
    def state(self, document: Document) -> SafeString:
        """Return how far it is; a script keeps it up to date while it is worked on."""
        return format_html('<span data-state="{}">{}</span>', document.pk, status_badge(document))

    @admin.display(description="problem")
    def problem(self, document: Document) -> str:
        """Return why it failed, in words."""
        return document.error_detail or "-"

    @admin.display(description="size", ordering="size_bytes")
    def size(self, document: Document) -> str:
        """Return the size of its file."""
        return filesizeformat(document.size_bytes)

    @admin.display(description="left out or mended")
    def left_out(self, document: Document) -> str:
        """Return what its reader left out or mended."""
        return " ".join(document.notes_in_words()) or "-"

    @admin.display(description="hidden text")
    def hidden_text(self, document: Document) -> str:
        """Return the text that no reader of the file can see, for those who answer for the document."""
        texts = DocumentText.objects.filter(document=document, version=document.version)
        return (texts.values_list("hidden_text", flat=True).first() or "-")[:_HIDDEN_TEXT_MAX_CHARS]

    @admin.display(description="progress")
    def progress(self, document: Document) -> SafeString:
        """Return how many passages are indexed; before there are any, how many scanned pages are read."""
        moves = document.status == Document.Status.PROCESSING
        return format_html(
            '<span data-progress="{}">{}</span>', document.pk if moves else "", bar(*progress_of(document))
        )


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
