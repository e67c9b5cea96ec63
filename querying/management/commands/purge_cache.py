"""`manage.py purge_cache`: empties the caches."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from documents.access.policy import choose_corpora
from documents.models import Corpus
from querying.caching.purge import purge
from ragsite.errors import RagError


class Command(BaseCommand):
    """Correctness needs no purge: this is for changes that ragsite can't notice, as of a model's weights."""

    help = "Forget cached answers, those that stand in for a model that is away included, searches and vectors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the corpus."""
        parser.add_argument("corpus", nargs="?", help="slug, or tenant/slug; default: all, and questions' vectors too")
        parser.add_argument("--corpus", dest="named", metavar="CORPUS", help="the same")
        parser.add_argument("--json", action="store_true", help="the numbers as JSON")

    def handle(self, **options: Any) -> str:
        """Return the numbers of deleted entries."""
        name = options["corpus"] or options["named"]
        try:
            chosen = choose_corpora([name], Corpus.objects.all()) if name else None
        except RagError as exc:
            raise CommandError(exc.message) from exc
        purged = purge(None if chosen is None else [corpus.pk for corpus in chosen])
        if options["json"]:
            return json.dumps(asdict(purged))
        return f"Forgotten: {purged.answers} cached answers, {purged.searches} searches, {purged.vectors} vectors."
