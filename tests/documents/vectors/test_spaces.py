from __future__ import annotations

import numpy as np
import pytest
from django.db import connection
from pytest_django import Settings

from documents.models import Embedding, EmbeddingSpace
from documents.vectors.spaces import ensure_index, fix_dimensions, has_index, live_space_of
from tests.factories import make_corpus
from tests.stock import stock


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_the_first_document_makes_the_space_of_what_is_configured(settings: Settings) -> None:
    corpus = make_corpus(with_space=False)
    space = live_space_of(corpus)
    assert (space.provider, space.model, space.dimensions) == ("embedded", "wordllama", 256)
    assert live_space_of(corpus) == space
    settings.OLLAMA_BASE_URLS = ["http://127.0.0.1:1"]
    settings.EMBED_MODEL = "bge-m3"
    other = live_space_of(make_corpus(with_space=False))
    assert (other.provider, other.model, other.dimensions) == ("ollama", "bge-m3", None)
    assert live_space_of(corpus) == space  # one that exists stays what it is


@pytest.mark.django_db
def test_only_the_live_space_counts() -> None:
    corpus = make_corpus(with_space=False)
    EmbeddingSpace.objects.create(corpus=corpus, provider="embedded", model="wordllama", status="shadow")
    assert live_space_of(corpus).status == "live"


@pytest.mark.django_db
def test_vectors_of_another_length_do_not_change_a_space() -> None:
    space = live_space_of(make_corpus())
    with pytest.raises(Exception, match="256"):
        fix_dimensions(space, np.ones((1, 8)), expected=1)
    space.refresh_from_db()
    assert space.dimensions == 256


@pytest.fixture
def large(transactional_db: None, settings: Settings) -> EmbeddingSpace:
    """A space above the threshold, which is low here."""
    settings.EXACT_SCAN_MAX_CHUNKS = 3
    corpus = make_corpus()
    stock(corpus, "one", "two", "three", "four")
    return live_space_of(corpus)


def test_a_large_space_gets_its_own_index_and_a_retired_one_loses_it(large: EmbeddingSpace) -> None:
    assert not has_index(large)
    ensure_index(large)
    assert has_index(large)
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [large.index_name])
        definition = cursor.fetchone()[0]
    assert "halfvec(256)" in definition
    assert f"(space_id = {large.pk})" in definition
    ensure_index(large)  # nothing to do
    large.status = EmbeddingSpace.Status.RETIRED
    ensure_index(large)
    assert not has_index(large)


def test_a_small_space_has_no_index(large: EmbeddingSpace, settings: Settings) -> None:
    ensure_index(large)
    settings.EXACT_SCAN_MAX_CHUNKS = 10
    ensure_index(large)
    assert not has_index(large)


def test_an_index_whose_building_was_stopped_is_built_again(large: EmbeddingSpace) -> None:
    ensure_index(large)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [large.index_name])
    assert not has_index(large)
    ensure_index(large)
    assert has_index(large)
    large.status = EmbeddingSpace.Status.RETIRED
    ensure_index(large)


def test_building_an_index_leaves_the_limits_of_the_connection_as_they_were(large: EmbeddingSpace) -> None:
    before = (setting("statement_timeout"), setting("lock_timeout"))
    ensure_index(large)
    assert (setting("statement_timeout"), setting("lock_timeout")) == before
    large.status = EmbeddingSpace.Status.RETIRED
    ensure_index(large)


def test_index_settings_are_used(large: EmbeddingSpace) -> None:
    large.index_settings = {"m": 8, "ef_construction": 32}
    ensure_index(large)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [large.index_name])
        assert cursor.fetchone()[0] == ["m=8", "ef_construction=32"]
    large.status = EmbeddingSpace.Status.RETIRED
    ensure_index(large)


@pytest.mark.django_db
def test_a_vector_is_stored_in_its_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attstorage FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = 'vector'",
            [Embedding._meta.db_table],
        )
        assert cursor.fetchone()[0] in {"p", b"p"}
