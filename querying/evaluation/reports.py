"""Formats the reports of evaluations: as text for people, as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from querying.evaluation.answers_run import TOP_K, AnswersReport
from querying.evaluation.beir_run import MEASURES, BeirReport
from querying.evaluation.gate_run import GateReport, Row
from querying.evaluation.semantic_run import FALSE_HIT_RATE_MAX, Rates, SemanticReport
from querying.evaluation.spans_run import CONTEXT_CHARS, SpansReport

Report = AnswersReport | BeirReport | GateReport | SpansReport | SemanticReport


def as_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON values; the measures of a BEIR set are at the top: `{"fused": {"ndcg@10": ...}}`."""
    values = asdict(report)
    if isinstance(report, SemanticReport):
        return {"semantic_cache": values}
    measures: dict[str, Any] = values.pop("measures", {})
    return measures | values


def as_text(report: Report) -> str:
    """Return a report as lines for a terminal."""
    if isinstance(report, BeirReport):
        return _beir(report)
    if isinstance(report, AnswersReport):
        return _answers(report)
    if isinstance(report, GateReport):
        return _gate(report)
    if isinstance(report, SemanticReport):
        return _semantic(report)
    return (
        f"{report.name}: {report.documents} documents, {report.chunks} chunks, {report.questions} questions; "
        f"{report.p50_ms} ms a question (median)\n"
        f"of the reference's characters {report.recall:.3f} are in a context of {CONTEXT_CHARS} characters; "
        f"{report.precision:.3f} of that context is reference"
    )


def _beir(report: BeirReport) -> str:
    lines = [
        f"{report.name}: {report.documents} documents, {report.questions} questions, language {report.language}; "
        f"{report.p50_ms} ms a question (median), {report.p95_ms} ms (95 %)",
        " " * 8 + "".join(f"{measure:>11}" for measure in MEASURES),
    ]
    lines += [
        f"{leg:8}" + "".join(f"{values[measure]:11.4f}" for measure in MEASURES)
        for leg, values in report.measures.items()
    ]
    lines.append("nDCG@10 by the weight of the keyword leg: " + _listed(report.by_weight))
    return "\n".join(lines)


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name}: {value:.4f}" for name, value in values.items())


def _answers(report: AnswersReport) -> str:
    return (
        f"{report.name}: {report.questions} questions, language {report.language}, style {report.style}\n"
        f"the known answer is in the text of {report.in_answer:.3f}, in the first quoted sentence of"
        f" {report.in_first_sentence:.3f}; {report.mean_chars:.0f} characters an answer (mean)\n"
        f"the right text was found first for {report.found_first:.3f}, among the first {TOP_K} for {report.found:.3f}"
    )


def _gate(report: GateReport) -> str:
    columns = ("kept", "uncertain", "other art.", "other sets", "passage missing")
    lines = [
        f"{'':38}{'of the answered':>20}   refused of questions about",
        _columns("set, kind of question, legs", columns),
    ]
    return "\n".join([*lines, *map(_gate_row, report.rows)])


def _gate_row(row: Row) -> str:
    shares = (
        row.kept,
        row.kept_uncertain,
        row.refused_other_articles,
        row.refused_other_sets,
        row.refused_passage_missing,
    )
    shown = ["-" if share is None else f"{share:.3f}" for share in shares]
    return _columns(f"{row.name:16}{row.kind:10}{row.legs}", shown)


def _columns(name: str, values: Iterable[str]) -> str:
    return f"{name:36}" + "".join(f"{value:>12}" for value in values)


def _semantic(report: SemanticReport) -> str:
    lines = [
        f"{report.name}: {report.pairs} pairs of questions, compared by {report.model} at {report.threshold}",
        f"false hits: {_percent(report.false_hit_rate)} of the pairs that don't ask the same"
        f" (allowed: {_percent(FALSE_HIT_RATE_MAX)})",
        f"hits: {_percent(report.hit_rate)} of the pairs that do",
    ]
    for title, groups in (("kind", report.by_kind), ("language", report.by_language), ("fold", report.by_fold)):
        lines += ["", f"{'by ' + title:22}{'pairs':>7}{'hits':>10}{'false hits':>12}"]
        lines += [_rates(name, rates) for name, rates in groups.items()]
    lines += ["", f"{'threshold':22}{'':7}{'hits':>10}{'false hits':>12}   (without comparing words)"]
    lines += [
        f"{step.threshold:<22}{'':7}{_percent(step.hit_rate):>10}{_percent(step.false_hit_rate):>12}"
        f"   {_percent(step.false_hit_rate_without_words)}"
        for step in report.sweep
    ]
    best = "no threshold" if report.best_threshold is None else f"a threshold of {report.best_threshold}"
    lines += ["", f"most hits within what is allowed: with {best}"]
    return "\n".join([*lines, *(f"false hit: {one} | {other}" for one, other in report.false_hits)])


def _rates(name: str, rates: Rates) -> str:
    return f"{name:22}{rates.pairs:7}{_percent(rates.hit_rate):>10}{_percent(rates.false_hit_rate):>12}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
