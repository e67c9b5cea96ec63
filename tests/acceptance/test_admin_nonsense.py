"""No address of the admin makes a 500, whatever is in it: ids of other kinds, unknown filters, odd pages."""

from __future__ import annotations

import uuid

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client

pytestmark = pytest.mark.django_db

IDS = ["x", "-1", "9" * 400, "%00", str(uuid.UUID(int=0)), "1/2"]
QUERIES = [
    "e=1", "p=x", "p=-1", "p=99999999999999999999", "o=x", "o=99.-99", "all=x", "q=%00", "q=" + "x" * 3000, "nothing=1",
    "id__exact=x", "pk=x", "pk__in=x,y", "id__gte=" + "9" * 400, "created_at__gte=x", "corpus=x", "tenant=x", "user=x",
    "corpus__id__exact=x", "status__exact=%00", "created_at__year=x", "_to_field=x", "_to_field=id&_popup=1",
    "_changelist_filters=%00", "answer_mode=%00", "is_public__exact=x", "created_at__day=99", "kind__exact=%00",
    "created_at__year=0&created_at__month=99", "at__year=0&at__month=99",
]  # fmt: skip
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root", password="a-long-password"))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_address_of_a_model_makes_a_500(model: type[Model], root: Client) -> None:
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    paths = [f"{base}?{query}" for query in QUERIES]
    paths += [f"{base}{value}/{page}/" for value in IDS for page in ("change", "delete", "history")]
    paths += [f"{base}{value}/" for value in IDS]
    failed = [path[:100] for path in paths if root.get(path).status_code >= 500]
    failed += [f"POST {value}" for value in IDS if root.post(f"{base}{value}/delete/").status_code >= 500]
    assert failed == []


def test_the_link_to_an_object_of_any_type_leads_nowhere_for_nonsense(root: Client) -> None:
    for model in apps.get_models():
        kind = ContentType.objects.get_for_model(model)
        for value in IDS:
            assert root.get(f"/admin/r/{kind.pk}/{value}/").status_code in {301, 302, 404}, (model, value)
    for nonsense in ["x", "9" * 400, "-1"]:
        assert root.get(f"/admin/r/{nonsense}/{uuid.UUID(int=0)}/").status_code == 404


@pytest.mark.parametrize(
    "query",
    ["", "app_label=x&model_name=y&field_name=z", "term=%00&app_label=documents&model_name=document&field_name=x"],
)
def test_autocomplete_refuses_nonsense(root: Client, query: str) -> None:
    assert root.get(f"/admin/autocomplete/?{query}").status_code in {403, 404}


def test_a_mistake_of_ours_is_still_an_error(root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> object:
        raise KeyError("a mistake")

    monkeypatch.setattr(admin.ModelAdmin, "get_changelist_instance", fail)
    assert root.get("/admin/documents/corpus/").status_code == 500
