"""Measures retrieval on a BEIR set, by the same code that answers questions."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ir_measures
from ir_measures import RR, R, nDCG
from tqdm import tqdm

from documents.models import Corpus
from documents.text.chunking import Piece
from documents.text.normalization import normalise, normalise_question
from querying.evaluation.beir import BeirSet, JudgedQuestion
from querying.evaluation.scratch import EVALUATOR, load_documents, scratch_corpus
from querying.retrieval.fusion import Candidate, FusionWeight, fuse
from querying.retrieval.legs import Legs
from querying.retrieval.ranking import Ranking, rank
from ragsite.deadline import Deadline

MEASURES = {"recall@1": R @ 1, "recall@5": R @ 5, "recall@10": R @ 10, "mrr@10": RR @ 10, "ndcg@10": nDCG @ 10}
QUESTION_SECONDS = 60.0
WEIGHTS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)  # of the keyword leg, to be compared
Run = dict[str, dict[str, float]]  # question -> document -> score


@dataclass(frozen=True)
class BeirReport:
    """The measures of one set by leg, and the time of a question."""

    name: str
    documents: int
    questions: int
    language: str
    measures: Mapping[str, Mapping[str, float]]  # fused, lexical, dense -> measure -> value
    p50_ms: float
    p95_ms: float
    # nDCG@10 by the keyword leg's weight, before words that stand together are rewarded: which weight a model and a
    # language should have (querying/retrieval/fusion.py).
    by_weight: Mapping[str, float]


def evaluate_beir(beir: BeirSet, *, language: str, provider: str | None, limit: int | None = None) -> BeirReport:
    """Return the measures of a set over its first `limit` questions, in a scratch corpus.

    Raises ValueError when there is no question to ask.
    """
    questions = beir.questions[:limit]
    if not questions or not beir.texts:
        raise ValueError("no judged question, or no text")
    with scratch_corpus(language, provider=provider) as corpus:
        names = load_texts(corpus, beir)
        runs, seconds = _ask_all(corpus, questions, names)
    judgements = {question.id: question.judgements for question in questions}
    measures = {leg: _measure(judgements, runs[leg]) for leg in ("fused", "lexical", "dense")}
    by_weight = {str(weight): _measure(judgements, runs[str(weight)])["ndcg@10"] for weight in WEIGHTS}
    milliseconds = [1000 * each for each in seconds]
    percentiles = statistics.quantiles(milliseconds, n=20) if len(milliseconds) > 1 else milliseconds * 19
    return BeirReport(
        beir.name,
        len(beir.texts),
        len(questions),
        language,
        measures,
        round(percentiles[9], 1),
        round(percentiles[18], 1),
        by_weight,
    )


def load_texts(corpus: Corpus, beir: BeirSet) -> dict[int, str]:
    """Store each text of a set as a document of one chunk; return the set's ids by chunk id."""
    documents = (
        (text.id, normalise(text.title), [Piece(0, body, "", None, 0, len(body))])
        for text in tqdm(beir.texts, desc="loading", unit="texts", disable=None)
        for body in [normalise(text.text)]
    )
    return {chunk_id: name for chunk_id, (name, _) in load_documents(corpus, documents).items()}


def _ask_all(
    corpus: Corpus, questions: Iterable[JudgedQuestion], names: Mapping[int, str]
) -> tuple[dict[str, Run], list[float]]:
    runs: dict[str, Run] = {leg: {} for leg in ("fused", "lexical", "dense", *map(str, WEIGHTS))}
    seconds = []
    for question in tqdm(questions, desc="asking", unit="questions", disable=None):
        started = time.perf_counter()
        ranking = ask(corpus, question.text)
        seconds.append(time.perf_counter() - started)
        for leg, scores in _scores(ranking).items():
            runs[leg][question.id] = {names[chunk_id]: score for chunk_id, score in scores.items()}
    return runs, seconds


def ask(corpus: Corpus, question: str) -> Ranking:
    """Return the ranking of a question, as `retrieve` makes it."""
    legs = Legs(Deadline.after(QUESTION_SECONDS))
    return rank(normalise_question(question), [corpus], principal=EVALUATOR, legs=legs)


def _scores(ranking: Ranking) -> dict[str, dict[int, float]]:
    fused = {each.candidate.chunk_id: each.score for each in ranking.fused}
    candidates = [each.candidate for each in ranking.fused]
    weighed = {
        str(weight): {each.candidate.chunk_id: each.score for each in fuse(candidates, _weights(candidates, weight))}
        for weight in WEIGHTS
    }
    return weighed | {
        "fused": fused,
        "lexical": {each.chunk_id: each.lexical for each in candidates if each.lexical},
        "dense": {each.chunk_id: each.dense for each in candidates if each.dense is not None},
    }


def _weights(candidates: Sequence[Candidate], weight: float) -> dict[int, FusionWeight]:
    return {each.corpus_id: FusionWeight(weight, "") for each in candidates}


def _measure(judgements: Mapping[str, Mapping[str, int]], run: Run) -> dict[str, float]:
    values = ir_measures.calc_aggregate(list(MEASURES.values()), judgements, run)
    return {name: round(float(values[measure]), 4) for name, measure in MEASURES.items()}
