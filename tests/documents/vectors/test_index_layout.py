"""Vectors as text are short, and are the same vectors when they are read again."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from documents.vectors.index_layout import as_text


def hard_to_write() -> np.ndarray:
    """Return float32 that need all their digits, the smallest and largest, and plain ones."""
    drawn = np.random.default_rng(7).standard_normal(5000).astype(np.float32)
    limits = np.finfo(np.float32)
    edges = [0.0, -0.0, 1.0, 16777217.0, 0.1, 1 / 3, limits.tiny, limits.smallest_subnormal, limits.max, limits.eps]
    return np.concatenate([drawn, drawn * 1e-6, np.array(edges, dtype=np.float32)])


def test_every_number_comes_back_as_it_was() -> None:
    vector = hard_to_write()
    read = np.array([float(number) for number in as_text(vector).strip("[]").split(",")], dtype=np.float32)
    assert read.tobytes() == vector.tobytes()


@pytest.mark.django_db
def test_postgres_reads_the_same() -> None:
    vector = hard_to_write()[:1000]
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::vector::real[]", [as_text(vector)])
        assert np.array(cursor.fetchone()[0], dtype=np.float32).tobytes() == vector.tobytes()


def test_no_more_digits_are_written_than_a_float32_has() -> None:
    numbers = as_text(hard_to_write()).strip("[]").split(",")
    assert max(len(number.split("e")[0].strip("-").replace(".", "").lstrip("0")) for number in numbers) == 9
