"""`manage.py ask CORPUS "question"`: the answer, its sources and its timings in the terminal."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from documents.access.policy import Principal, choose_corpora
from documents.models import Corpus
from querying.answering.pipeline import answer_question
from querying.api.representing import answer_as_json
from querying.describing import described
from querying.extractive.answer import STYLES
from querying.types import MODES, Question
from ragsite.config.setting_kinds import argument_type, number, text, whole
from ragsite.deadline import Deadline
from ragsite.errors import RagError


class Command(BaseCommand):
    """Asks with the rights of the operator, who may read everything."""

    help = "Answer a question from a corpus, with sources and timings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a corpus, a question, and how to answer it."""
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
        """Return the answer."""
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
        return "\n".join(described(answer))
