"""A passage of a document: what is searched, and what is quoted."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from documents.models.document import Document


class Chunk(models.Model):
    """A passage of one version of a document. `text` is `DocumentText.text[start:end]` of that version."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()  # 0, 1, 2, ... in reading order
    text = models.TextField()
    heading = models.CharField(max_length=500, blank=True)  # path of headings above it: "Pay > Holidays"
    page = models.PositiveIntegerField(null=True)  # page that it starts on; null: the format has none
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)  # SHA-256 of what is embedded: an equal chunk keeps its vector
    # Lexemes of title, heading and text, as the corpus' language stems them ...
    search_vector = SearchVectorField(null=True)
    # ... and the same without accents, for questions typed without them. Null: the text has none.
    search_vector_folded = SearchVectorField(null=True)
    lexeme_count = models.PositiveIntegerField(default=0)  # length of the chunk in lexemes, as BM25 counts it

    class Meta:
        constraints = [
            # Leads with the document, so it also serves "the chunks of a document".
            models.UniqueConstraint(fields=["document", "version", "ordinal"], name="idx_chunks_document_id"),
        ]
        indexes = [
            GinIndex(fields=["search_vector"], name="idx_chunks_search_vector", fastupdate=False),
            GinIndex(fields=["search_vector_folded"], name="idx_chunks_search_folded", fastupdate=False),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} #{self.ordinal}"


class DocumentFrequency(models.Model):
    """In how many live chunks of a corpus a lexeme occurs: BM25's `df`."""

    corpus = models.ForeignKey("documents.Corpus", on_delete=models.CASCADE, related_name="+", db_index=False)
    folded = models.BooleanField()  # counted over search_vector_folded
    lexeme = models.CharField(max_length=255)
    chunks = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["corpus", "folded", "lexeme"], name="one_frequency_per_lexeme")]

    def __str__(self) -> str:
        return f"{self.lexeme}: {self.chunks}"
