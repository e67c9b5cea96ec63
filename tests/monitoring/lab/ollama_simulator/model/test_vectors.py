"""Near texts are near, at every length of vector."""

from __future__ import annotations

import json

import numpy as np
import pytest

from monitoring.lab.ollama_simulator.model.vectors import as_base64, as_json, embed_texts, shortened

DIMENSIONS = [32, 256, 384, 768, 1024]


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_near_texts_are_near(dimensions: int) -> None:
    dog, puppy, market = embed_texts(
        ["The dog runs in the park.", "A puppy is running through a garden.", "Shares fell on the stock market."],
        dimensions,
    )
    assert dog @ puppy > dog @ market + 0.15


def test_angles_are_kept_by_every_length_from_256_on() -> None:
    texts = ["the cat", "a kitten", "stock market crash"]
    own = embed_texts(texts, 256)
    for dimensions in (384, 768, 1024):
        turned = embed_texts(texts, dimensions)
        assert turned @ turned.T == pytest.approx(own @ own.T, abs=1e-5)


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_every_text_has_a_unit_vector_of_its_own(dimensions: int) -> None:
    found = embed_texts(["", "北京", "\x00", "zzqx " * 3, "the"], dimensions)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_task_prefixes_do_not_draw_texts_together() -> None:
    bare, *prefixed = embed_texts(
        ["the cat", "search_query: the cat", "search_document: the cat", "title: none | text: the cat"], 768
    )
    assert all(bare @ each > 0.99 for each in prefixed)


def test_written_vectors_are_read_back_the_same() -> None:
    found = embed_texts(["the cat", "rain"], 768)
    assert np.array(json.loads(as_json(found)), dtype=np.float32).tolist() == found.tolist()
    assert len(as_base64(found[0])) == 4096
    assert shortened(found, None) is found
