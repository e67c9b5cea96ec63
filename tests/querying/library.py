"""A small library to ask questions of, indexed as users' documents are."""

from __future__ import annotations

from typing import Any

from documents.indexing.pipeline import index_document
from documents.models import Corpus, Document
from tests.factories import make_corpus
from tests.uploads import upload

HANDBOOK = """Staff handbook

Employees get 25 days of paid leave per calendar year. Unused days are kept until the end of March.

The office in Hamburg opens at nine o'clock. The canteen serves lunch from noon until two.

Business trips of more than 300 kilometres are booked by rail. Flights need the approval of a director.
"""
PARKING = """Parking rules

Employees park for free behind the main building. Visitors pay two euros per hour at the gate machine.

Bicycles are locked in the yard, never in the stairwell.
"""


def make_library(*, is_public: bool = True, **fields: Any) -> Corpus:
    """Return a corpus with two indexed documents."""
    corpus = make_corpus(is_public=is_public, **fields)
    add_document(corpus, HANDBOOK, "handbook.txt")
    add_document(corpus, PARKING, "parking.txt")
    corpus.refresh_from_db()
    return corpus


def add_document(corpus: Corpus, text: str, name: str) -> Document:
    """Return a document that is indexed."""
    document = upload(corpus, text, name)
    assert index_document(document.pk) == "ready"
    return document
