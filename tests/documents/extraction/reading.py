"""Short ways to read a document in tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from documents.extraction import Extracted, ExtractionFailed, extract
from documents.extraction.child import reader_of
from documents.extraction.content import Assembled, assemble
from documents.extraction.media_types import recognise


def read_here(data: bytes, suffix: str = "") -> Assembled:
    """Return the text of a document, read in this process."""
    return assemble(reader_of(recognise(data, suffix=suffix))(data), max_chars=10**8)


def read_in_child(data: bytes, name: str = "file", **options: str) -> Extracted:
    """Return what `extract` makes of a document."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return extract(Path(file.name), name=name, **options)


def refusal_of(data: bytes, name: str = "file", **options: str) -> ExtractionFailed:
    """Return why `extract` refuses a document."""
    with pytest.raises(ExtractionFailed) as refused:
        read_in_child(data, name, **options)
    return refused.value
