"""`manage.py ingest CORPUS PATH...`: indexes files and folders into a corpus."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from documents.corpora import find_or_create_corpus
from documents.uploads.folder_import import ingest_paths, stopped_by_signals
from documents.uploads.import_report import Progress, as_json, as_text
from ragsite.errors import RagError


class Command(BaseCommand):
    """Indexes files into a corpus; it is safe to repeat, and skips files that didn't change."""

    help = "Index files, folders and globs into a corpus. Exit code 1 if any file could not be indexed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the corpus, the paths and the options of a new corpus."""
        parser.add_argument("corpus", help="slug, or tenant/slug")
        parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders and globs; hidden files are left")
        parser.add_argument("--create", action="store_true", help="create the corpus when there is none")
        parser.add_argument("--language", help="with --create: ISO 639-1 code (default: en)")
        parser.add_argument("--public", action="store_true", help="with --create: anybody may ask it")
        parser.add_argument("--enqueue", action="store_true", help="leave the indexing to the workers")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, **options: Any) -> None:
        """Index the files and write the report; exit 1 when a file is not indexed."""
        try:
            corpus = find_or_create_corpus(
                options["corpus"], create=options["create"], language=options["language"], public=options["public"]
            )
            with stopped_by_signals() as keep_going, Progress(sys.stderr) as progress:
                report = ingest_paths(
                    corpus,
                    options["paths"],
                    leave_to_worker=options["enqueue"],
                    on_start=progress.start,
                    on_file=progress.advance,
                    keep_going=keep_going,
                )
        except RagError as exc:
            raise CommandError(exc.message) from exc
        self.stdout.write(as_json(report) if options["json"] else as_text(report))
        if report.failed or report.stopped or (report.processing and not options["enqueue"]):
            sys.exit(1)
