"""What the admin does to documents, corpora and keys: the same as the API."""

from __future__ import annotations

import hashlib
import re

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from documents.models import ApiKey, Corpus, Document
from tests.documents.admin.cast import World, editor, make_person, manager, page, reader, signed_in, superuser, world

__all__ = ["editor", "manager", "reader", "superuser", "world"]
pytestmark = pytest.mark.django_db
TEXT = b"Everybody has 30 days of leave."


def upload(client: Client, corpus: Corpus, **fields: object) -> str:
    file = SimpleUploadedFile("leave.txt", TEXT, content_type="text/plain")
    return page(client, "documents/document/add/", **{"corpus": corpus.pk, "file": file, "metadata": "{}", **fields})


def jobs_of(document: Document) -> int:
    return ProcrastinateJob.objects.filter(args__document_id=str(document.pk)).count()


def test_an_upload_waits_for_a_worker_as_over_the_api(world: World, editor: Client) -> None:
    html = upload(editor, world.corpus, title="Leave", readers=[world.our_group.pk], metadata='{"year": 2024}')
    document = Document.objects.get(sha256=hashlib.sha256(TEXT).hexdigest())
    assert "was added successfully" in html
    assert (document.corpus, document.tenant, document.title) == (world.corpus, world.ours, "Leave")
    assert (document.status, document.size_bytes, document.metadata) == ("processing", len(TEXT), {"year": 2024})
    assert list(document.readers.all()) == [world.our_group]
    assert jobs_of(document) == 1


def test_a_file_that_the_corpus_holds_is_told_and_not_taken_twice(world: World, editor: Client) -> None:
    upload(editor, world.corpus)
    assert "holds this file already" in upload(editor, world.corpus)
    assert Document.objects.filter(sha256=hashlib.sha256(TEXT).hexdigest()).count() == 1


def test_a_full_disk_is_told_in_words(world: World, editor: Client, settings: Settings) -> None:
    settings.FREE_DISK_FLOOR_BYTES = 10**18
    assert "no room for this upload" in upload(editor, world.corpus)
    assert not Document.objects.filter(sha256=hashlib.sha256(TEXT).hexdigest()).exists()


def test_a_file_that_is_too_large_is_told_in_words(world: World, editor: Client, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = len(TEXT) - 1
    assert "larger than this server accepts" in upload(editor, world.corpus)


def test_uploads_are_safe_from_other_sites_and_refusals_are_told_there_too(world: World, settings: Settings) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_person(role="editor", tenant=world.ours, is_staff=True))
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page(client, "documents/document/add/"))
    assert token is not None
    file = SimpleUploadedFile("leave.txt", TEXT)
    forged = client.post("/admin/documents/document/add/", {"corpus": world.corpus.pk, "file": file, "metadata": "{}"})
    assert forged.status_code == 403
    assert not Document.objects.filter(sha256=hashlib.sha256(TEXT).hexdigest()).exists()
    settings.UPLOAD_MAX_BYTES = len(TEXT) - 1
    assert "larger than this server" in upload(client, world.corpus, csrfmiddlewaretoken=token.group(1))
    settings.UPLOAD_MAX_BYTES = len(TEXT)
    assert "added successfully" in upload(client, world.corpus, csrfmiddlewaretoken=token.group(1))


def test_a_reader_can_neither_upload_nor_act(world: World, reader: Client) -> None:
    file = SimpleUploadedFile("leave.txt", TEXT)
    response = reader.post("/admin/documents/document/add/", {"corpus": world.corpus.pk, "file": file})
    assert response.status_code == 403
    for action in ("reindex", "delete_selected"):
        act = {"action": action, "_selected_action": [str(world.document.pk)], "post": "yes"}
        reader.post("/admin/documents/document/", act)
    world.document.refresh_from_db()
    assert (world.document.status, world.document.deleted_at, jobs_of(world.document)) == ("ready", None, 0)


def test_reindex_puts_ones_own_documents_into_the_queue(world: World, editor: Client) -> None:
    selected = [str(world.document.pk), str(world.their_document.pk)]
    html = page(editor, "documents/document/", action="reindex", _selected_action=selected)
    assert "1 of 1 selected documents" in html
    world.document.refresh_from_db()
    assert (world.document.status, jobs_of(world.document)) == ("processing", 1)
    assert jobs_of(world.their_document) == 0


