"""`manage.py warm_cache CORPUS`: answers the most frequent questions of a corpus again, to cache the answers."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from documents.access.policy import choose_corpora
from documents.models import Corpus
from querying.warming import Report, WarmedQuestion, WarmingOutcome, warm
from ragsite.config.setting_kinds import argument_type, number, whole
from ragsite.errors import RagError

QUESTION_SHOWN_CHARS = 70


class Command(BaseCommand):
    """Answers the most frequent questions again, at the priority of a batch, and caches the answers."""

    help = "Answer the most asked questions of a corpus again, so that they are answered from the cache from then on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the corpus and the number of questions."""
        parser.add_argument("corpus", help="slug, or tenant/slug")
        parser.add_argument(
            "--top", type=argument_type(whole(1, 1_000_000)), default=50, metavar="N", help="questions (default: 50)"
        )
        parser.add_argument(
            "--days",
            type=argument_type(number(0.001, 36_500)),
            default=7.0,
            metavar="N",
            help="asked within so many days (default: 7)",
        )
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, **options: Any) -> None:
        """Warm, and report; exit code 1 when a question could not be answered as it should be."""
        if not (settings.ENABLE_CACHING and settings.ENABLE_ANSWER_CACHE):
            raise CommandError("The cache of answers is switched off: ENABLE_CACHING, ENABLE_ANSWER_CACHE.")
        try:
            corpus = choose_corpora([options["corpus"]], Corpus.objects.all())[0]
        except RagError as exc:
            raise CommandError(exc.message) from exc
        with Bar(sys.stderr) as bar:
            report = warm(corpus, top=options["top"], days=options["days"], on_start=bar.start, on_question=bar.advance)
        self.stdout.write(as_json(report) if options["json"] else as_text(report))
        if report.has_failed:
            sys.exit(1)


class Bar:
    """A progress bar on a terminal; nothing elsewhere."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *args: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def start(self, questions: int) -> None:
        """Show the bar for so many questions."""
        if self._stream.isatty():
            self._bar = tqdm(total=questions, unit="question", file=self._stream, dynamic_ncols=True)

    def advance(self, warmed: WarmedQuestion) -> None:
        """Advance by one question."""
        if self._bar is not None:
            self._bar.set_postfix_str(warmed.outcome.value, refresh=False)
            self._bar.update()


def as_json(report: Report) -> str:
    """Return the report for programs."""
    counts = {outcome.value: report.count(outcome) for outcome in WarmingOutcome}
    return json.dumps({**asdict(report), **counts}, ensure_ascii=False, indent=2)


def as_text(report: Report) -> str:
    """Return the report for people."""
    if not report.scope:
        return (
            f"{report.corpus} has documents for a few, and no members but managers: there is no reader to warm it for."
        )
    if not report.questions:
        return f"{report.corpus} alone was asked nothing in this time."
    lines = [f"{'asked':>6}  {'outcome':<9} question"]
    for each in report.questions:
        question = " ".join(each.question.split())
        shown = question if len(question) <= QUESTION_SHOWN_CHARS else f"{question[: QUESTION_SHOWN_CHARS - 3]}..."
        lines.append(f"{each.times:>6}  {each.outcome.value:<9} {shown}" + (f"  ({each.why})" if each.why else ""))
    counts = ", ".join(
        f"{report.count(outcome)} {outcome.value}" for outcome in WarmingOutcome if report.count(outcome)
    )
    return "\n".join([*lines, f"For {report.scope}: {counts}."])
