"""Home page of the admin: state of the corpora, questions of today, and tasks that need somebody to act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from documents.access.policy import Principal, editable_documents, readable_corpora, readable_documents
from documents.admin.scoping import is_superuser, manageable_corpora, principal_of
from documents.indexing.queue import INDEX_TASK
from documents.models import Corpus, Document
from monitoring.health.services import check_ollama, check_postgres, check_redis
from querying.admin.cache_report import overview_of
from querying.cachestore.hit_counters import QUESTIONS, Rate
from querying.log_access import visible_questions
from querying.models import Feedback

CORPORA_SHOWN = 50
SILENT_SECONDS = 120  # since a worker's last heartbeat
Status = Document.Status


@dataclass(frozen=True)
class CorpusLine:
    """A corpus, and how many of its documents are in which state."""

    corpus: Corpus
    ready: int
    working: int
    failed: int

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.ready + self.working + self.failed


@dataclass(frozen=True)
class Matter:
    """A task that needs somebody to act, with the button that does it."""

    text: str
    button: str = ""
    url: str = ""
    is_post: bool = False  # the button changes something
    look: str = ""  # where to look first


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of the home page: of what this user may see, and nothing else."""
    principal = principal_of(request)
    lines = corpus_lines(principal)
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    managed = manageable_corpora(principal)
    manages = managed.exists()
    return {
        **context,
        "title": "Home",
        "lines": lines,
        "more_corpora": len(lines) == CORPORA_SHOWN,
        "documents": sum(line.total for line in lines),
        "manages": manages,
        "asked_today": visible_questions(principal).filter(created_at__gte=today).count() if manages else None,
        "hit_rate": _hit_rate(managed) if manages else None,
        "services": [
            ("Database", check_postgres()),
            ("Language model", check_ollama()),
            ("Shared cache", check_redis()),
        ],
        "matters": list(_matters(principal, lines, today, is_operator=is_superuser(request))),
    }


def corpus_lines(principal: Principal) -> list[CorpusLine]:
    """Return a line for each corpus that may be asked, with the documents that may be read: two queries."""
    corpora = list(readable_corpora(principal).select_related("tenant")[:CORPORA_SHOWN])
    counted = (
        readable_documents(principal)
        .filter(corpus__in=corpora)
        .order_by()
        .values("corpus")
        .annotate(
            ready=Count("pk", filter=Q(status=Status.READY)),
            working=Count("pk", filter=Q(status=Status.PROCESSING)),
            failed=Count("pk", filter=Q(status=Status.FAILED)),
        )
    )
    by_corpus = {row["corpus"]: row for row in counted}
    nothing = {"ready": 0, "working": 0, "failed": 0}
    found = [(corpus, by_corpus.get(corpus.pk, nothing)) for corpus in corpora]
    return [CorpusLine(corpus, row["ready"], row["working"], row["failed"]) for corpus, row in found]


def _hit_rate(corpora: QuerySet[Corpus]) -> Rate:
    days = [line.day for line in overview_of(corpora)]
    return Rate(QUESTIONS, sum(rate.hits for rate in days), sum(rate.misses for rate in days))


def _matters(principal: Principal, lines: list[CorpusLine], today: datetime, *, is_operator: bool) -> Iterator[Matter]:
    documents = reverse("admin:documents_document_changelist")
    editable = editable_documents(principal)
    failed = editable.filter(status=Status.FAILED).count()
    if failed:
        yield Matter(
            f"{failed:,} {'document' if failed == 1 else 'documents'} could not be read or indexed.",
            "Try again",
            reverse("admin:documents_document_retry_failed"),
            is_post=True,
            look=f"{documents}?status__exact=failed",
        )
    if editable.filter(status=Status.PROCESSING).exists() and not _workers_are_there():
        yield Matter(
            "Documents are waiting, and no worker is running that could index them."
            + ("" if is_operator else " Tell the administrator of this server."),
            look=reverse("admin:documents_document_jobs"),
        )
    held_up = editable.filter(status=Status.PROCESSING).exclude(error_code="").count()
    if held_up:
        yield Matter(
            f"{held_up:,} documents wait for the embedding model. They go on by themselves when it is back.",
            look=f"{documents}?status__exact=processing",
        )
    if is_operator and not check_ollama().healthy:
        yield Matter("The language model does not answer.", look=reverse("admin:monitoring_switch_changelist"))
    questions = visible_questions(principal)
    bad = Feedback.objects.filter(rating=Feedback.Rating.BAD, created_at__gte=today - timedelta(days=6))
    unhappy = bad.filter(query__in=questions.values("pk")).count()
    if unhappy:
        yield Matter(
            f"{unhappy:,} {'answer was' if unhappy == 1 else 'answers were'} called wrong within a week.",
            look=f"{reverse('admin:querying_feedback_changelist')}?rating__exact=-1",
        )
    empty = [line.corpus for line in lines if not line.total and not line.corpus.is_demo]
    for corpus in manageable_corpora(principal).filter(pk__in=[each.pk for each in empty[:5]]):
        yield Matter(
            f"{corpus.name} has no documents yet.",
            "Upload",
            f"{reverse('admin:documents_document_upload')}?corpus={corpus.pk}",
        )


def _workers_are_there() -> bool:
    """Return whether a worker has been heard of lately, or is at work."""
    heard = ProcrastinateWorker.objects.filter(last_heartbeat__gte=Now() - timedelta(seconds=SILENT_SECONDS))
    return bool(heard.exists() or ProcrastinateJob.objects.filter(task_name=INDEX_TASK, status="doing").exists())
