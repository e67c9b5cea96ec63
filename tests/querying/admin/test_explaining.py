"""The page that tries a question against a document: for who may change it, and nobody else."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import Settings

from documents.models import Document
from tests.documents.admin.cast import World, editor, manager, page, reader, superuser, world
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.stock import stock

__all__ = ["editor", "manager", "reader", "superuser", "world"]
pytestmark = pytest.mark.django_db
LEAVE = "Employees get 25 days of paid leave per calendar year."


@pytest.fixture
def document(world: World) -> Document:
    return stock(world.corpus, LEAVE, title="Handbook")


def path_of(document: Document) -> str:
    return f"querying/querylog/explain/{document.pk}/"


def asked(client: Client, document: Document, **fields: str) -> str:
    """Return the text of the page after a question, without its tags."""
    fields = {"question": QUESTION, "corpora": "own", "asked_by": "you", **fields}
    return " ".join(re.sub(r"<[^>]+>", " ", page(client, path_of(document), **fields)).split())


def test_an_editor_sees_how_far_a_document_came(editor: Client, document: Document) -> None:
    assert path_of(document) in page(editor, f"documents/document/{document.pk}/change/")
    assert path_of(document) in page(editor, f"documents/document/{document.pk}/passages/")
    words = asked(editor, document)
    assert "Found An answer to this question has a passage of this document." in words
    assert re.search(r"Its words 1 \d+\.\d\d Its meaning 1 0\.\d\d Both together 1 ", words)
    assert LEAVE in words


def test_the_reasons_are_named(editor: Client, world: World) -> None:
    Document.objects.filter(pk=world.document.pk).update(version=0, status="failed", error_detail="It is damaged.")
    words = asked(editor, world.document)
    assert "Not found" in words
    assert "Its indexing failed, and nothing of it can be found: It is damaged." in words


def test_only_who_may_change_the_document_gets_the_page(
    editor: Client, reader: Client, world: World, document: Document
) -> None:
    for client, of in [(reader, document), (editor, world.their_document)]:
        assert client.get(f"/admin/{path_of(of)}").status_code == 404
        assert client.post(f"/admin/{path_of(of)}", {"question": QUESTION}).status_code == 404
    assert Client().get(f"/admin/{path_of(document)}").status_code == 302
    assert path_of(document) not in page(reader, f"documents/document/{document.pk}/passages/")


def test_a_manager_asks_for_a_member_and_an_editor_for_themselves_only(
    editor: Client, manager: Client, world: World, document: Document
) -> None:
    rita = make_user(role="reader", tenant=document.tenant, username="rita", password=None)
    assert ">rita<" not in page(editor, path_of(document))
    assert "not one of the available choices" in asked(editor, document, asked_by="member:rita")
    document.readers.add(world.our_group)
    assert "rita may not read this document; its readers: our-group." in asked(
        manager, document, asked_by="member:rita"
    )
    rita.groups.add(*document.readers.all())
    assert "Found An answer" in asked(manager, document, asked_by="member:rita")
    assert "not one of the available choices" in asked(manager, document, asked_by="member:SECRET-member")


def test_a_visitor_is_told_apart(editor: Client, document: Document) -> None:
    words = asked(editor, document, asked_by="visitor")
    assert "A visitor who isn't signed in may not read the corpus" in words.replace("&#x27;", "'")


def test_a_question_that_is_too_long_is_refused_with_a_sentence(
    editor: Client, document: Document, settings: Settings
) -> None:
    settings.QUESTION_MAX_CHARS = 10
    assert "at most 10 characters" in asked(editor, document)


def test_passages_show_what_is_embedded_and_whether_they_have_a_vector(editor: Client, document: Document) -> None:
    shown = page(editor, f"documents/document/{document.pk}/passages/")
    assert f"Handbook\n{LEAVE}" in shown
    assert "with a vector" in shown
    without = stock(document.corpus, LEAVE, title="Other", embed=False)
    assert "without a vector" in page(editor, f"documents/document/{without.pk}/passages/")
