"""`manage.py purge_cache`: forget cached answers."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from documents.access import choose_corpora
from documents.models import Corpus
from querying.caching import purge
from ragsite.errors import RagError


class Command(BaseCommand):
    """Nothing has to be purged to be right: this is for after changes that ragsite can't know of, as of a model's."""

    help = "Forget cached answers, those that stand in for a model that is away included."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a corpus."""
        parser.add_argument("--corpus", help="slug, or tenant/slug; default: all")

    def handle(self, **options: Any) -> str:
        """Return how many answers are gone."""
        try:
            chosen = choose_corpora([options["corpus"]], Corpus.objects.all()) if options["corpus"] else None
        except RagError as exc:
            raise CommandError(exc.message) from exc
        count = purge(None if chosen is None else [corpus.pk for corpus in chosen])
        return f"{count} cached answers are forgotten."
