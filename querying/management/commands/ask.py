"""`manage.py ask CORPUS "question"`: prints the answer, its sources and its timings."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from documents.access.policy import Principal, choose_corpora
from documents.models import Corpus
from documents.text.invisible_characters import visible
from querying.answering.pipeline import answer_question
from querying.api.representing import answer_as_json
from querying.extractive.answer import STYLES
from querying.generation.citations import Citation
from querying.passages import names_by_number
from querying.types import MODES, Answer, Question
from ragsite.config.setting_kinds import argument_type, number, text, whole
from ragsite.deadline import Deadline
from ragsite.errors import RagError


class Command(BaseCommand):
    """Asks with the rights of the operator, who may read everything."""

    help = "Answer a question from a corpus, with sources and timings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the corpus, the question and how to answer it."""
        parser.add_argument("corpus", help="slug, or tenant/slug")
        parser.add_argument("question", type=argument_type(text(at_most=settings.QUESTION_MAX_CHARS)))
        parser.add_argument(
            "--top-k",
            type=argument_type(whole(1, settings.RETRIEVAL_TOP_K_MAX)),
            default=settings.RETRIEVAL_TOP_K,
            help="passages to find",
        )
        parser.add_argument("--mode", choices=MODES, default="balanced")
        parser.add_argument("--answer-style", choices=STYLES, default="short", help="how much to quote without a model")
        parser.add_argument(
            "--deadline-seconds",
            type=argument_type(number(0.1, max(settings.DEADLINE_MAX_SECONDS, settings.DEADLINE_SECONDS))),
            default=settings.DEADLINE_SECONDS,
        )
        parser.add_argument("--json", action="store_true", help="the answer as the API gives it")

    def handle(self, **options: Any) -> str:
        """Return the answer as text, or as JSON with `--json`. Raises CommandError when it cannot be answered."""
        try:
            answer = answer_question(
                Question(
                    text=options["question"],
                    corpora=tuple(choose_corpora([options["corpus"]], Corpus.objects.all())),
                    principal=Principal(User(is_superuser=True)),
                    deadline=Deadline.after(options["deadline_seconds"]),
                    top_k=options["top_k"],
                    mode=options["mode"],
                    answer_style=options["answer_style"],
                )
            )
        except RagError as exc:
            raise CommandError(exc.message) from exc
        if options["json"]:
            return json.dumps(answer_as_json(answer), indent=2, ensure_ascii=False)
        return "\n".join(lines_of(answer))


def lines_of(answer: Answer) -> list[str]:
    """Return the answer as lines for a terminal: its text, mode, reasons, sources with their quotes, and timings."""
    names = names_by_number(answer.passages)
    lines = [answer.text, "", f"({_kind_of(answer)})", *(f"! {reason.message}" for reason in answer.reasons)]
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page is not None else ""
        name = names.get(citation.number, citation.document_title)
        # The line begins with the title already.
        heading = visible(citation.heading).removeprefix(citation.document_title).removeprefix(" > ")
        heading = f", {heading}" if heading else ""
        quote = " ".join(visible(citation.quote).split())
        lines += [
            "",
            f"[{citation.number}] {name}{page}{heading}{_source(citation)}",
            f"    “{quote}”",
        ]
    timings = ", ".join(f"{name} {ms:.0f} ms" for name, ms in answer.timings_ms.items())
    return [*lines, "", timings]


def _kind_of(answer: Answer) -> str:
    """Return the answer's mode and model: 'generated, llama3.2:1b', or 'cached, 12 minutes old: extractive'."""
    age = answer.cache.age_seconds
    given = [answer.mode.value] if answer.written_as is not answer.mode else []
    if given and age is not None:
        given.append(f"{_age(age)} old")
    written = ", ".join(filter(None, [answer.written_as.value, answer.model]))
    return f"{', '.join(given)}: {written}" if given else written


def _age(seconds: float) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count = int(seconds // size)
        if count:
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a second"


def _source(citation: Citation) -> str:
    return f" ({citation.document_source})" if citation.document_source else ""
