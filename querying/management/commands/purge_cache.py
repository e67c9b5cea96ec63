"""`manage.py purge_cache`: forget what caches keep."""

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
    """Nothing has to be purged to be right: this is for after changes that ragsite can't know of, as of a model's."""

    help = "Forget cached answers, those that stand in for a model that is away included, searches and vectors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a corpus."""
        parser.add_argument("corpus", nargs="?", help="slug, or tenant/slug; default: all, and questions' vectors too")
        parser.add_argument("--corpus", dest="named", metavar="CORPUS", help="the same")
        parser.add_argument("--json", action="store_true", help="the numbers as JSON")

    def handle(self, **options: Any) -> str:
        """Return how much is gone."""
        name = options["corpus"] or options["named"]
        try:
            chosen = choose_corpora([name], Corpus.objects.all()) if name else None
        except RagError as exc:
            raise CommandError(exc.message) from exc
        purged = purge(None if chosen is None else [corpus.pk for corpus in chosen])
        if options["json"]:
            return json.dumps(asdict(purged))
        return f"Forgotten: {purged.answers} cached answers, {purged.searches} searches, {purged.vectors} vectors."
