"""The words of a corpus, as they are written."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Reverse


class Word(models.Model):
    """A word that documents of a corpus have, in lower case: what a question's unknown word may have been meant as.

    Passages keep numbers only (documents/lexicon.py), of which no word can be read.
    """

    key = models.BigIntegerField(primary_key=True)  # hash of corpus and word
    corpus = models.ForeignKey("documents.Corpus", on_delete=models.CASCADE, related_name="+", db_index=False)
    word = models.CharField(max_length=40)
    folded = models.CharField(max_length=80, db_collation="C")  # without accents; bytes in order, for ranges
    term = models.BigIntegerField(db_index=True)  # of its lexeme, as `TermFrequency` has it

    class Meta:
        indexes = [
            # A word with one mistake has its beginning or its end right, and so has a part of a compound.
            models.Index("corpus", "folded", name="idx_words_beginning"),
            models.Index("corpus", Reverse("folded"), name="idx_words_end"),
        ]

    def __str__(self) -> str:
        return self.word
