"""Measures retrieval on sets of judged questions."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from querying.evaluation.answers_run import AnswersReport, evaluate_answers
from querying.evaluation.beir import read_beir
from querying.evaluation.beir_run import BeirReport, evaluate_beir
from querying.evaluation.gate_run import GateReport, evaluate_gate
from querying.evaluation.language import language_of
from querying.evaluation.spans_run import SpansReport, evaluate_spans
from querying.extractive import Style

SAMPLE_TEXTS = 50
Kind = Literal["answers", "beir", "gate", "spans"]
KINDS: tuple[Kind, ...] = ("answers", "beir", "gate", "spans")


def evaluate(
    kind: Kind,
    folder: Path,
    *,
    language: str | None = None,
    provider: str | None = None,
    limit: int | None = None,
    strip_accents: bool = False,
    style: Style = "short",
) -> AnswersReport | BeirReport | GateReport | SpansReport:
    """Return the report of one set. Raises OSError, KeyError and ValueError for a folder that isn't one."""
    if kind == "spans":
        sample = "\n".join(path.read_text(encoding="utf-8") for path in sorted((folder / "docs").iterdir())[:3])
        language = language or language_of(folder, sample)
        return evaluate_spans(folder, language=language, provider=provider, limit=limit)
    beir = read_beir(folder, strip_accents=strip_accents)
    language = language or language_of(folder, "\n".join(text.text for text in beir.texts[:SAMPLE_TEXTS]))
    if kind == "answers":
        return evaluate_answers(beir, folder, language=language, provider=provider, limit=limit, style=style)
    if kind == "gate":
        return evaluate_gate(beir, language=language, provider=provider, limit=limit)
    return evaluate_beir(beir, language=language, provider=provider, limit=limit)
