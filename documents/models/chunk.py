"""Stores the chunks that are searched and quoted, and in how many of them each term occurs."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from documents.models.document import Document


class Chunk(models.Model):
    """A passage of one version of a document. `text` is `DocumentText.text[start:end]` of that version.

    Its words are kept as numbers (documents/keywords/terms.py), not as a `tsvector`: a number is a word *of a corpus*,
    so a question touches only the chunks of the corpora it is about, however many others there are.
    """

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()  # 0, 1, 2, ... in reading order
    text = models.TextField()
    heading = models.CharField(max_length=500, blank=True)  # path of headings above it: "Pay > Holidays"
    page = models.PositiveIntegerField(null=True)  # page that it starts on; null: the format has none
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    # Where another page or section begins in it: [[offset, page, heading], ...]; null: stored before this was noted.
    borders = models.JSONField(null=True)
    content_hash = models.CharField(max_length=64)  # SHA-256 of what is embedded: an equal chunk keeps its vector
    # Terms of title, heading and text: first one per lexeme, then the marks of those that occur often in it.
    terms = ArrayField(models.BigIntegerField(), default=list)
    term_counts = ArrayField(models.SmallIntegerField(), default=list)  # how often each lexeme's term occurs
    lexeme_count = models.PositiveIntegerField(default=0)  # length of the chunk in lexemes, as BM25 counts it

    class Meta:
        constraints = [
            # Leads with the document, so it also serves "the chunks of a document".
            models.UniqueConstraint(fields=["document", "version", "ordinal"], name="idx_chunks_document_id"),
        ]
        indexes = [
            # The keyword leg. Without a pending list an insert is four times slower; with the default one of 4 MB
            # every search reads up to 4 MB that are not in the index yet.
            GinIndex(fields=["terms"], name="idx_chunks_terms", gin_pending_list_limit=1024),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} #{self.ordinal}"


class TermFrequency(models.Model):
    """In how many live chunks a term occurs: BM25's `df`. A term belongs to one corpus."""

    term = models.BigIntegerField(primary_key=True)
    corpus = models.ForeignKey("documents.Corpus", on_delete=models.CASCADE, related_name="+")
    chunks = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.term}: {self.chunks}"
