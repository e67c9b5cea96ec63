"""Corpora: made and changed by managers of their tenant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from documents.access import Principal, manageable_tenants, readable_corpora
from documents.admin.reader_forms import ReadersForm
from documents.admin.saving import changed_fields
from documents.admin.scoping import (
    ScopedAdmin,
    TenantFilter,
    choosable_groups,
    manageable_corpora,
    names_only,
)
from documents.corpora import change_corpus
from documents.forgetting import delete_corpus
from documents.models import Corpus


@admin.register(Corpus)
class CorpusAdmin(ScopedAdmin):
    """Members look, managers of the tenant change. Chunk settings hold for documents that are indexed from then on."""

    form = ReadersForm
    list_display = ["name", "tenant", "slug", "language", "is_public", "chunk_count"]
    list_filter = ["is_public", "language", ("tenant", TenantFilter)]
    search_fields = ["name", "slug", "tenant__name"]
    list_select_related = ["tenant"]
    prepopulated_fields = {"slug": ["name"]}
    filter_horizontal = ["readers"]
    readonly_fields = ["chunk_count", "epoch", "created_at"]
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
            change_corpus(obj, changed_fields(obj, form))
        else:
            obj.save()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Return the names to confirm."""
        return names_only(self, list(objs), request)

    def delete_model(self, request: HttpRequest, obj: Corpus) -> None:
        """Delete as every other door does: with files, vectors and index."""
        delete_corpus(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Corpus]) -> None:
        """Delete several."""
        for corpus in queryset:
            delete_corpus(corpus)
