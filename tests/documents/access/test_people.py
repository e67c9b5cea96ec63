"""Managers invite and manage the people of their own tenant, and of no other."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from documents.models import Membership, ReaderGroup
from tests.documents.admin.cast import World, editor, make_person, manager, page, superuser, world

__all__ = ["editor", "manager", "superuser", "world"]
pytestmark = pytest.mark.django_db
INVITE = "documents/membership/invite/"
PASSWORD = "correct-horse-battery"


def link_in(shown: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", shown, re.DOTALL)
    assert found is not None
    return html.unescape(found.group(1)).removeprefix("http://testserver")


def invite(client: Client, world: World, name: str = "anna", role: str = "editor") -> str:
    return link_in(page(client, INVITE, username=name, role=role, tenant=world.ours.pk, email="anna@ours.example"))


def test_somebody_who_was_invited_chooses_a_password_once_and_enters_the_admin(world: World, manager: Client) -> None:
    link = invite(manager, world)
    anna = User.objects.get(username="anna")
    assert (anna.is_staff, anna.is_superuser, anna.has_usable_password()) == (True, False, False)
    assert "invited" in page(manager, "documents/membership/")
    guest = Client()
    form = guest.get(link, follow=True)
    assert b"Choose a password" in form.content
    chosen = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert guest.post(form.request["PATH_INFO"], chosen)["Location"] == "/login/"
    assert guest.login(username="anna", password=PASSWORD)
    assert "Our document" in page(guest, "documents/document/")
    assert b"was used already" in Client().get(link, follow=True).content


def test_an_account_that_exists_is_never_invited_again(world: World, manager: Client) -> None:
    other = User.objects.get(username="SECRET-member")
    other.set_password(PASSWORD)
    other.save()
    shown = page(manager, INVITE, username="SECRET-member", role="reader", tenant=world.ours.pk)
    assert "choose another" in shown
    assert not Membership.objects.filter(user=other, tenant=world.ours).exists()
    member = make_person(role="reader", tenant=world.ours, username="signed-in")
    member.set_password(PASSWORD)
    member.save()
    membership = Membership.objects.get(user=member)
    assert "needs no invitation" in page(manager, f"documents/membership/{membership.pk}/link/", again="yes")


def test_a_new_link_is_for_ones_own_people_only(world: World, manager: Client, editor: Client) -> None:
    invite(manager, world)
    membership = Membership.objects.get(user__username="anna")
    assert "/invitation/" in page(manager, f"documents/membership/{membership.pk}/link/", again="yes")
    theirs = Membership.objects.filter(tenant=world.theirs).first()
    assert theirs is not None
    assert manager.post(f"/admin/documents/membership/{theirs.pk}/link/").status_code == 404
    assert editor.get(f"/admin/{INVITE}").status_code == 403
    page(manager, INVITE, username="spy", role="manager", tenant=world.theirs.pk)
    assert not User.objects.filter(username="spy").exists()


def test_an_invitation_ends_with_the_account(world: World, manager: Client) -> None:
    link = invite(manager, world)
    User.objects.filter(username="anna").update(is_active=False)
    assert b"was used already" in Client().get(link, follow=True).content


def test_who_becomes_an_editor_may_enter_the_admin_and_who_leaves_sees_nothing(world: World, manager: Client) -> None:
    member = make_person(role="reader", tenant=world.ours)
    membership = Membership.objects.get(user=member)
    page(manager, f"documents/membership/{membership.pk}/change/", role="editor")
    member.refresh_from_db()
    assert member.is_staff
    client = Client()
    client.force_login(member)
    assert "Our document" in page(client, "documents/document/")
    page(manager, f"documents/membership/{membership.pk}/delete/", post="yes")
    assert client.get("/admin/documents/document/").status_code == 403


def test_managers_make_groups_of_their_own_people(world: World, manager: Client) -> None:
    member, stranger = User.objects.get(username="Our-member"), User.objects.get(username="SECRET-member")
    shown = page(manager, "documents/readergroup/add/")
    assert "Our-member" in shown and "SECRET" not in shown
    page(manager, "documents/readergroup/add/", name="Board", tenant=world.ours.pk, members=[stranger.pk])
    assert not Group.objects.filter(name="Board").exists()
    page(manager, "documents/readergroup/add/", name="SECRET-group", tenant=world.ours.pk, members=[member.pk])
    made = ReaderGroup.objects.get(tenant=world.ours, group__name="SECRET-group (ours)")  # the name is taken elsewhere
    assert list(made.group.user_set.all()) == [member]
    made.group.user_set.add(stranger)  # by an operator
    page(manager, f"documents/readergroup/{made.pk}/change/", name="Board", members=[])
    made.refresh_from_db()
    assert (Group.objects.get(pk=made.group_id).name, list(made.group.user_set.all())) == ("Board", [stranger])


def test_a_group_that_closes_a_document_stays(world: World, manager: Client) -> None:
    """Without it the document would be open to everybody who reads the corpus."""
    group = ReaderGroup.objects.get(group=world.our_group)
    world.document.readers.set([world.our_group])
    assert manager.post(f"/admin/documents/readergroup/{group.pk}/delete/", {"post": "yes"}).status_code == 403
    act = {"action": "delete_selected", "_selected_action": [str(group.pk)], "post": "yes"}
    manager.post("/admin/documents/readergroup/", act)
    assert Group.objects.filter(pk=world.our_group.pk).exists()
    world.document.readers.clear()
    page(manager, f"documents/readergroup/{group.pk}/delete/", post="yes")
    assert not Group.objects.filter(pk=world.our_group.pk).exists()


def test_accounts_are_for_superusers(world: World, manager: Client, superuser: Client) -> None:
    manager_user = User.objects.latest("pk")
    for name in ("user", "group"):
        assert manager.get(f"/admin/auth/{name}/").status_code == 403
        assert superuser.get(f"/admin/auth/{name}/").status_code == 200
    assert superuser.get(f"/admin/auth/user/{manager_user.pk}/change/").status_code == 200