def test_reindexing_counts_documents_that_leave_the_filtered_list(world: World, editor: Client) -> None:
    Document.objects.filter(pk=world.document.pk).update(status="failed")
    act = {"action": "reindex", "_selected_action": [str(world.document.pk)]}
    assert "1 of 1 selected documents" in page(editor, "documents/document/?status__exact=failed", **act)


def test_deleting_forgets_the_document_and_everything_of_it(world: World, editor: Client) -> None:
    selected = [str(world.document.pk), str(world.their_document.pk)]
    html = page(editor, "documents/document/", action="delete_selected", _selected_action=selected)
    assert "Our document" in html
    assert "SECRET" not in html
    page(editor, "documents/document/", action="delete_selected", _selected_action=selected, post="yes")
    for document in (world.document, world.their_document):
        document.refresh_from_db()
    assert world.document.deleted_at is not None
    assert not world.document.chunks.exists()
    assert world.their_document.deleted_at is None
    assert "Our document" not in page(editor, "documents/document/?status__exact=ready").split("recent", 1)[0]


def test_the_delete_button_of_a_document_does_the_same(world: World, editor: Client) -> None:
    path = f"documents/document/{world.document.pk}/delete/"
    assert "Our document" in page(editor, path)
    page(editor, path, post="yes")
    world.document.refresh_from_db()
    assert world.document.deleted_at is not None
    assert not world.document.chunks.exists()


def test_managers_delete_corpora_with_all_that_is_in_them(world: World, manager: Client, editor: Client) -> None:
    path = f"documents/corpus/{world.corpus.pk}/delete/"
    assert editor.post(f"/admin/{path}", {"post": "yes"}).status_code == 403
    shown = page(manager, path)
    assert re.search(r"<strong>1</strong> documents", shown) and re.search(r"<strong>1</strong> passages", shown)
    assert "Nothing was deleted" in page(manager, path, post="yes", name="Our")
    assert Corpus.objects.filter(pk=world.corpus.pk).exists()
    page(manager, path, post="yes", name="Our corpus")
    assert not Corpus.objects.filter(pk=world.corpus.pk).exists()
    assert not Document.objects.filter(pk=world.document.pk).exists()
    assert Corpus.objects.filter(pk=world.their_corpus.pk).exists()


def test_managers_make_corpora_in_their_tenant(world: World, manager: Client) -> None:
    page(manager, "documents/corpus/add/", tenant=world.ours.pk, name="New", slug="new", language="de",
         chunk_unit="chars", chunk_size=800, chunk_overlap=100, defaults="{}")  # fmt: skip
    assert Corpus.objects.get(slug="new").tenant == world.ours


def test_a_tenant_with_corpora_stays(world: World, superuser: Client) -> None:
    assert superuser.post(f"/admin/documents/tenant/{world.ours.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_keys_secret_is_shown_once_and_its_digest_never(world: World, manager: Client) -> None:
    user = User.objects.latest("pk")  # the manager
    html = page(manager, "documents/apikey/add/", user=user.pk, name="Robot", scopes=["query"])
    found = re.search(r"rag_\w{8}_[\w-]{20,}", html)
    assert found is not None
    key = ApiKey.objects.get(name="Robot")
    assert key.digest == ApiKey.digest_of(found.group())
    for path in ("documents/apikey/", f"documents/apikey/{key.pk}/change/", f"documents/apikey/{key.pk}/history/", ""):
        html = page(manager, path)
        assert key.digest not in html
        assert found.group() not in html
    assert Client().get("/api/v1/corpora", headers={"Authorization": f"Bearer {found.group()}"}).status_code == 200


def test_a_key_can_be_issued_to_oneself_only_and_revoked(world: World, reader: Client, superuser: Client) -> None:
    other = make_person()
    page(reader, "documents/apikey/add/", user=other.pk, name="Not mine", scopes=["query"])
    assert not ApiKey.objects.filter(name="Not mine").exists()
    key, _ = ApiKey.issue(other, "Theirs", ["query"])
    act = {"action": "revoke", "_selected_action": [str(key.pk)]}
    page(reader, "documents/apikey/", **act)
    key.refresh_from_db()
    assert key.is_valid
    assert "1 keys revoked" in page(superuser, "documents/apikey/", **act)
    key.refresh_from_db()
    assert not key.is_valid


def test_an_unknown_scope_is_refused(world: World) -> None:
    user = make_person(is_staff=True)
    page(signed_in(user), "documents/apikey/add/", user=user.pk, name="Root", scopes=["root"])
    assert not ApiKey.objects.filter(name="Root").exists()
