"""The command `evaluate`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from querying.evaluation import KINDS, Kind, evaluate
from querying.evaluation.reports import as_json, as_text
from ragsite.errors import RagError


class Command(BaseCommand):
    """Measure retrieval on judged questions, through the code that answers real ones."""

    help = "Load a set of judged questions into a scratch corpus, and measure how well the right texts are found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what to measure, and on which part of it."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--beir", type=Path, metavar="DIR", help="corpus.jsonl, queries.jsonl, qrels/test.tsv")
        what.add_argument("--gate", type=Path, metavar="DIR", help="the same: half of it answers, half must be refused")
        what.add_argument("--spans", type=Path, metavar="DIR", help="docs/ and questions.jsonl with exact spans")
        parser.add_argument("--queries", type=int, metavar="N", help="only so many questions")
        parser.add_argument("--language", metavar="XX", help="ISO 639-1; else by the folder's name or its texts")
        parser.add_argument("--provider", choices=["embedded", "ollama"], help="else as for a new corpus")
        parser.add_argument("--strip-accents", action="store_true", help="ask as if typed without accents")
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> str:
        """Return the report."""
        kind: Kind = next(kind for kind in KINDS if options[kind])
        try:
            report = evaluate(
                kind,
                options[kind],
                language=options["language"],
                provider=options["provider"],
                limit=options["queries"],
                strip_accents=options["strip_accents"],
            )
        except (OSError, ValueError, KeyError) as exc:
            raise CommandError(f"{options[kind]} is not such a set: {type(exc).__name__}: {exc}") from exc
        except RagError as exc:
            raise CommandError(exc.message) from exc
        return json.dumps(as_json(report)) if options["json"] else as_text(report)
