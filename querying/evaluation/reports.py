"""Reports of evaluations as text for people. Programs get the JSON of the dataclasses."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from querying.evaluation.beir_run import MEASURES, BeirReport
from querying.evaluation.gate_run import GateReport, Shares
from querying.evaluation.spans_run import CONTEXT_CHARS, SpansReport

Report = BeirReport | GateReport | SpansReport


def as_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON values; the measures of a BEIR set are at the top: `{"fused": {"ndcg@10": ...}}`."""
    values = asdict(report)
    measures: dict[str, Any] = values.pop("measures", {})
    return measures | values


def as_text(report: Report) -> str:
    """Return a report as lines for a terminal."""
    if isinstance(report, BeirReport):
        return _beir(report)
    if isinstance(report, GateReport):
        return _gate(report)
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
    return "\n".join(lines)


def _gate(report: GateReport) -> str:
    lines = [f"{report.name}: {report.answerable} questions that the documents answer, {report.others} about others"]
    for name, shares in (("both legs", report.both_legs), ("keywords only", report.keywords_only)):
        lines.append(_shares(name, shares))
    return "\n".join(lines)


def _shares(name: str, shares: Shares) -> str:
    return (
        f"{name:14} kept {shares.kept:.3f} of the former, refused {shares.refused:.3f} of the latter"
        f" (with the threshold {shares.drift:+.3f}: 0.950 and {shares.refused_then:.3f})"
    )
