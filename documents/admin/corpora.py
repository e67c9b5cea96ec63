"""Corpora: made and changed by managers of their tenant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from documents.access.policy import Principal, manageable_tenants, readable_corpora
from documents.admin.corpus_form import CorpusForm
from documents.admin.saving import changed_fields
from documents.admin.scoping import (
    ScopedAdmin,
    TenantFilter,
    choosable_groups,
    manageable_corpora,
    names_only,
)
from documents.corpora import change_corpus, with_counts
from documents.models import Corpus, Document
from documents.storage.deletion import delete_corpus


@admin.register(Corpus)
class CorpusAdmin(ScopedAdmin):
    """Members look, managers of the tenant change. Chunk settings hold for documents that are indexed from then on."""

    form = CorpusForm
    list_display = ["name", "tenant", "language", "is_public", "documents_now", "passages"]
    list_filter = ["is_public", "language", ("tenant", TenantFilter)]
    search_fields = ["name", "slug", "tenant__name"]
    list_select_related = ["tenant"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["documents_now", "passages", "created_at"]
    delete_confirmation_template = "admin/documents/corpus/delete_confirmation.html"
    change_form_outer_before_template = "admin/documents/corpus/toolbar.html"
    fieldsets = [
        (None, {"fields": ["name", "slug", "tenant", "language"]}),
        ("Who may ask", {"fields": ["is_public", "readers"]}),
        ("Questions", {"fields": ["top_k", "mode", "suggestions"]}),
        ("How documents are cut", {"fields": ["chunk_unit", "chunk_size", "chunk_overlap"]}),
        ("Facts", {"fields": ["documents_now", "passages", "created_at"]}),
    ]
    choices = {"tenant": manageable_tenants, "readers": choosable_groups}

    def readable(self, principal: Principal) -> QuerySet[Corpus]:
        """Return the corpora that the principal may ask."""
        return readable_corpora(principal)

    def editable(self, principal: Principal) -> QuerySet[Corpus]:
        """Return the corpora of the tenants that the principal manages."""
        return manageable_corpora(principal)

    def may_add(self, principal: Principal) -> bool:
        """Return whether the principal manages a tenant."""
        return manageable_tenants(principal).exists()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:  # type: ignore[override]
        """Return the fields that stay: the documents carry the tenant, and their words were stemmed by language."""
        return [*self.readonly_fields, *(["tenant", "language"] if obj else [])]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> dict[str, Sequence[str]]:
        """Return what is filled in by typing; a corpus that exists keeps its slug when its name changes."""
        return {} if obj else dict(self.prepopulated_fields)

    def save_model(self, request: HttpRequest, obj: Corpus, form: ModelForm[Any], change: bool) -> None:
        """Store the form; a changed corpus answers nothing from its cache."""
        if change:
            if obj.is_public and not form.cleaned_data.get("readers"):
                obj.readers.clear()  # before it is public, and not for a moment after
            change_corpus(obj, {**changed_fields(obj, form), "defaults": form.cleaned_data["defaults"]})
        else:
            obj.save()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows, each with the number of its documents."""
        return with_counts(super().get_queryset(request))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return no action for several corpora at once: each is deleted on its own page, by its name."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Return what goes with a corpus, in figures."""
        named = names_only(self, list(objs), request)
        documents = Document.objects.filter(corpus__in=[each.pk for each in objs], deleted_at=None).count()
        passages = sum(each.chunk_count for each in objs)
        return named[0], {"documents": f"{documents:,}", "passages": f"{passages:,}"}, named[2], named[3]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the name of the corpus; delete nothing without it."""
        corpus = self.get_object(request, object_id)
        is_asked = corpus is not None and request.method == "POST" and self.has_delete_permission(request, corpus)
        if corpus is not None and is_asked and request.POST.get("name", "").strip() != corpus.name:
            self.message_user(request, "That is not the name of the corpus. Nothing was deleted.", messages.ERROR)
            return redirect("admin:documents_corpus_delete", corpus.pk)
        return super().delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Corpus) -> None:
        """Delete as every other door does: with files, vectors and index."""
        delete_corpus(obj)

    @admin.display(description="documents")
    def documents_now(self, corpus: Corpus) -> str:
        """Return how many documents there are."""
        return f"{corpus.document_count:,}" if corpus.pk else "-"  # type: ignore[attr-defined]  # get_queryset's

    @admin.display(description="passages", ordering="chunk_count")
    def passages(self, corpus: Corpus) -> str:
        """Return how many passages can be found."""
        return f"{corpus.chunk_count:,}"
