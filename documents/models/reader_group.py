"""Stores which tenant a reader group belongs to."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models

from documents.models.tenant import Tenant


class ReaderGroup(models.Model):
    """A group that corpora and documents of one tenant may name as readers. In other tenants it has no effect.

    A group without a tenant is given to the tenant that names it first.
    """

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="reader_group")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="reader_groups")

    class Meta:
        ordering = ["tenant__slug", "group__name"]

    def __str__(self) -> str:
        return f"{self.group} of {self.tenant}"
