"""The words of a corpus, as they are written."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Reverse


class Word(models.Model):
    """A word that documents of a corpus have, in lower case: what a question's unknown word may have been meant as.

    Passages keep numbers only (documents/keywords/terms.py), of which no word can be read.
    """

    # Without a constraint, which would lock the corpus' row: words are learnt while it may be locked.
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
