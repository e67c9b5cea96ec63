"""Documents: a file, how far its indexing is, and the text that was found in it."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from documents.models.corpus import Corpus
from documents.models.tenant import Tenant
from documents.text.extraction_notes import Note, message_of
from documents.text.names import name_to_show

ERROR_DETAIL_MAX_CHARS = 1000
WAITING_FOR_MODEL = "waiting_for_model"
CRASHED_WORKER = "crashed_worker"
INTERNAL_ERROR = "internal_error"
_PARKED = {
    CRASHED_WORKER: "This file stopped the indexer three times and was set aside. Save it again in its program, or "
    "convert it (to PDF, for example), and upload that.",
    INTERNAL_ERROR: "Something went wrong on our side, three times. Tell the operator; `reindex` tries again.",
}


class Document(models.Model):
    """A file of a corpus, and how far its indexing is.

    Questions find a document once `version` is above 0, whatever its status: while it is indexed again, and when that
    fails, they find the version before.
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
    error_detail = models.CharField(max_length=ERROR_DETAIL_MAX_CHARS, blank=True, editable=False)
    # Every run of the indexer takes the next attempt, writes under it, and may finish only while it is the newest.
    attempt = models.PositiveIntegerField(default=0, editable=False)
    crashes = models.PositiveSmallIntegerField(default=0, editable=False)  # runs that ended without a result
    version = models.PositiveIntegerField(default=0, editable=False)  # the attempt whose chunks are searched; 0: none
    chunks_total = models.PositiveIntegerField(default=0, editable=False)
    chunks_done = models.PositiveIntegerField(default=0, editable=False)
    pages = models.PositiveIntegerField(null=True, editable=False)
    # While scanned pages are recognised (OCR): how many are done, of how many.
    ocr_pages_done = models.PositiveIntegerField(default=0, editable=False)
    ocr_pages_total = models.PositiveIntegerField(default=0, editable=False)
    # What its extractor left out or mended: [code, count] or [code, count, pages], codes of extraction_notes.
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
            # The admin's list: the newest of all documents, before it is limited to those that may be read.
            models.Index(
                models.F("created_at").desc(), name="idx_documents_created", condition=models.Q(deleted_at=None)
            ),
            # `ingest` asks whether a path is known.
            models.Index(fields=["corpus", "source"], name="idx_documents_source"),
        ]

    def __str__(self) -> str:
        return name_to_show(self.title, self.source)

    def notes_in_words(self) -> list[str]:
        """Return what its extractor left out or mended, a sentence each."""
        return [message_of(Note(code, count, *map(tuple, pages))) for code, count, *pages in self.notes]

    def of_this_run(self) -> models.QuerySet[Document]:
        """Return the stored row while the run `attempt` is the newest one; no row after that, or once it is deleted."""
        return Document.objects.filter(pk=self.pk, attempt=self.attempt, deleted_at=None)

    def mark_failed(self, code: str, message: str) -> bool:
        """Store that this run failed and why; return False, with nothing stored, when it was overtaken."""
        failed = self.of_this_run().update(
            status=Document.Status.FAILED, error_code=code, error_detail=message[:ERROR_DETAIL_MAX_CHARS]
        )
        return bool(failed)

    def park(self, code: str) -> bool:
        """Set the document aside, because it crashed its worker or hit a bug too often; see `mark_failed`."""
        return self.mark_failed(code, _PARKED[code])

    def wait_for_model(self, message: str) -> None:
        """Store that this run waits for the embedding model, and what the model's server answered."""
        detail = f"Indexing goes on by itself when the embedding model is back. {message}"
        self.of_this_run().update(error_code=WAITING_FOR_MODEL, error_detail=detail[:ERROR_DETAIL_MAX_CHARS])

    def erase(self) -> None:
        """Remove all that the row says of the file, and store it as deleted: id, hash and times stay."""
        self.title = self.source = self.file_key = self.media_type = ""
        self.error_code = self.error_detail = ""
        self.metadata = {}
        self.pages = None
        self.notes = []
        self.is_partial = False
        self.size_bytes = self.version = self.chunks_total = self.chunks_done = 0
        self.deleted_at = timezone.now()
        self.save()


class DocumentText(models.Model):
    """The whole text of one version of a document: what chunks are cut from, and what is shown around a quote."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="texts")
    version = models.PositiveIntegerField()
    text = models.TextField()
    # Offset in `text` where each page begins; page n starts at page_starts[n - 1]. Empty: the format has no pages.
    page_starts = models.JSONField(default=list)
    hidden_text = models.TextField(default="", blank=True)  # what nobody who opens the file can see; it is not searched

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "version"], name="one_text_per_version")]

    def __str__(self) -> str:
        return f"{self.document_id} version {self.version}"
