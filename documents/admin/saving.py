"""Writes what a form has changed, and nothing else.

A ModelAdmin saves whole rows: the counters and states that a worker has changed since the form was opened would be
put back to what they were.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F, Model
from django.forms import ModelForm

from documents.models import Corpus


def changed_fields(row: Model, form: ModelForm[Any]) -> dict[str, Any]:
    """Return the new values of the row's own fields that were changed in the form."""
    stored = {field.name for field in row._meta.concrete_fields}
    return {name: form.cleaned_data[name] for name in form.changed_data if name in stored}


def save_changed_fields(row: Model, form: ModelForm[Any]) -> None:
    """Store the fields of the row that were changed in the form."""
    changed = changed_fields(row, form)
    if changed:
        row.save(update_fields=list(changed))


def forget_cached_answers(corpus_id: int) -> None:
    """Let no cached answer of this corpus be given again: who may read what, or how it is searched, has changed.

    To be called before other rows of the corpus are locked: deletion locks in the same order.
    """
    Corpus.objects.filter(pk=corpus_id).update(epoch=F("epoch") + 1)
