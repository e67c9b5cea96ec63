"""Reads documents that are embedded in other documents, a few levels deep."""

from __future__ import annotations

import importlib
from pathlib import PurePosixPath

from documents.extraction import media_types
from documents.extraction.content import Content
from documents.extraction.failures import Unreadable

DEPTH_MAX = 3


def read_embedded(data: bytes, name: str, depth: int) -> Content | None:
    """Return what a document within another holds, None if it is of a kind that is not read here or damaged.

    `depth` is how many documents it lies in, 0 for the outermost.
    """
    if depth >= DEPTH_MAX:
        return None
    try:
        kind = media_types.recognise(data, suffix=PurePosixPath(name).suffix.lower())
        if kind == media_types.DOCX:
            content: Content = importlib.import_module("documents.extraction.office.docx").read(data, depth=depth + 1)
        elif kind in _READERS:
            content = importlib.import_module(_READERS[kind]).read(data)
        else:
            return None
    except Unreadable:
        return None
    return content


_READERS = {
    media_types.HTML: "documents.extraction.html.page",
    media_types.MARKDOWN: "documents.extraction.plain_text",
    media_types.PLAIN_TEXT: "documents.extraction.plain_text",
    media_types.CSV: "documents.extraction.plain_text",
    media_types.XML: "documents.extraction.xml_text",
    media_types.EMAIL: "documents.extraction.mail.message",
}
