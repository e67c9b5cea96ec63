"""Stores embedding spaces: the vectors of one model for the chunks of one corpus."""

from __future__ import annotations

from django.db import models
from pgvector.django import HalfVectorField

from documents.models.chunk import Chunk
from documents.models.corpus import Corpus
from documents.models.document import Document

INDEX_PREFIX = "embedding_hnsw_"  # of the name of a space's HNSW index; the space's id follows


class EmbeddingSpace(models.Model):
    """The vectors of one model for one corpus. Questions search the live space only."""

    class Provider(models.TextChoices):
        """Where vectors are computed: by an Ollama server, or by WordLlama in this process."""

        OLLAMA = "ollama"
        EMBEDDED = "embedded"

    class Status(models.TextChoices):
        """building: being filled. shadow: complete, compared with the live one. retired: kept for a way back."""

        BUILDING = "building"
        SHADOW = "shadow"
        LIVE = "live"
        RETIRED = "retired"

    corpus = models.ForeignKey(Corpus, on_delete=models.CASCADE, related_name="spaces")
    provider = models.CharField(max_length=10, choices=Provider.choices)
    model = models.CharField(max_length=200)
    dimensions = models.PositiveIntegerField(null=True, help_text="Null until the first vector is stored.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.BUILDING)
    lexical_weight = models.FloatField(
        null=True, blank=True, help_text="0..1: share of the keyword leg in the fused score. Empty: by model."
    )
    index_settings = models.JSONField(
        default=dict,
        blank=True,
        help_text="HNSW: m, ef_construction, ef_search. Less memory: quantise, shorten_to, rerank. Of the vectors:"
        " keep_first, query_prefix, passage_prefix.",
    )
    # Measurements: "recall" of its index, "comparison" with the space that was live, "closeness", "last" action.
    measured = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    switched_at = models.DateTimeField(null=True, editable=False)  # when it last became live, or stopped to be

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["corpus"], condition=models.Q(status="live"), name="one_live_space_per_corpus"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} over {self.corpus} ({self.status})"

    @property
    def index_name(self) -> str:
        """Return the name of the space's own HNSW index."""
        return f"{INDEX_PREFIX}{self.pk}"


class Embedding(models.Model):
    """A chunk's vector in a space.

    A narrow table of its own: an exact scan of 10,000 half-precision vectors that are stored inline takes about
    5 ms, of vectors beside the text (moved out of the row by Postgres) 30 ms.
    """

    space = models.ForeignKey(EmbeddingSpace, on_delete=models.CASCADE, related_name="embeddings", db_index=False)
    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="embeddings", db_index=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    vector = HalfVectorField()  # no fixed length: spaces of several models share the table

    class Meta:
        constraints = [models.UniqueConstraint(fields=["space", "chunk"], name="one_vector_per_chunk_and_space")]
        indexes = [models.Index(fields=["chunk"], name="idx_embeddings_chunk_id")]

    def __str__(self) -> str:
        return f"chunk {self.chunk_id} in space {self.space_id}"
