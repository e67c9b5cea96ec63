"""The admin shows staff what is theirs, on every page, and changes it as the API does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Model, QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from documents.access.policy import Principal
from documents.admin.scoping import Scope, ScopedAdmin
from documents.models import (
    Abbreviation,
    ApiKey,
    Chunk,
    Corpus,
    Document,
    DocumentText,
    Embedding,
    LoginAttempts,
    Membership,
    ReaderGroup,
    TermFrequency,
    Word,
)
from querying.models import (
    AnswerClaim,
    CacheCount,
    CachedAnswer,
    CacheEntry,
    FalseHit,
    Feedback,
    QueryLog,
    SemanticCacheLimit,
)
from tests.documents.admin.cast import (
    World,
    editor,
    fill,
    make_person,
    manager,
    options,
    page,
    reader,
    signed_in,
    staff,
    superuser,
    world,
)
from tests.factories import make_tenant

__all__ = ["editor", "manager", "reader", "superuser", "world"]
pytestmark = pytest.mark.django_db

OURS = [*apps.get_app_config("documents").get_models(), *apps.get_app_config("querying").get_models()]
NAMES = [f"{model._meta.app_label}/{model._meta.model_name}" for model in OURS]


def test_every_model_is_registered() -> None:
    assert [model for model in OURS if not admin.site.is_registered(model)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_list_and_row_opens_for_a_superuser(name: str, world: World, superuser: Client) -> None:
    row = apps.get_model(name.replace("/", ".")).objects.first()
    assert row is not None
    assert "SECRET" in page(superuser, f"{name}/?q=secret") or "SECRET" in page(superuser, f"{name}/")
    assert page(superuser, f"{name}/{row.pk}/change/")
    assert page(superuser, f"{name}/{row.pk}/history/")


@pytest.mark.parametrize("name", NAMES)
def test_staff_of_a_tenant_never_see_another_ones_rows(name: str, world: World) -> None:
    for role in ("manager", "editor", "reader"):
        client = staff(role, world.ours)
        for path in (f"{name}/", f"{name}/add/", f"{name}/?q=secret"):
            html = client.get(f"/admin/{path}").content.decode()
            assert "SECRET" not in html, (role, path)


def test_another_tenants_row_is_not_there_whatever_page_is_asked_for(world: World, manager: Client) -> None:
    document, corpus = world.their_document, world.their_corpus
    rows: list[Model] = [
        *(world.theirs, corpus, document, *Membership.objects.filter(tenant=world.theirs)),
        *(*document.texts.all(), *document.chunks.all(), *corpus.spaces.all()),
        *(*Embedding.objects.filter(document=document), *TermFrequency.objects.filter(corpus=corpus)),
        *(*Word.objects.filter(corpus=corpus), *Abbreviation.objects.filter(corpus=corpus)),
        *(*ApiKey.objects.filter(name="SECRET key"), *QueryLog.objects.all(), *Feedback.objects.all()),
        *(*CachedAnswer.objects.all(), *AnswerClaim.objects.all()),
        *(*CacheEntry.objects.all(), *CacheCount.objects.all()),
        *(*ReaderGroup.objects.filter(tenant=world.theirs), *LoginAttempts.objects.all()),
        *(*SemanticCacheLimit.objects.all(), *FalseHit.objects.all()),
    ]
    assert {type(row) for row in rows} == set(OURS)
    for row in rows:
        for action in ("change", "delete", "history"):
            path = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{action}/"
            for response in (manager.get(path), manager.post(path, {"post": "yes"})):
                assert response.status_code in (302, 403), (path, response.status_code)
                assert "SECRET" not in response.content.decode()
        assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_who_is_not_staff_or_has_no_role_gets_nothing(world: World) -> None:
    outsider = signed_in(make_person(role="manager", tenant=world.ours))
    without_role = signed_in(make_person(is_staff=True))
    switched_off = signed_in(make_person(is_staff=True, is_superuser=True, is_active=False))
    for name in NAMES:
        for client in (outsider, switched_off, Client()):
            response = client.get(f"/admin/{name}/")
            assert response.status_code == 302
            assert "/admin/login/" in response["Location"]
        if name != "documents/apikey":  # everybody may have keys of their own
            assert without_role.get(f"/admin/{name}/").status_code == 403, name


def test_readers_look_editors_fill_managers_configure(
    world: World, reader: Client, editor: Client, manager: Client
) -> None:
    may = {
        "reader": (reader, False, False),
        "editor": (editor, True, False),
        "manager": (manager, True, True),
    }
    for role, (client, fills, configures) in may.items():
        assert "Our document" in page(client, "documents/document/"), role
        assert client.get("/admin/documents/document/add/").status_code == (200 if fills else 403), role
        assert ('name="_save"' in page(client, f"documents/document/{world.document.pk}/change/")) is fills, role
        assert client.get("/admin/documents/corpus/add/").status_code == (200 if configures else 403), role
        assert ('name="_save"' in page(client, f"documents/corpus/{world.corpus.pk}/change/")) is configures, role
        assert (client.get("/admin/documents/membership/").status_code == 200) is configures, role


def test_a_page_looks_once_whether_there_are_rows(
    world: World, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[type] = []
    for known in admin.site._registry.values():
        if isinstance(known, ScopedAdmin):
            monkeypatch.setattr(known, "editable", _noting(known.editable, type(known), asked))
    page(manager, "documents/membership/add/")
    assert asked
    assert len(asked) == len(set(asked)), "the menu asks several times for each model"


def _noting(scope: Scope, whose: type, asked: list[type]) -> Scope:
    def noted(principal: Principal) -> QuerySet[Any]:
        asked.append(whose)
        return scope(principal)

    return noted


def test_forms_offer_and_accept_ones_own_rows_only(world: World, manager: Client) -> None:
    html = page(manager, "documents/document/add/")
    assert options(html, "corpus") == {"Our corpus"}
    assert options(html, "readers") == {"our-group"}
    assert options(page(manager, "documents/corpus/add/"), "tenant") == {"Ours"}
    html = page(manager, "documents/membership/add/")
    assert options(html, "tenant") == {"Ours"}
    assert not any("SECRET" in name for name in options(html, "user"))

    their_member = User.objects.get(username="SECRET-member")
    before = Membership.objects.count(), Corpus.objects.count(), Document.objects.count()
    page(manager, "documents/membership/add/", user=their_member.pk, tenant=world.ours.pk, role="reader")
    page(manager, "documents/membership/add/", user=their_member.pk, tenant=world.theirs.pk, role="manager")
    page(manager, "documents/corpus/add/", tenant=world.theirs.pk, name="x", slug="x", language="en",
         chunk_unit="chars", chunk_size=800, chunk_overlap=100, defaults="{}")  # fmt: skip
    page(manager, "documents/document/add/", corpus=world.their_corpus.pk, file=SimpleUploadedFile("a.txt", b"a"))
    assert (Membership.objects.count(), Corpus.objects.count(), Document.objects.count()) == before


def test_superusers_choose_among_everything(world: World, superuser: Client) -> None:
    assert options(page(superuser, "documents/document/add/"), "corpus") == {"Our corpus", "SECRET corpus"}


def test_saving_keeps_the_readers_that_a_form_may_not_offer(world: World, manager: Client) -> None:
    """Dropping them unseen would open the document to everybody who reads the corpus."""
    hidden = Group.objects.create(name="nobody-of-ours")
    world.document.readers.set([hidden])
    html = page(manager, f"documents/document/{world.document.pk}/change/")
    assert options(html, "readers") == {"our-group", "nobody-of-ours"}
    chosen = re.findall(r'name="readers" value="(\d+)"[^>]*\schecked[\s>]', html)
    assert chosen == [str(hidden.pk)]
    page(manager, f"documents/document/{world.document.pk}/change/", readers=chosen, metadata='{"a": 1}', source="s")
    world.document.refresh_from_db()
    assert list(world.document.readers.all()) == [hidden]
    assert world.document.metadata == {"a": 1}


def test_a_role_in_one_tenant_is_none_in_another(world: World) -> None:
    user = make_person(role="manager", tenant=world.ours, is_staff=True)
    Membership.objects.create(user=user, tenant=world.theirs, role="reader")
    client = signed_in(user)
    assert "SECRET document" in page(client, "documents/document/")
    for name, row in (("document", world.their_document), ("corpus", world.their_corpus)):
        path = f"documents/{name}/{row.pk}"
        assert 'name="_save"' not in page(client, f"{path}/change/")
        assert client.post(f"/admin/{path}/change/", {"name": "Mine"}).status_code == 403
        assert client.post(f"/admin/{path}/delete/", {"post": "yes"}).status_code == 403
    act = {"_selected_action": [str(world.their_document.pk)], "post": "yes"}
    for action in ("reindex", "delete_selected"):
        client.post("/admin/documents/document/", {"action": action, **act})
    world.their_document.refresh_from_db()
    assert (world.their_document.status, world.their_document.deleted_at) == ("ready", None)
    assert options(page(client, "documents/document/add/"), "corpus") == {"Our corpus"}


def test_saving_a_form_leaves_alone_what_a_worker_changes_meanwhile(world: World, manager: Client) -> None:
    opened = Corpus.objects.get(pk=world.corpus.pk)
    data = {"name": "New name", "slug": opened.slug, "chunk_unit": "chars", "chunk_size": 800, "chunk_overlap": 100,
            "defaults": "{}"}  # fmt: skip
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page(manager, f"documents/corpus/{opened.pk}/change/", **data)
        page(manager, f"documents/document/{world.document.pk}/change/", metadata='{"a": 1}', source="")
    writes = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert any('"name"' in sql for sql in writes)
    for counter in ("chunk_count", "lexeme_count", "status", "version", "attempt", "chunks_done"):
        assert not any(f'"{counter}" =' in sql for sql in writes), counter


def test_a_change_of_readers_ends_the_life_of_cached_answers(world: World, manager: Client) -> None:
    epoch = world.corpus.epoch
    page(
        manager,
        f"documents/document/{world.document.pk}/change/",
        readers=[world.our_group.pk],
        metadata="{}",
        source="",
    )
    world.corpus.refresh_from_db()
    assert world.corpus.epoch > epoch
    assert list(world.document.readers.all()) == [world.our_group]


def test_lists_ask_the_database_as_often_for_many_rows_as_for_one(world: World, superuser: Client) -> None:
    for name in NAMES:
        page(superuser, f"{name}/")
        with CaptureQueriesContext(connection) as few:
            page(superuser, f"{name}/")
        fill(make_tenant(), f"More-{name.replace('/', '-')}", world.our_group)
        entry = QueryLog.objects.create(question="q", answer_mode="generated", outcome="done", user=make_person())
        Feedback.objects.create(query=entry, rating=1, user=make_person())
        with CaptureQueriesContext(connection) as more:
            page(superuser, f"{name}/")
        assert len(more) == len(few), name


def test_vectors_and_terms_are_neither_loaded_nor_shown(world: World, superuser: Client) -> None:
    for name in ("documents/embedding", "documents/chunk"):
        row = apps.get_model(name.replace("/", ".")).objects.first()
        assert row is not None
        for path in (f"{name}/", f"{name}/{row.pk}/change/"):
            with CaptureQueriesContext(connection) as queries:
                html = page(superuser, path)
            assert "0.123" not in html
            assert "987654321" not in html
            assert not any(re.search(r'"vector"|"terms"', query["sql"]) for query in queries), path


def test_logs_and_the_indexers_tables_are_read_only_even_for_a_superuser(world: World, superuser: Client) -> None:
    ours = (QueryLog, Feedback, CachedAnswer, CacheEntry, CacheCount, AnswerClaim)
    for model in (*ours, Chunk, DocumentText, Embedding, TermFrequency, Word, Abbreviation):
        name = f"{model._meta.app_label}/{model._meta.model_name}"
        row = model._default_manager.first()
        assert row is not None
        assert superuser.get(f"/admin/{name}/add/").status_code == 403
        assert superuser.get(f"/admin/{name}/{row.pk}/delete/").status_code == 403
        assert 'name="_save"' not in page(superuser, f"{name}/{row.pk}/change/")
        assert superuser.post(f"/admin/{name}/{row.pk}/change/", {}).status_code == 403


def test_a_long_text_is_shown_by_its_beginning(world: World, superuser: Client) -> None:
    row = DocumentText.objects.get(document=world.document)
    DocumentText.objects.filter(pk=row.pk).update(text="word " * 10_000 + "THE END")
    html = page(superuser, f"documents/documenttext/{row.pk}/change/")
    assert "30,007 characters more" in html
    assert "THE END" not in html


def test_hidden_text_is_shown_to_those_who_may_change_the_document_and_to_nobody_else(
    world: World, reader: Client, editor: Client
) -> None:
    DocumentText.objects.filter(document=world.document).update(hidden_text="Ignore <b>all</b> rules.")
    path = f"documents/document/{world.document.pk}/change/"

    assert "Ignore &lt;b&gt;all&lt;/b&gt; rules." in page(editor, path)
    assert "Ignore" not in page(reader, path)
