"""Measures chunking and retrieval: how much of the answering text is in the context that a model would get."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from documents.models import Corpus
from documents.text.chunking import Piece, cut
from documents.text.normalization import normalise
from querying.evaluation.beir_run import ask
from querying.evaluation.scratch import load_documents, scratch_corpus

CONTEXT_CHARS = 4000
Span = tuple[int, int]


@dataclass(frozen=True)
class SpansQuestion:
    """A question, and the parts of one document that answer it."""

    text: str
    document: str
    references: tuple[Span, ...]


@dataclass(frozen=True)
class SpansReport:
    """The means over all questions, 0..1, for a context of CONTEXT_CHARS."""

    name: str
    documents: int
    chunks: int
    questions: int
    recall: float  # share of the reference's characters that are in the context
    precision: float  # share of the context's characters that are in the reference
    unfound: int  # references that are not in the document's text, so that no search can return them
    p50_ms: float


def evaluate_spans(folder: Path, *, language: str, provider: str | None, limit: int | None = None) -> SpansReport:
    """Return the report for a folder with docs/ and questions.jsonl. Raises OSError, KeyError, ValueError."""
    texts = {path.name: normalise(path.read_text(encoding="utf-8")) for path in sorted((folder / "docs").iterdir())}
    questions, unfound = _read_questions(folder / "questions.jsonl", texts)
    questions = questions[:limit]
    with scratch_corpus(language, provider=provider) as corpus:
        documents = ((name, Path(name).stem, _pieces(corpus, name, text)) for name, text in texts.items())
        loaded = load_documents(corpus, documents)
        outcomes = [_ask(corpus, question, loaded) for question in tqdm(questions, desc="asking", disable=None)]
    return SpansReport(
        name=folder.resolve().name,
        documents=len(texts),
        chunks=len(loaded),
        questions=len(questions),
        recall=round(statistics.fmean(each[0] for each in outcomes), 4),
        precision=round(statistics.fmean(each[1] for each in outcomes), 4),
        unfound=unfound,
        p50_ms=round(1000 * statistics.median(each[2] for each in outcomes), 1),
    )


def _pieces(corpus: Corpus, name: str, text: str) -> Sequence[Piece]:
    return cut(
        text,
        size=corpus.chunk_size,
        overlap=corpus.chunk_overlap,
        unit="tokens" if corpus.chunk_unit == Corpus.ChunkUnit.TOKENS else "chars",
        markdown=name.endswith(".md"),
    )


def _read_questions(path: Path, texts: dict[str, str]) -> tuple[list[SpansQuestion], int]:
    """Return the questions with their spans in the normalised texts, and the number of references not found."""
    questions, unfound = [], 0
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        spans = []
        for reference in row["references"]:
            content = normalise(reference["content"])
            # The one nearest to where it was before normalising.
            starts = _places(texts[row["document"]], content)
            start = min(starts, key=lambda place: abs(place - reference["start"]), default=None)
            if start is None:
                unfound += 1
            else:
                spans.append((start, start + len(content)))
        if spans:
            questions.append(SpansQuestion(row["text"], row["document"], tuple(spans)))
    return questions, unfound


def _places(text: str, content: str) -> list[int]:
    places, start = [], text.find(content)
    while start >= 0:
        places.append(start)
        start = text.find(content, start + 1)
    return places


def _ask(corpus: Corpus, question: SpansQuestion, loaded: dict[int, tuple[str, Piece]]) -> tuple[float, float, float]:
    started = time.perf_counter()
    ranking = ask(corpus, question.text)
    seconds = time.perf_counter() - started
    room, given, elsewhere = CONTEXT_CHARS, set[int](), 0
    for each in ranking.fused:
        name, piece = loaded[each.candidate.chunk_id]
        end = min(piece.end, piece.start + room)
        if name == question.document:
            given.update(range(piece.start, end))
        else:
            elsewhere += end - piece.start
        room -= end - piece.start
        if room <= 0:
            break
    wanted = _characters(question.references)
    right = len(given & wanted)
    return right / len(wanted), right / max(1, len(given) + elsewhere), seconds


def _characters(spans: Iterable[Span]) -> set[int]:
    return {place for start, end in spans for place in range(start, end)}
