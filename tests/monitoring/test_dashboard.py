"""The home page of the admin shows what somebody may see, and what waits for them."""

from __future__ import annotations

import pytest
from django.test import Client

from documents.models import Document
from querying.models import Feedback, QueryLog
from tests.documents.admin.cast import World, editor, manager, page, reader, superuser, world

__all__ = ["editor", "manager", "reader", "superuser", "world"]
pytestmark = pytest.mark.django_db


def test_a_manager_sees_the_own_tenant_and_what_to_do_there(world: World, manager: Client) -> None:
    Document.objects.update(status="failed")
    ours = QueryLog.objects.create(question="Ours?", corpus_ids=[world.corpus.pk], answer_mode="cached", outcome="done")
    both = [world.corpus.pk, world.their_corpus.pk]
    QueryLog.objects.create(question="SECRET?", corpus_ids=both, answer_mode="cached", outcome="done")
    Feedback.objects.create(query=ours, rating=-1, comment="Old.")
    html = page(manager, "")
    assert "1 document could not be read" in html
    assert "1 answer was called wrong" in html
    assert "Our corpus" in html and "SECRET" not in html
    context = manager.get("/admin/").context
    assert (context["documents"], context["asked_today"]) == (1, 1)
    assert [(line.ready, line.working, line.failed) for line in context["lines"]] == [(0, 0, 1)]
    log = page(manager, "querying/querylog/")
    assert "Ours?" in log and "SECRET" not in log
    assert "Old." in page(manager, "querying/feedback/")


def test_waiting_without_a_worker_is_told(world: World, editor: Client) -> None:
    assert "no worker is running" not in page(editor, "")
    Document.objects.filter(pk=world.document.pk).update(status="processing")
    assert "no worker is running" in page(editor, "")


def test_a_reader_is_asked_to_do_nothing_and_sees_no_questions(world: World, reader: Client) -> None:
    Document.objects.update(status="failed")
    html = page(reader, "")
    assert "Try again" not in html and "Questions today" not in html
    for name in ("Users", "Model servers", "Upload", "Questions"):
        assert f"<span>{name}</span>" not in html, name


def test_operations_are_for_superusers_and_internal_tables_for_nobodys_navigation(
    manager: Client, superuser: Client
) -> None:
    theirs, all_of_it = page(manager, ""), page(superuser, "")
    for name in ("Users", "Model servers", "Sign-in attempts"):
        assert f"<span>{name}</span>" in all_of_it
        assert f"<span>{name}</span>" not in theirs
    for name in ("Term frequenc", "rocrastinate", "Epoch", "Lexeme"):
        assert name not in all_of_it
        assert name not in page(superuser, "documents/")
