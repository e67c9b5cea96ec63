"""Measures retrieval on sets of judged questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from querying.evaluation.answers_run import AnswersReport, evaluate_answers
from querying.evaluation.beir import BeirSet, read_beir
from querying.evaluation.beir_run import BeirReport, evaluate_beir
from querying.evaluation.gate_fit import fit, write
from querying.evaluation.gate_run import SIZES, GateReport, LanguageSet, collect, evaluate_gate, report_of
from querying.evaluation.language import language_of
from querying.evaluation.spans_run import SpansReport, evaluate_spans
from querying.extractive.answer import Style
from querying.retrieval.answerability import FILE, calibrations

SAMPLE_TEXTS = 50
Kind = Literal["answers", "beir", "spans"]
KINDS: tuple[Kind, ...] = ("answers", "beir", "spans")


def evaluate(
    kind: Kind,
    folder: Path,
    *,
    language: str | None = None,
    provider: str | None = None,
    limit: int | None = None,
    strip_accents: bool = False,
    style: Style = "short",
) -> AnswersReport | BeirReport | SpansReport:
    """Return the report of one set. Raises OSError, KeyError and ValueError for a folder of another form."""
    if kind == "spans":
        sample = "\n".join(path.read_text(encoding="utf-8") for path in sorted((folder / "docs").iterdir())[:3])
        language = language or language_of(folder, sample)
        return evaluate_spans(folder, language=language, provider=provider, limit=limit)
    beir = read_beir(folder, strip_accents=strip_accents)
    language = language or _language(folder, beir)
    if kind == "answers":
        return evaluate_answers(beir, folder, language=language, provider=provider, limit=limit, style=style)
    return evaluate_beir(beir, language=language, provider=provider, limit=limit)


def evaluate_gates(
    folders: Sequence[Path],
    *,
    language: str | None = None,
    provider: str | None = None,
    limit: int | None = None,
    is_fitted: bool = False,
) -> GateReport:
    """Return the report of the answerability gate over some sets.

    `is_fitted`: the gate is first fitted on all of them, and its calibrations are stored. Raises as `evaluate` does.
    """
    sets = []
    for folder in folders:
        beir = read_beir(folder)
        sets.append(LanguageSet(beir, language or _language(folder, beir)))
    if not is_fitted:
        return evaluate_gate(sets, provider=provider, limit=limit)
    samples = list(collect(sets, provider=provider, limit=limit, sizes=SIZES))
    write(fit(samples), samples, FILE)
    calibrations.cache_clear()
    return report_of([sample for sample in samples if sample.size == "half"])


def _language(folder: Path, beir: BeirSet) -> str:
    return language_of(folder, "\n".join(text.text for text in beir.texts[:SAMPLE_TEXTS]))
