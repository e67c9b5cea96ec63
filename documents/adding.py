"""Uploads on behalf of somebody: what the API and other forms share beyond `accept_upload`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from documents.access.policy import Principal, readable_documents
from documents.models import Corpus, Document
from documents.uploads.acceptance import BytesFile, accept_upload


def add_documents(
    principal: Principal,
    corpus: Corpus,
    files: Sequence[BytesFile],
    *,
    title: str = "",
    source: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> list[Document]:
    """Accept files into a corpus, and return their documents in the order of the files.

    Raises NotAllowed for bytes that the corpus has in a document which the principal may not read, and what
    `accept_upload` raises. Files before that one are in.
    """
    readable = readable_documents(principal)
    return [
        accept_upload(
            corpus,
            file=file,
            name=file.name or "",
            title=title,
            source=source,
            metadata=metadata,
            readable=readable,
        ).document
        for file in files
    ]
