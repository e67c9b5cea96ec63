"""What staff may see in the admin: the rows that documents/access/policy.py gives them, and no others.

Django's own permissions don't know tenants: its forms, filters and choices show every row of a table. Here they are
asked nowhere. A superuser sees everything; other staff see what their roles in tenants allow, also among the choices
of a form, and what isn't scoped explicitly offers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.models import Group, User
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.db.models.fields.related import ManyToManyField
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from documents.access.policy import Principal, editable_corpora, manageable_tenants, readable_corpora
from documents.models import Corpus, EmbeddingSpace, Tenant

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as Base

Scope = Callable[[Principal], "QuerySet[Any]"]
_known_to_have: WeakKeyDictionary[HttpRequest, dict[Scope, bool]] = WeakKeyDictionary()


def principal_of(request: HttpRequest) -> Principal:
    """Return who uses the admin."""
    return Principal.of(request.user)


def is_superuser(request: HttpRequest) -> bool:
    """Return whether nothing is hidden from this user."""
    user = principal_of(request).user
    return user is not None and user.is_superuser


def manageable_corpora(principal: Principal) -> QuerySet[Corpus]:
    """Return the corpora whose settings the principal may change."""
    return editable_corpora(principal).filter(tenant__in=manageable_tenants(principal))


def readable_spaces(principal: Principal) -> QuerySet[EmbeddingSpace]:
    """Return the spaces of the corpora that the principal may ask."""
    return EmbeddingSpace.objects.filter(corpus__in=readable_corpora(principal))


def choosable_groups(principal: Principal) -> QuerySet[Group]:
    """Return the groups of the tenants where the principal may add documents."""
    if principal.user is not None and principal.user.is_superuser:
        return Group.objects.all()
    tenants = Tenant.objects.filter(corpora__in=editable_corpora(principal)) | manageable_tenants(principal)
    return Group.objects.filter(reader_group__tenant__in=tenants.values("pk"))


def choosable_users(principal: Principal) -> QuerySet[User]:
    """Return the users of the tenants that the principal manages."""
    if principal.user is not None and principal.user.is_superuser:
        return User.objects.all()
    return User.objects.filter(memberships__tenant__in=manageable_tenants(principal)).distinct()


class ScopedAdmin(Base):
    """A ModelAdmin that shows `readable` rows and lets `editable` ones be changed; by default none."""

    choices: Mapping[str, Scope] = {}  # foreign key or many-to-many field -> what a form may offer
    show_full_result_count = False  # counting a large table twice per page helps nobody
    is_internal = False  # what the program keeps for itself: its pages open, but nothing lists or links them

    def readable(self, principal: Principal) -> QuerySet[Any]:
        """Return the rows that the principal may look at."""
        rows: QuerySet[Any] = self.model.objects.none()
        return rows

    def editable(self, principal: Principal) -> QuerySet[Any]:
        """Return the rows that the principal may change and delete."""
        rows: QuerySet[Any] = self.model.objects.none()
        return rows

    def may_add(self, principal: Principal) -> bool:
        """Return whether the principal may add a row."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the list; also what every other page of this admin may open."""
        rows = self.readable(principal_of(request))
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """Return what the overview of the app offers; nothing of what is internal."""
        return {} if self.is_internal else super().get_model_perms(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the index lists anything of this app."""
        return self.has_view_permission(request) or self.has_add_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether this row, or any row, may be looked at."""
        return self._is_among(self.readable, request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether this row, or any row, may be changed."""
        return self._is_among(self.editable, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether this row, or any row, may be deleted."""
        return self._is_among(self.editable, request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether a row may be added."""
        return self.may_add(principal_of(request))

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field with the choices that this user may make."""
        kwargs["queryset"] = self._choices(db_field, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field with the choices that this user may make, and those that are made already.

        Without the latter, saving would drop them unseen, and a document for a few would become one for everybody.
        """
        choices = self._choices(db_field, request)
        match = request.resolver_match
        row = self.get_object(request, match.kwargs["object_id"]) if match and "object_id" in match.kwargs else None
        if row is not None:
            chosen = getattr(row, db_field.name).values("pk")
            choices = choices.model._default_manager.filter(pk__in=choices.values("pk")) | (
                choices.model._default_manager.filter(pk__in=chosen)
            )
        kwargs["queryset"] = choices
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()  # groups are few, and nobody holds down Control
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field, with boxes to choose from instead of links that make groups which are nobody's."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, ModelMultipleChoiceField) and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
            if field.queryset is not None and not field.queryset.exists():
                field.help_text = f"There is nothing to choose yet. {field.help_text}"
        return field

    def _choices(self, db_field: Field[Any, Any], request: HttpRequest) -> QuerySet[Any]:
        scope = self.choices.get(db_field.name)
        if scope is None:
            related = db_field.related_model
            assert isinstance(related, type), f"{db_field} points nowhere"
            return related._default_manager.none()
        return scope(principal_of(request))

    def _is_among(self, scope: Scope, request: HttpRequest, obj: Model | None) -> bool:
        if not request.user.is_active or not getattr(request.user, "is_staff", False):
            return False
        principal = principal_of(request)
        if obj is not None:
            return scope(principal).filter(pk=obj.pk).exists()
        return is_superuser(request) or self.may_add(principal) or self._has_any(scope, request)

    def _has_any(self, scope: Scope, request: HttpRequest) -> bool:
        """Return whether there is a row; looked up once for a request, though the menu asks four times for a model."""
        known = _known_to_have.setdefault(request, {})
        if scope not in known:
            known[scope] = scope(principal_of(request)).exists()
        return known[scope]


class ReadOnlyAdmin(ScopedAdmin):
    """For logs and for what the indexer keeps: looked at, never changed by hand. `readonly_fields` are shown."""

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:  # type: ignore[override]
        """Return the fields to show, and no others."""
        return self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False."""
        return False


class _ScopedFilter(admin.RelatedFieldListFilter):
    """A filter at the side of a list; Django's own would name every tenant's rows."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Base) -> list[tuple[str, Any]]:
        """Return (key, name) of the rows that this user may see."""
        allowed = self.scope(principal_of(request)).values("pk")
        choices: list[tuple[str, Any]] = field.get_choices(
            include_blank=False,
            ordering=self.field_admin_ordering(field, request, model_admin),
            limit_choices_to={"pk__in": allowed},
        )
        return choices

    def scope(self, principal: Principal) -> QuerySet[Any]:
        """Return the rows that may be named."""
        raise NotImplementedError


class CorpusFilter(_ScopedFilter):
    """Filter by a corpus that the user may read."""

    def scope(self, principal: Principal) -> QuerySet[Corpus]:
        """Return the readable corpora."""
        return readable_corpora(principal)


class TenantFilter(_ScopedFilter):
    """Filter by a tenant of which the user may read something."""

    def scope(self, principal: Principal) -> QuerySet[Tenant]:
        """Return the tenants of the readable corpora."""
        return Tenant.objects.filter(corpora__in=readable_corpora(principal)).distinct()


def names_only(admin_: ScopedAdmin, rows: Sequence[Model], request: HttpRequest) -> tuple[Any, Any, Any, Any]:
    """Return what a confirmation page shows of the rows to delete: their names, and which of them must stay.

    Django's own version loads every row that depends on them, which are a million chunks.
    """
    meta = admin_.opts
    forbidden = any(not admin_.has_delete_permission(request, row) for row in rows)
    return (
        [str(row) for row in rows],
        {meta.verbose_name_plural: len(rows)},
        {meta.verbose_name} if forbidden else set(),
        [],
    )
