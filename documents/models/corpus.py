"""Stores corpora: sets of documents that a question searches together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from documents.models.tenant import Tenant

if TYPE_CHECKING:
    from documents.models.space import EmbeddingSpace


_TOGETHER = "_live_space_read_together"


def default_chunk_size() -> int:
    """Return CHUNK_SIZE_CHARS as it is when a corpus is created."""
    return int(settings.CHUNK_SIZE_CHARS)


def default_chunk_overlap() -> int:
    """Return CHUNK_OVERLAP_CHARS as it is when a corpus is created."""
    return int(settings.CHUNK_OVERLAP_CHARS)


class Corpus(models.Model):
    """A set of documents with one language, one way of chunking, and one live embedding space."""

    class ChunkUnit(models.TextChoices):
        """What chunk_size and chunk_overlap count."""

        CHARS = "chars"
        TOKENS = "tokens"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="corpora")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=100)
    language = models.CharField(
        max_length=10, default="en", help_text="ISO 639-1 code; decides stemming and stop words. 'xx': none."
    )
    is_public = models.BooleanField(
        default=False, help_text="Anybody may ask, without an account. Not together with readers."
    )
    is_demo = models.BooleanField(
        "demo",
        default=False,
        db_default=False,
        help_text="Something to try ragsite with: asked only by its name once there is another corpus with documents.",
    )
    readers = models.ManyToManyField(
        Group,
        blank=True,
        help_text="Empty: every member of the tenant. Else only these groups of it (and managers); such a corpus can't "
        "be public.",
    )
    # Counts the changes of what a question may find. It is part of cache keys, so caches never need purging.
    epoch = models.PositiveBigIntegerField(default=0, editable=False)
    # Counts of live chunks, for BM25. Updated in the transaction that changes the chunks.
    chunk_count = models.PositiveBigIntegerField(default=0, editable=False)
    lexeme_count = models.PositiveBigIntegerField(default=0, editable=False)
    # False: created by a version of ragsite that stored no words; upkeep adds them.
    has_vocabulary = models.BooleanField(default=True, editable=False)
    chunk_unit = models.CharField(max_length=6, choices=ChunkUnit.choices, default=ChunkUnit.CHARS)
    chunk_size = models.PositiveIntegerField(
        default=default_chunk_size, validators=[MinValueValidator(50), MaxValueValidator(8000)]
    )
    chunk_overlap = models.PositiveIntegerField(default=default_chunk_overlap, validators=[MaxValueValidator(2000)])
    defaults = models.JSONField(default=dict, blank=True, help_text="Query defaults: top_k, mode.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "corpora"
        ordering = ["tenant__slug", "slug"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="corpus_slug_unique_in_tenant"),
            models.CheckConstraint(
                condition=models.Q(chunk_overlap__lt=models.F("chunk_size")), name="corpus_overlap_below_size"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse to make a corpus public that only some groups may read."""
        if self.is_public and self.pk and self.readers.exists():
            raise ValidationError({"is_public": "The corpus names readers; a public one is for everybody."})

    @property
    def live_space(self) -> EmbeddingSpace | None:
        """Return the space that questions search, or None before the first document.

        As it is stored now; or as it was when the corpus was read, if the two were read together.
        """
        if _TOGETHER in self.__dict__:
            space: EmbeddingSpace | None = self.__dict__[_TOGETHER]
            return space
        return self.spaces.filter(status="live").first()

    @property
    def average_length(self) -> float:
        """Return the mean length of the corpus' live chunks in lexemes, at least 1: BM25 divides by it."""
        return max(1.0, self.lexeme_count / max(1, self.chunk_count))

    # Whether some documents name readers; None: not read together with the corpus.
    has_closed_documents: bool | None = None

    def was_read_with(self, live_space: EmbeddingSpace | None, *, has_closed_documents: bool) -> None:
        """Keep what was read together with this corpus."""
        self.__dict__[_TOGETHER] = live_space
        self.has_closed_documents = has_closed_documents
