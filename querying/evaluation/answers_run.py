"""Measures extractive answers: how often they hold the known answer, how often in the first sentence, and their length.

Without the answerability gate, which has a measure of its own.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from documents.models import Corpus
from querying.evaluation.beir import BeirSet, JudgedQuestion, read_answers
from querying.evaluation.beir_run import QUESTION_SECONDS, load_texts
from querying.evaluation.scratch import EVALUATOR, scratch_corpus
from querying.extractive.answer import Style, as_one_line, first_sentence, quoted_answer
from querying.retrieval.pipeline import retrieve
from ragsite.deadline import Deadline

SEED = 7  # the same sample every time
TOP_K = 5  # the default of a question


@dataclass(frozen=True)
class AnswersReport:
    """Shares of questions, 0..1, and the mean number of characters of an answer."""

    name: str
    questions: int
    language: str
    style: Style
    in_answer: float  # the known answer is in the text
    in_first_sentence: float  # ... in the first sentence that is quoted
    mean_chars: float  # of the text, with its quotation marks and numbers
    # Bounds for quoting: the right text was found first, or among the TOP_K.
    found_first: float
    found: float


def evaluate_answers(
    beir: BeirSet,
    folder: Path,
    *,
    language: str,
    provider: str | None,
    limit: int | None = None,
    style: Style = "short",
) -> AnswersReport:
    """Return the report of a set, or of a sample of `limit` of its questions.

    Raises OSError without an answers.jsonl, and ValueError when no question has a known answer.
    """
    known = read_answers(folder)
    questions = [question for question in beir.questions if known.get(question.id)]
    if not questions or not beir.texts:
        raise ValueError("no question with a known answer, or no text")
    if limit is not None and limit < len(questions):
        questions = random.Random(SEED).sample(questions, limit)  # noqa: S311  # a sample, not a secret
    with scratch_corpus(language, provider=provider) as corpus:
        names = load_texts(corpus, beir)
        rows = [
            _ask(corpus, question, known[question.id], names, style)
            for question in tqdm(questions, desc="asking", unit="questions", disable=None)
        ]
    in_answer, in_first, chars, found_first, found = (
        round(statistics.mean(each), 4) for each in zip(*rows, strict=True)
    )
    return AnswersReport(
        beir.name, len(questions), language, style, in_answer, in_first, round(chars, 1), found_first, found
    )


def _ask(
    corpus: Corpus, question: JudgedQuestion, answers: Sequence[str], names: dict[int, str], style: Style
) -> tuple[bool, bool, int, bool, bool]:
    """Return the values of AnswersReport for one question."""
    retrieved = retrieve(
        question.text, [corpus], principal=EVALUATOR, top_k=TOP_K, deadline=Deadline.after(QUESTION_SECONDS)
    )
    passages = retrieved.passages
    quoted = quoted_answer(question.text, passages, style)
    said = " ".join(as_one_line(passages[each.number - 1].text[each.start : each.end]) for each in quoted.quotes)
    right = [question.judgements.get(names[passage.chunk_id], 0) > 0 for passage in passages]
    return (
        _holds(said, answers),
        _holds(first_sentence(quoted, passages), answers),
        len(quoted.text),
        right[:1] == [True],
        any(right),
    )


def _holds(text: str, answers: Sequence[str]) -> bool:
    """Return whether the text contains one of the known answers, ignoring case and white space."""
    return any(_plain(answer) in _plain(text) for answer in answers)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
