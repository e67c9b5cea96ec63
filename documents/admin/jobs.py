"""What the queue does for documents: computed from the documents and the queue, so that nothing can be stuck unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from procrastinate.contrib.django.models import ProcrastinateJob

from documents.admin.document_progress import progress_rows
from documents.models import Document

SHOWN = 100  # of each kind
Status = Document.Status


@dataclass(frozen=True)
class Jobs:
    """The documents that are worked on, wait, or failed; of each kind the first ones, and how many there are."""

    running: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    running_count: int
    waiting_count: int
    failed_count: int

    @property
    def sections(self) -> list[tuple[str, str, list[dict[str, Any]], int]]:
        """Return (key, title, rows, how many there are) of each kind."""
        return [
            ("running", "Running", self.running, self.running_count),
            ("waiting", "Waiting", self.waiting, self.waiting_count),
            ("failed", "Failed", self.failed, self.failed_count),
        ]


def job_rows(documents: QuerySet[Document]) -> Jobs:
    """Return the jobs of these documents. One is running while a worker has its job, or began and isn't done."""
    lock = Concat(Value("document-"), Cast(OuterRef("pk"), CharField()))
    doing = ProcrastinateJob.objects.filter(lock=lock, status="doing")
    processing = documents.filter(status=Status.PROCESSING)
    running = processing.filter(Exists(doing)) | processing.filter(started_at__isnull=False)
    waiting = processing.filter(~Exists(doing), started_at=None)
    failed = documents.filter(status=Status.FAILED)
    return Jobs(
        _rows(running.order_by("started_at")),
        sorted(_rows(waiting.order_by("created_at")), key=lambda row: row["place"] or 0),
        _rows(failed.order_by("-created_at")),
        running.count(),
        waiting.count(),
        failed.count(),
    )


def _rows(documents: QuerySet[Document]) -> list[dict[str, Any]]:
    chosen = list(documents.select_related("corpus")[:SHOWN])
    by_id = {str(document.pk): document for document in chosen}
    return [
        {**row, "corpus": by_id[row["id"]].corpus, "attempts": by_id[row["id"]].attempt}
        for row in progress_rows(chosen)
    ]
