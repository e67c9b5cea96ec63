"""The forms of a document: a file for a corpus, and what may be changed of a document that is there."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from documents.admin.reader_forms import ReadersForm
from documents.admin.typed_fields import MetadataLines
from documents.models import Document
from documents.uploads.acceptance import known_bytes

HASH_BYTES = 256 * 1024


class DocumentForm(ReadersForm):
    """A document; what is kept as JSON has a line for each value."""

    metadata = MetadataLines(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}))


class UploadForm(DocumentForm):
    """A file for a corpus."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="PDF, Office (Microsoft, OpenDocument), Rich Text, HTML, Markdown, text, CSV, XML, e-mail or EPUB.",
    )
    title = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Empty: from the document itself, or its name.",
    )

    class Meta:
        model = Document
        fields = ["corpus", "title", "source", "readers", "metadata"]

    def clean(self) -> dict[str, Any]:
        """Return the data. A file that the corpus holds already would add nothing."""
        data = super().clean()
        if "file" in data and "corpus" in data:
            digest = hashlib.sha256()
            for piece in data["file"].chunks(HASH_BYTES):
                digest.update(piece)
            data["file"].seek(0)
            if known_bytes(data["corpus"], digest.hexdigest()) is not None:
                self.add_error("file", "The corpus holds this file already. If its indexing failed, reindex it.")
        return data
