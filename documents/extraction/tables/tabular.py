"""Reads CSV and similar formats."""

from __future__ import annotations

import csv

from documents.extraction.content import Content
from documents.extraction.encodings.decoding import decode_counted
from documents.extraction.tables.delimited import find_delimiter, read_rows
from documents.extraction.tables.model import describe_rows
from documents.text.extraction_notes import repaired

_HEAD_CHARS = 20_000


def read(data: bytes) -> Content:
    """Return a line per row with the names of its columns; the text as it is where it can't be read as rows."""
    decoded = decode_counted(data)
    text, notes = decoded.text, repaired(decoded.repaired)
    delimiter = find_delimiter(text[:_HEAD_CHARS], is_expected=True)
    if delimiter is None:
        return Content([text], notes=notes)
    try:
        return Content(["\n".join(describe_rows(read_rows(text, delimiter)))], notes=notes)
    except csv.Error:
        return Content([text], notes=notes)
