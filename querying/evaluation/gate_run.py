"""How well the gate tells questions that these documents answer from questions about other documents.

Half of a set's articles become the corpus; the questions are about both halves.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tqdm import tqdm

from documents.models import Corpus
from querying.evaluation.beir import BeirSet, Question
from querying.evaluation.beir_run import ask, load_texts
from querying.evaluation.scratch import scratch_corpus
from querying.gate import Evidence, strength

KEEP = 0.95  # of the answerable questions: what the threshold is set for
SEED = 7  # the same sample every time
NOTHING = -1000.0  # no passage at all


@dataclass(frozen=True)
class Shares:
    """What the gate did, as shares of questions, 0..1."""

    kept: float  # of the answerable ones
    refused: float  # of the others
    # How much higher the threshold must be to keep exactly KEEP: near 0 when it is calibrated, and then `refused`.
    drift: float
    refused_then: float


@dataclass(frozen=True)
class GateReport:
    """The gate over one set: with both legs, and with the keyword leg alone."""

    name: str
    answerable: int
    others: int
    both_legs: Shares
    keywords_only: Shares


def evaluate_gate(beir: BeirSet, *, language: str, provider: str | None, limit: int | None = None) -> GateReport:
    """Return how many questions the gate keeps and refuses, of a sample of `limit`."""
    inside = half_of(beir)
    questions = beir.questions
    if limit is not None and limit < len(questions):
        questions = random.Random(SEED).sample(questions, limit)  # noqa: S311  # a sample, not a secret
    with scratch_corpus(language, provider=provider) as corpus:
        load_texts(corpus, BeirSet(beir.name, [text for text in beir.texts if text.id in inside], []))
        evidence = [_evidence(corpus, question) for question in tqdm(questions, desc="asking", disable=None)]
    ours = [not inside.isdisjoint(question.judgements) for question in questions]
    by_keywords = [each and replace(each, cosine=None) for each in evidence]
    return GateReport(beir.name, sum(ours), len(ours) - sum(ours), _shares(evidence, ours), _shares(by_keywords, ours))


def half_of(beir: BeirSet) -> frozenset[str]:
    """Return the texts of every other article; of a set without titles, every other text."""
    titles = sorted({text.title for text in beir.texts})
    if len(titles) < 2:
        return frozenset(text.id for text in beir.texts[::2])
    chosen = set(titles[::2])
    return frozenset(text.id for text in beir.texts if text.title in chosen)


def _evidence(corpus: Corpus, question: Question) -> Evidence | None:
    return ask(corpus, question.text).evidence


def _shares(evidence: Sequence[Evidence | None], ours: Sequence[bool]) -> Shares:
    strengths = [strength(each) if each else NOTHING for each in evidence]
    answerable = sorted(each for each, is_ours in zip(strengths, ours, strict=True) if is_ours)
    others = [each for each, is_ours in zip(strengths, ours, strict=True) if not is_ours]
    fair = answerable[int((1 - KEEP) * len(answerable))] if answerable else 0.0
    return Shares(
        kept=_share(each >= 0 for each in answerable),
        refused=_share(each < 0 for each in others),
        drift=round(fair, 4),
        refused_then=_share(each < fair for each in others),
    )


def _share(outcomes: Iterable[bool]) -> float:
    counted = list(outcomes)
    return round(sum(counted) / max(1, len(counted)), 4)
