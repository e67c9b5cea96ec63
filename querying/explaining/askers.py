"""Whose rights an explanation is about, when somebody else has asked."""

from __future__ import annotations

from django.contrib.auth.models import User

from documents.access.policy import NOBODY, Principal, manageable_tenants
from documents.models import Document
from ragsite.errors import InvalidInput


def asker_named(principal: Principal, document: Document, username: str) -> Principal:
    """Return the one whose rights are asked about: a member of the document's tenant; no name: who isn't signed in.

    Raises InvalidInput for everybody else, and for all but themselves where the principal isn't a manager.
    """
    user = principal.user
    if not username:
        return NOBODY
    if user is not None and user.get_username() == username:
        return principal
    found = members_to_name(principal, document).get(username)
    if found is None:
        message = "No member of a tenant that you manage, which has this document, has this name."
        raise InvalidInput(fields={"asked_by": message})
    return Principal.of(found)


def members_to_name(principal: Principal, document: Document) -> dict[str, User]:
    """Return the members of the document's tenant by name, for its managers; none for others."""
    if not manageable_tenants(principal).filter(pk=document.tenant_id).exists():
        return {}
    members = User.objects.filter(memberships__tenant=document.tenant_id, is_active=True)
    return {user.get_username(): user for user in members.order_by("username")}
