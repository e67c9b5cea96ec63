"""Forms that name readers: refused with a word at the field, before anything is stored."""

from __future__ import annotations

from typing import Any

from django import forms

from documents.access.reader_groups import PUBLIC_WITH_READERS, foreign_groups
from documents.models import Corpus, Tenant

FOREIGN = "A group that belongs to another tenant can't read here: choose groups of this tenant."


class ReadersForm(forms.ModelForm):  # type: ignore[type-arg]  # no subscript at run time
    """A corpus or a document; its readers are groups of its own tenant, and a public corpus has none."""

    def clean(self) -> dict[str, Any]:
        """Return the data."""
        data = super().clean() or self.cleaned_data
        groups, tenant = data.get("readers"), self._tenant(data)
        if groups and tenant is not None and foreign_groups(tenant, groups):
            self.add_error("readers", FOREIGN)
        if groups and data.get("is_public"):
            self.add_error("readers", PUBLIC_WITH_READERS)
        return data

    def _post_clean(self) -> None:
        """Ask the model; whether a corpus may be public is decided by the readers of the form, not by those stored."""
        super()._post_clean()  # type: ignore[misc]  # not among the stubs
        if isinstance(self.instance, Corpus) and not self.cleaned_data.get("readers") and "is_public" in self.errors:
            del self.errors["is_public"]
            self.cleaned_data["is_public"] = self.instance.is_public

    def _tenant(self, data: dict[str, Any]) -> Tenant | None:
        if self.instance.pk and self.instance.tenant_id:
            tenant: Tenant = self.instance.tenant
            return tenant
        corpus = data.get("corpus")
        return corpus.tenant if corpus is not None else data.get("tenant")
