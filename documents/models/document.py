"""A file and the text that was found in it."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import Group
from django.db import models

from documents.models.corpus import Corpus
from documents.models.tenant import Tenant
from documents.text.extraction_notes import Note, message_of
from documents.text.names import name_to_show


class Document(models.Model):
    """A file of a corpus, and how far its indexing is.

    A document is found by questions once `version` is above 0, whatever its status: while it is indexed anew, and
    when that fails, the version before stays.
    """

    class Status(models.TextChoices):
        """processing: waiting for a worker or being worked on."""

        PROCESSING = "processing"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="documents", editable=False)
    corpus = models.ForeignKey(Corpus, on_delete=models.CASCADE, related_name="documents")
    title = models.CharField(max_length=500)
    source = models.CharField(
        max_length=1000, blank=True, help_text="Where it came from: a file name, path or address."
    )
    file_key = models.CharField(max_length=200, editable=False)  # a random name in the storage
    sha256 = models.CharField(max_length=64, editable=False)
    media_type = models.CharField(max_length=100, blank=True, editable=False)
    size_bytes = models.PositiveBigIntegerField(default=0, editable=False)
    readers = models.ManyToManyField(
        Group,
        blank=True,
        help_text="Empty: whoever may read the corpus. Else only these groups of the tenant (and managers).",
    )
    metadata = models.JSONField(
        default=dict, blank=True, help_text="Free key-value pairs; questions can filter by them."
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROCESSING, editable=False)
    error_code = models.CharField(max_length=50, blank=True, editable=False)
    error_detail = models.CharField(max_length=1000, blank=True, editable=False)
    # Every run of the indexer takes the next attempt, writes under it, and may finish only while it is the newest.
    attempt = models.PositiveIntegerField(default=0, editable=False)
    crashes = models.PositiveSmallIntegerField(default=0, editable=False)  # runs that ended without a word
    version = models.PositiveIntegerField(default=0, editable=False)  # the attempt whose chunks are searched; 0: none
    chunks_total = models.PositiveIntegerField(default=0, editable=False)
    chunks_done = models.PositiveIntegerField(default=0, editable=False)
    pages = models.PositiveIntegerField(null=True, editable=False)
    # While scanned pages are recognised (OCR): how many are done, of how many.
    ocr_pages_done = models.PositiveIntegerField(default=0, editable=False)
    ocr_pages_total = models.PositiveIntegerField(default=0, editable=False)
    # What its reader left out or mended: [code, count] or [code, count, pages], codes of extraction.notes.
    notes = models.JSONField(default=list, editable=False)
    is_partial = models.BooleanField(
        "partial", default=False, editable=False, help_text="Text of the file is missing; its notes say what."
    )
    started_at = models.DateTimeField(null=True, editable=False)
    indexed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["corpus", "sha256"],
                condition=models.Q(deleted_at=None),
                name="document_bytes_once_in_corpus",
            ),
        ]
        indexes = [
            # The list of a tenant's newest documents.
            models.Index("tenant", models.F("created_at").desc(), name="idx_documents_tenant_created"),
            # The admin's list, whoever looks at it: the newest of all that may be read.
            models.Index(
                models.F("created_at").desc(), name="idx_documents_created", condition=models.Q(deleted_at=None)
            ),
            # `ingest` asks whether a path is known.
            models.Index(fields=["corpus", "source"], name="idx_documents_source"),
        ]

    def __str__(self) -> str:
        return name_to_show(self.title, self.source)

    def notes_in_words(self) -> list[str]:
        """Return what its reader left out or mended, a sentence each."""
        return [message_of(Note(code, count, *map(tuple, pages))) for code, count, *pages in self.notes]


class DocumentText(models.Model):
    """The whole text of one version of a document: what chunks are cut from, and what a reader sees around a quote."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="texts")
    version = models.PositiveIntegerField()
    text = models.TextField()
    # Offset in `text` where each page begins; page n starts at page_starts[n - 1]. Empty: the format has no pages.
    page_starts = models.JSONField(default=list)
    hidden_text = models.TextField(default="", blank=True)  # what no reader of the file can see; it is not searched

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "version"], name="one_text_per_version")]

    def __str__(self) -> str:
        return f"{self.document_id} version {self.version}"
