"""`manage.py reindex CORPUS`: builds, compares, promotes and drops embedding spaces."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError

from documents.corpora import find_corpus
from documents.indexing.attempts import Interrupted
from documents.models import Corpus, EmbeddingSpace
from documents.reindexing.backfill import SpaceGone
from documents.reindexing.comparison import MARGIN, QUESTIONS
from documents.reindexing.pipeline import Outcome, Plan, drop, measure, reindex, roll_back
from documents.reindexing.report import Progress, outcome_as_json, outcome_as_text, status_as_json, status_as_text
from documents.reindexing.target import SpaceRequest, retired, unfinished
from documents.uploads.folder_import import stopped_by_signals
from documents.vectors.index_layout import BINARY, NONE
from ragsite.config.setting_kinds import argument_type, number, whole
from ragsite.errors import RagError


class Command(BaseCommand):
    """Changes the embedding model or the index of a corpus while questions are answered."""

    help = (
        "Build a second embedding space beside the live one, compare both, and with --promote switch. Safe to repeat:"
        " what was stopped goes on. Exit code 1 if not all was done, or the new space was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the corpus, the settings of the new space, and the action."""
        up_to_many = argument_type(whole(0, 100_000))
        parser.add_argument("corpus", help="slug, or tenant/slug")
        parser.add_argument("--model", help="default: EMBED_MODEL; with settings of the index only: the live one")
        parser.add_argument("--provider", choices=EmbeddingSpace.Provider.values)
        parser.add_argument("--dimensions", type=up_to_many, help="keep the first N numbers of each vector; 0: all")
        parser.add_argument("--quantise", choices=[NONE, BINARY], help="binary: the index has one bit per number")
        parser.add_argument("--shorten-to", type=up_to_many, help="the index has the first N numbers; 0: all")
        parser.add_argument(
            "--rerank",
            type=argument_type(whole(1, 10_000)),
            help="candidates for each row, put in order by whole vectors",
        )
        parser.add_argument(
            "--questions",
            type=argument_type(whole(1, 1_000_000)),
            default=QUESTIONS,
            help="to compare by (default: %(default)s)",
        )
        parser.add_argument(
            "--margin",
            type=argument_type(number(0, 1)),
            default=MARGIN,
            help="it may lose so much (default: %(default)s)",
        )
        parser.add_argument("--force", action="store_true", help="also when nothing would change, or it finds less")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--promote", action="store_true", help="make it live when it is not worse")
        what.add_argument("--rollback", action="store_true", help="make the space live again that was so before")
        what.add_argument("--status", action="store_true", help="only show the spaces")
        what.add_argument("--measure", action="store_true", help="measure the recall of each space's index")
        what.add_argument("--drop-retired", action="store_true", help="delete the spaces that were live once")
        what.add_argument("--drop-unfinished", action="store_true", help="delete the spaces that never were live")

    def handle(self, **options: Any) -> None:
        """Run the action and write its report; exit 1 when the new space was refused."""
        try:
            corpus = find_corpus(options["corpus"])
            with stopped_by_signals() as keep_going, Progress(sys.stderr, keep_going) as progress:
                outcome = _act(corpus, options, progress)
        except RagError as exc:
            raise CommandError(exc.message) from exc
        except Interrupted:
            raise CommandError("Stopped before the end; run it again for the rest.") from None
        except (SpaceGone, ObjectDoesNotExist):
            raise CommandError("The corpus, or the space, was deleted meanwhile.") from None
        if outcome is None:
            self.stdout.write(status_as_json(corpus) if options["json"] else status_as_text(corpus))
            return
        self.stdout.write(outcome_as_json(outcome) if options["json"] else outcome_as_text(outcome))
        if not outcome.is_good:
            sys.exit(1)


def _act(corpus: Corpus, options: dict[str, Any], progress: Progress) -> Outcome | None:
    """Run the chosen action and return its outcome; None: report the state of the spaces."""
    if options["status"]:
        return None
    if options["measure"]:
        measure(corpus, progress)
        return None
    if options["drop_retired"]:
        drop(corpus, retired(corpus), progress)
        return None
    if options["drop_unfinished"]:
        drop(corpus, unfinished(corpus), progress)
        return None
    if options["rollback"]:
        return roll_back(corpus, progress)
    names = ("provider", "model", "dimensions", "quantise", "shorten_to", "rerank")
    plan = Plan(
        request=SpaceRequest(**{name: options[name] for name in names}),
        promote=options["promote"],
        force=options["force"],
        questions=options["questions"],
        margin=options["margin"],
    )
    return reindex(corpus, plan, progress)
