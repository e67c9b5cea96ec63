"""`manage.py create_api_key` prints a key that works, once."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from documents.models import ApiKey
from tests.factories import make_corpus, make_user

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_api_key", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_key_is_printed_once_and_works() -> None:
    corpus = make_corpus(slug="handbook")
    user = make_user(role="reader", tenant=corpus.tenant, username="ann")
    secret = create("ann", "--name", "crm", "--scope", "query", "--scope", "ingest", "--expires-days", "30")
    key = ApiKey.objects.get()
    assert (key.user, key.name, key.scopes) == (user, "crm", ["ingest", "query"])
    assert key.expires_at is not None
    assert timedelta(days=29) < key.expires_at - timezone.now() <= timedelta(days=30)
    assert secret not in str(key.__dict__)
    response = APIClient().get("/api/v1/corpora/handbook", headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == 200


def test_a_key_only_asks_and_never_expires_unless_told_otherwise() -> None:
    make_user(username="ann")
    create("ann")
    key = ApiKey.objects.get()
    assert (key.scopes, key.expires_at) == (["query"], None)


@pytest.mark.parametrize(
    "arguments", [["nobody"], ["gone"], ["ann", "--scope", "admin"], ["ann", "--expires-days", "0"]]
)
def test_what_makes_no_sense_makes_no_key(arguments: list[str]) -> None:
    make_user(username="ann")
    make_user(username="gone", is_active=False)
    with pytest.raises(CommandError):
        create(*arguments)
    assert not ApiKey.objects.exists()
