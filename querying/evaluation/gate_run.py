"""Measures how well the answerability gate tells questions that the documents answer from others.

A part of each set becomes the corpus. The questions are those that it answers; those about other articles of the set;
those of other sets in the same language; and those about the same articles whose passage is missing, which only a model
that reads the passages can refuse.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tqdm import tqdm

from querying.evaluation.beir import BeirSet, Text
from querying.evaluation.beir_run import ask, load_texts
from querying.evaluation.question_kinds import KINDS, Kind, questions_of_kind
from querying.evaluation.scratch import scratch_corpus
from querying.retrieval.answerability import Verdict, verdict
from querying.retrieval.evidence import Evidence

QUESTIONS = 200  # of each label, asked as they are; half as many of each other kind
SEED = 7  # the same sample every time
FEWEST = 10  # questions for a share
ONE_SUBJECT = 3  # judged texts per question: with more, a set is about one subject, and so are all of its questions
EVERY_NTH_MISSING = 6  # of the corpus' texts, left out: questions about them have no answer in it
Size = Literal["half", "tenth", "few", "two"]
SIZES: tuple[Size, ...] = ("half", "tenth", "few", "two")
FIRST = {"few": 8, "two": 2}  # texts, as in a corpus that has just begun
Label = Literal["answered", "other_articles", "other_sets", "passage_missing"]
LABELS: tuple[Label, ...] = ("answered", "other_articles", "other_sets", "passage_missing")
OTHER_TOPIC: tuple[Label, ...] = ("other_articles", "other_sets")


@dataclass(frozen=True)
class LanguageSet:
    """A set and its language."""

    beir: BeirSet
    language: str


@dataclass(frozen=True)
class Sample:
    """The evidence for each question of one kind; None: nothing was found."""

    name: str
    size: Size
    kind: Kind
    label: Label
    evidence: Sequence[Sequence[Evidence]]

    @property
    def of_keywords(self) -> Sample:
        """Return the evidence of the keyword leg alone."""
        return replace(self, evidence=[[replace(one, closeness=None) for one in each] for each in self.evidence])


@dataclass(frozen=True)
class Row:
    """The verdicts on the questions of one kind, as shares, 0..1. None: too few questions."""

    name: str
    kind: Kind
    legs: str  # both, or keywords
    kept: float | None  # of the questions that are answered there
    kept_uncertain: float | None  # ... of these kept, with a warning
    refused_other_articles: float | None
    refused_other_sets: float | None
    refused_passage_missing: float | None


@dataclass(frozen=True)
class GateReport:
    """The report of some sets: with both legs, and with the keyword leg alone."""

    rows: Sequence[Row]


def collect(
    sets: Sequence[LanguageSet], *, provider: str | None, limit: int | None = None, sizes: Sequence[Size] = ("half",)
) -> Iterator[Sample]:
    """Yield the evidence for the questions of each set, in scratch corpora."""
    for each in sets:
        others = [
            question.text
            for other in sets
            if other.language == each.language and other.beir.name != each.beir.name and not _overlap(other, each)
            for question in other.beir.questions
        ]
        for size in sizes:
            yield from _collect(each, size, others, provider, limit or QUESTIONS)


def evaluate_gate(sets: Sequence[LanguageSet], *, provider: str | None, limit: int | None = None) -> GateReport:
    """Return the report over a sample of `limit` questions."""
    return report_of(list(collect(sets, provider=provider, limit=limit)))


def report_of(samples: Sequence[Sample]) -> GateReport:
    """Return the shares of every set and kind of question: with both legs, and with the keyword leg alone."""
    rows = []
    for name in dict.fromkeys(sample.name for sample in samples):
        own = [sample for sample in samples if sample.name == name]
        has_both = any(one.closeness is not None for sample in own for each in sample.evidence for one in each)
        for legs in ("both", "keywords") if has_both else ("keywords",):
            spoken = own if legs == "both" else [sample.of_keywords for sample in own]
            rows += [_row(name, kind, legs, [one for one in spoken if one.kind == kind]) for kind in KINDS]
    return GateReport(rows)


def _row(name: str, kind: Kind, legs: str, samples: Sequence[Sample]) -> Row:
    verdicts: dict[Label, list[Verdict]] = {label: [] for label in LABELS}
    for sample in samples:
        verdicts[sample.label] += [verdict(each) if each else Verdict.ABSENT for each in sample.evidence]
    kept = [each for each in verdicts["answered"] if each is not Verdict.ABSENT]
    return Row(
        name,
        kind,
        legs,
        kept=_share(verdicts["answered"], {Verdict.ANSWERABLE, Verdict.UNCERTAIN}),
        kept_uncertain=_share(kept, {Verdict.UNCERTAIN}),
        refused_other_articles=_share(verdicts["other_articles"], {Verdict.ABSENT}),
        refused_other_sets=_share(verdicts["other_sets"], {Verdict.ABSENT}),
        refused_passage_missing=_share(verdicts["passage_missing"], {Verdict.ABSENT}),
    )


def _share(verdicts: Sequence[Verdict], wanted: set[Verdict]) -> float | None:
    if len(verdicts) < FEWEST:
        return None
    return round(sum(each in wanted for each in verdicts) / len(verdicts), 4)


def _collect(one: LanguageSet, size: Size, others: Sequence[str], provider: str | None, limit: int) -> Iterator[Sample]:
    beir = one.beir
    chosen = part_of(beir, size)
    missing = frozenset(chosen[EVERY_NTH_MISSING - 1 :: EVERY_NTH_MISSING]) if size not in FIRST else frozenset[str]()
    inside = frozenset(chosen) - missing
    labelled: dict[Label, list[str]] = {
        "answered": [each.text for each in beir.questions if not inside.isdisjoint(each.judgements)],
        "other_articles": _about_other_articles(beir, frozenset(chosen)),
        "other_sets": list(others),
        "passage_missing": [
            each.text
            for each in beir.questions
            if inside.isdisjoint(each.judgements) and not missing.isdisjoint(each.judgements)
        ],
    }
    with scratch_corpus(one.language, provider=provider) as corpus:
        load_texts(corpus, BeirSet(beir.name, [text for text in beir.texts if text.id in inside], []))
        for label, questions in labelled.items():
            random.Random(SEED).shuffle(questions)  # noqa: S311  # a sample, not a secret
            for kind in KINDS:
                asked = _suited(questions, kind)[: limit if kind == "plain" else limit // 2]
                made = questions_of_kind(kind, asked, one.language)
                told = f"{beir.name} {size} {kind} {label}"
                evidence = [ask(corpus, text).evidence for _, text in tqdm(made, desc=told, disable=None)]
                if evidence:
                    yield Sample(beir.name, size, kind, label, evidence)


def _suited(questions: Sequence[str], kind: Kind) -> Sequence[str]:
    """Return the questions that fit this kind: a mail must ask with a question mark."""
    return [each for each in questions if kind != "mail" or each.rstrip().endswith(("?", "？"))]


def part_of(beir: BeirSet, size: Size) -> list[str]:
    """Return the ids of the texts of a part of a set: of some of its articles; of one without titles, the first texts.

    Texts that stand side by side are often of one article.
    """
    step = 10 if size == "tenth" else 2
    titles = sorted({text.title for text in beir.texts})
    if len(titles) < 2:
        chosen = [text.id for text in beir.texts[: -(-len(beir.texts) // step)]]
    else:
        some = set(titles[::step])
        chosen = [text.id for text in beir.texts if text.title in some]
    return chosen[: FIRST.get(size)]


def _about_other_articles(beir: BeirSet, chosen: frozenset[str]) -> list[str]:
    """Return the questions that only texts outside of the corpus answer; none if all texts have one subject."""
    if sum(len(each.judgements) for each in beir.questions) > ONE_SUBJECT * len(beir.questions):
        return []
    return [each.text for each in beir.questions if chosen.isdisjoint(each.judgements)]


def _overlap(one: LanguageSet, other: LanguageSet) -> bool:
    """Return whether two sets share articles, so that one may answer questions of the other."""
    return not _titles(one.beir.texts).isdisjoint(_titles(other.beir.texts))


def _titles(texts: Iterable[Text]) -> set[str]:
    return {text.title for text in texts if text.title}
