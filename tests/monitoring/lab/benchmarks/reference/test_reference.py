"""The server that is measured beside a constant, and beside no pool; and the product, which knows neither."""

from __future__ import annotations

import json

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from monitoring.lab.benchmarks.reference import settings as reference_settings
from monitoring.lab.benchmarks.reference import unpooled_settings
from ragsite import settings as product

CONSTANT = "/benchmark/constant"


@pytest.mark.django_db
def test_the_product_has_no_constant_view(client: Client) -> None:
    assert client.post(CONSTANT, "{}", content_type="application/json").status_code == 404


@pytest.mark.django_db
def test_the_measured_server_has_it_and_everything_else(client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = reference_settings.ROOT_URLCONF
    reply = client.post(CONSTANT, "{}", content_type="application/json")
    assert reply.status_code == 200
    assert 1300 < len(json.dumps(reply.json())) < 1700
    assert client.get("/health/live").status_code == 200


def test_its_settings_are_the_products_but_for_the_routes() -> None:
    differing = {
        name for name in dir(product) if name.isupper() and getattr(product, name) != getattr(reference_settings, name)
    }
    assert differing == {"ROOT_URLCONF"}


def test_the_one_without_a_pool_takes_it_from_nobody_else() -> None:
    assert "pool" not in unpooled_settings.DATABASES["default"]["OPTIONS"]
    assert "pool" in product.DATABASES["default"]["OPTIONS"]
    assert "pool" in django_settings.DATABASES["default"]["OPTIONS"]
    differing = {
        name for name in dir(product) if name.isupper() and getattr(product, name) != getattr(unpooled_settings, name)
    }
    assert differing == {"DATABASES"}
