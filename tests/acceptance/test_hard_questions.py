"""Questions as people ask them: misspelled, in other words, by a code, at length, or about something else.

Small organisations' documents and the table of questions are in `hard/`: the last column is what must stand in the
first quoted sentence; `refuse`: the documents are about other things; `near_miss`: they have no such identifier.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from documents.closeness import keep_closeness
from documents.models import Corpus
from querying.answering import answer_question
from querying.values import Answer
from tests.acceptance.test_documented_questions import first_sentence
from tests.factories import make_corpus
from tests.querying.asking import ask
from tests.querying.library import add_document

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = Path(__file__).with_name("hard")
WARNINGS = frozenset({"uncertain", "other_identifier"})
# Of the questions that the documents answer:
FIRST_MIN = 0.10  # the answer stands in the first quoted sentence
QUOTED_MIN = 0.45  # ... in any
REFUSED_MIN = 0.85  # of those on other topics


@dataclass(frozen=True)
class Question:
    """A question, which documents it is asked of, and what is to come of it."""

    kind: str
    documents: str
    question: str
    expected: str


@dataclass(frozen=True)
class Outcome:
    """What came of a question."""

    question: Question
    is_right: bool  # refused or warned of; or the answer stands in the first quoted sentence
    is_quoted: bool  # ... or in any
    was_given: str


def questions() -> list[Question]:
    with (FOLDER / "questions.tsv").open(encoding="utf-8", newline="") as file:
        return [Question(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


@pytest.fixture
def libraries() -> Mapping[str, Corpus]:
    """Return one corpus per language."""
    found = {}
    for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir()):
        corpus = make_corpus(slug=folder.name, language=folder.name, is_public=True)
        for file in sorted(folder.iterdir()):
            add_document(corpus, file.read_text(encoding="utf-8"), file.name)
        corpus.refresh_from_db()
        assert corpus.live_space
        keep_closeness(corpus.live_space, corpus.chunk_count)  # as the workers' upkeep does
        found[folder.name] = corpus
    return found


def first_quote(text: str) -> str:
    """Return the first sentence that is quoted, with what stands before it: the header of a table."""
    before, mark, _ = text.partition("“")
    return f"{before}{first_sentence(text[len(before) :])}" if mark else text


def outcome(question: Question, answer: Answer) -> Outcome:
    reasons = {reason.code for reason in answer.reasons}
    sentence = first_quote(answer.text) if answer.answerable else "(refused)"
    given = " ".join([*sorted(reasons & WARNINGS), sentence])
    if question.expected == "refuse":
        return Outcome(question, not answer.answerable, not answer.answerable, given)
    if question.expected == "near_miss":
        is_safe = not answer.answerable or bool(reasons & WARNINGS)
        return Outcome(question, is_safe, is_safe, given)
    is_quoted = answer.answerable and question.expected in answer.text
    return Outcome(question, is_quoted and question.expected in sentence, is_quoted, given)


def share(right: Iterable[bool]) -> float:
    values = list(right)
    return sum(values) / len(values)


def report(by_kind: Mapping[str, list[Outcome]]) -> Iterator[str]:
    for kind, outcomes in by_kind.items():
        right, quoted = (sum(getattr(each, name) for each in outcomes) for name in ("is_right", "is_quoted"))
        yield f"{kind:14} {len(outcomes):3} questions, {right:3} right at once, {quoted:3} right"
    for each in (one for outcomes in by_kind.values() for one in outcomes if not one.is_right):
        yield f"{each.question.kind}: {each.question.question[-90:]}\n    {each.question.expected} | {each.was_given}"


def test_hard_questions(libraries: Mapping[str, Corpus]) -> None:
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for each in questions():
        answer = answer_question(ask(libraries[each.documents], each.question, use_cache=False))
        by_kind[each.kind].append(outcome(each, answer))
    print("\n" + "\n".join(report(by_kind)))
    answered = [each for kind, rows in by_kind.items() if kind not in {"refuse", "near_miss"} for each in rows]
    assert [each.question.question for each in by_kind["near_miss"] if not each.is_right] == []
    assert share(each.is_right for each in by_kind["refuse"]) >= REFUSED_MIN
    assert share(each.is_right for each in answered) >= FIRST_MIN
    assert share(each.is_quoted for each in answered) >= QUOTED_MIN
