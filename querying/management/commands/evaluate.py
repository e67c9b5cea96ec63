"""`manage.py evaluate`: measures retrieval (`--beir DIR`) and the semantic cache (`semantic-cache`)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from querying.evaluation import KINDS, Kind, evaluate, evaluate_gates
from querying.evaluation.reports import Report, as_json, as_text
from querying.evaluation.semantic_run import SemanticReport, evaluate_semantic_cache
from querying.extractive.answer import STYLES
from ragsite.config.setting_kinds import argument_type, language_code, number, whole
from ragsite.errors import RagError


class Command(BaseCommand):
    """Measure retrieval and the semantic cache on judged questions, through the code that answers real ones."""

    help = (
        "Load a set of judged questions into a scratch corpus, and measure how well the right texts are found. "
        "semantic-cache: measure how often a question would get the answer to another one; exit code 1 if too often."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the set of questions, and options of the evaluation."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("what", nargs="?", choices=["semantic-cache"], help="measure pairs of questions")
        what.add_argument("--beir", type=Path, metavar="DIR", help="corpus.jsonl, queries.jsonl, qrels/test.tsv")
        what.add_argument("--answers", type=Path, metavar="DIR", help="the same with answers.jsonl: are they quoted?")
        what.add_argument(
            "--gate",
            type=Path,
            metavar="DIR",
            nargs="+",
            help="the same, several: a part of each answers, what is about something else must be refused",
        )
        what.add_argument("--spans", type=Path, metavar="DIR", help="docs/ and questions.jsonl with exact spans")
        parser.add_argument(
            "--fit", action="store_true", help="--gate: learn from these sets, and store what was learnt"
        )
        parser.add_argument(
            "--queries", type=argument_type(whole(1, 10_000_000)), metavar="N", help="only so many questions"
        )
        parser.add_argument(
            "--language",
            type=argument_type(language_code()),
            metavar="XX",
            help="ISO 639-1; else by the folder's name or its texts",
        )
        parser.add_argument("--provider", choices=["embedded", "ollama"], help="else as for a new corpus")
        parser.add_argument("--strip-accents", action="store_true", help="ask as if typed without accents")
        parser.add_argument("--answer-style", choices=STYLES, default="short", help="--answers: how much is quoted")
        parser.add_argument(
            "--threshold", type=argument_type(number(0, 1)), metavar="X", help="semantic-cache: 0 to 1; else as set up"
        )
        parser.add_argument(
            "--pairs", type=Path, metavar="FILE", help="semantic-cache: other pairs than the built-in ones"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> str:
        """Return the report."""
        kind: Kind | None = next((kind for kind in KINDS if options[kind]), None)
        source = options[kind] if kind else options["gate"] or options["pairs"]
        try:
            report = _measure(kind, source, options)
        except (OSError, ValueError, KeyError) as exc:
            raise CommandError(f"{_named(source)} is not such a set: {_why(exc)}.") from exc
        except RagError as exc:
            raise CommandError(exc.message) from exc
        text = json.dumps(as_json(report)) if options["json"] else as_text(report)
        if isinstance(report, SemanticReport) and not report.is_within_limit:
            self.stdout.write(text)
            raise CommandError("Too many questions would get the answer to another one.")
        return text


def _named(source: Path | list[Path] | None) -> str:
    return ", ".join(map(str, source)) if isinstance(source, list) else str(source)


def _why(error: OSError | ValueError | KeyError) -> str:
    """Return what is wrong with a set, as a sentence."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return f"a line has no {error}" if isinstance(error, KeyError) else str(error)


def _measure(kind: Kind | None, source: Any, options: dict[str, Any]) -> Report:
    if options["gate"]:
        return evaluate_gates(
            source,
            language=options["language"],
            provider=options["provider"],
            limit=options["queries"],
            is_fitted=options["fit"],
        )
    if kind is None or source is None:
        return evaluate_semantic_cache(source, threshold=options["threshold"], provider=options["provider"])
    return evaluate(
        kind,
        source,
        language=options["language"],
        provider=options["provider"],
        limit=options["queries"],
        strip_accents=options["strip_accents"],
        style=options["answer_style"],
    )
