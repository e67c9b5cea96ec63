"""No row of a test that commits is found by the next one."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from procrastinate.contrib.django.models import ProcrastinateJob

from documents.indexing.queue import reindex_document
from tests import emptying
from tests.querying.library import make_library


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("many_bytes", [emptying.MANY_BYTES, 0], ids=["deleted", "truncated"])
def test_all_rows_are_gone_but_those_that_say_what_is_installed(
    many_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emptying, "MANY_BYTES", many_bytes)
    installed = Permission.objects.count(), ContentType.objects.count()
    reindex_document(make_library().documents.earliest("pk"))
    assert ProcrastinateJob.objects.exists()
    emptying.empty_all_tables()
    models = [model for model in apps.get_models() if model not in {Permission, ContentType}]
    assert [model.__name__ for model in models if model._default_manager.exists()] == []
    assert (Permission.objects.count(), ContentType.objects.count()) == installed
    assert min(installed) > 10
