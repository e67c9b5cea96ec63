"""Stores the words of a corpus as they are written, for spelling correction."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Reverse


class Word(models.Model):
    """A word of a corpus' documents in lower case: a candidate for what a question's unknown word was meant to be.

    Chunks store hashes only (documents/keywords/terms.py), from which no word can be read.
    """

    # Without a foreign key constraint, which would lock the corpus' row: words are stored while that may be locked.
    corpus = models.ForeignKey(
        "documents.Corpus", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    word = models.CharField(max_length=40, db_collation="C")
    folded = models.CharField(max_length=80, db_collation="C")  # without accents
    term = models.BigIntegerField(db_index=True)  # of its lexeme, as `TermFrequency` has it

    class Meta:
        # Both for ranges, with bytes in order: a word with one mistake has its beginning or its end right.
        constraints = [models.UniqueConstraint(fields=["corpus", "folded", "word"], name="idx_words_beginning")]
        indexes = [models.Index("corpus", Reverse("folded"), name="idx_words_end")]

    def __str__(self) -> str:
        return self.word
