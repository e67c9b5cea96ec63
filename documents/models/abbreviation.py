"""Stores the abbreviations that documents explain, with what they stand for."""

from __future__ import annotations

from django.db import models

from documents.models.document import Document


class Abbreviation(models.Model):
    """A short form and what it stands for, as a version of a document says: "Virtual Private Network (VPN)".

    Both in lower case, words with one blank between them.
    """

    # Without foreign key constraints, for the reason that `Word` gives.
    corpus = models.ForeignKey(
        "documents.Corpus", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.PositiveIntegerField()
    short = models.CharField(max_length=12, db_collation="C")  # without accents
    long = models.CharField(max_length=120, db_collation="C")
    folded = models.CharField(max_length=240, db_collation="C")  # `long` without accents

    class Meta:
        constraints = [
            # Leads with the document, so it also serves to delete those of one.
            models.UniqueConstraint(fields=["document", "version", "short", "long"], name="idx_abbreviations_document")
        ]
        indexes = [
            models.Index(fields=["corpus", "short"], name="idx_abbreviations_short"),
            models.Index(fields=["corpus", "folded"], name="idx_abbreviations_long"),
        ]

    def __str__(self) -> str:
        return f"{self.long} ({self.short})"
