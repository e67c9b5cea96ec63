"""`manage.py profile_query CORPUS "question"`: where the time of a question goes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from documents.access.policy import Principal, choose_corpora
from documents.models import Corpus
from monitoring.performance.profiling import profile_calls
from querying.answering.pipeline import answer_question
from querying.types import Question
from ragsite.config.setting_kinds import argument_type, text, whole
from ragsite.deadline import Deadline
from ragsite.errors import RagError


class Command(BaseCommand):
    """Asks the same question several times under cProfile, with the rights of the operator."""

    help = "Profile a question: the functions that take the most time, called ones included."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a corpus, a question, and how much to show."""
        parser.add_argument("corpus", help="slug, or tenant/slug")
        parser.add_argument("question", type=argument_type(text(at_most=settings.QUESTION_MAX_CHARS)))
        parser.add_argument("--repeat", type=argument_type(whole(1, 100_000)), default=10)
        parser.add_argument("--top", type=argument_type(whole(1, 10_000)), default=10, help="functions to show")

    def handle(self, **options: Any) -> str:
        """Return the table of the profiler."""
        try:
            corpora = tuple(choose_corpora([options["corpus"]], Corpus.objects.all()))
            operator = Principal(User(is_superuser=True))

            def ask() -> object:
                deadline = Deadline.after(settings.DEADLINE_SECONDS)
                question = Question(options["question"], corpora, operator, deadline, use_cache=False)
                return answer_question(question)

            return profile_calls(ask, repeat=options["repeat"], top=options["top"])
        except RagError as exc:
            raise CommandError(exc.message) from exc
