"""Real documents of many producers, each against its line in the folder's manifest.

RAGSITE_EVALUATION_DATA names the folder above `documents/`; without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from documents.extraction import Extracted, ExtractionFailed, extract
from documents.extraction.failures import REASONS
from documents.text.chunking import cut
from documents.text.normalization import normalise

REFERENCE_SHARE = 0.8  # of the characters that a reference reader finds
CODES = {"needs-password": {"encrypted"}, "no-text": {"no_text"}, "empty": {"empty"}, "broken": {"broken", "encrypted"}}


def _folder() -> Path | None:
    root = os.environ.get("RAGSITE_EVALUATION_DATA")
    folder = Path(root) / "documents" if root else None
    return folder if folder and (folder / "manifest.jsonl").exists() else None


FOLDER = _folder()
LINES = [json.loads(line) for line in (FOLDER / "manifest.jsonl").read_text().splitlines()] if FOLDER else []
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="RAGSITE_EVALUATION_DATA names no folder with documents/manifest.jsonl"
)


@pytest.mark.parametrize("expected", LINES or [None], ids=lambda expected: expected["file"] if expected else "none")
def test_a_document_meets_its_line(expected: dict[str, Any]) -> None:
    assert FOLDER
    try:
        read = extract(FOLDER / expected["file"], name=expected["file"])
    except ExtractionFailed as refused:
        assert refused.code in CODES.get(expected["expect"], set())
        assert (refused.code, refused.message) in REASONS.values()
    else:
        assert expected["expect"] in {"text", "empty-password", "broken", "unsupported-ok"}
        assert len(read.text) >= REFERENCE_SHARE * expected.get("reference_chars", 0)
        for phrase in expected.get("must_contain", []):
            assert _flat(phrase) in _flat(read.text)
        for phrase in expected.get("should_not_contain", []):
            assert _flat(phrase) not in _flat(read.text)
        _is_consistent(read, pages=expected.get("pages"))


def _is_consistent(read: Extracted, *, pages: int | None) -> None:
    """What later stages rely on: normalised text, a start for each page, pieces that are spans."""
    assert normalise(read.text) == read.text
    assert not pages or len(read.page_starts) == pages
    for piece in cut(read.text, page_starts=read.page_starts, size=800, overlap=100, markdown=read.markdown):
        assert piece.text == read.text[piece.start : piece.end]


def _flat(text: str) -> str:
    """Return text in NFC on one line."""
    return " ".join(unicodedata.normalize("NFC", text).split())
