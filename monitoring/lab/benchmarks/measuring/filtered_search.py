"""Measures searches in small and large parts of the data: recall, and time."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.artificial_language import Language
from monitoring.lab.benchmarks.data.bulk_corpus import SHARES, filter_of, plan_of
from monitoring.lab.benchmarks.data.tenants_and_readers import (
    OF_ALL,
    close_documents,
    make_neighbours,
    reader_of,
    sizes_beside,
    tenant_of,
)
from monitoring.lab.benchmarks.load.keep_alive_client import KeepAlive
from monitoring.lab.benchmarks.measuring.recall import TOP, recall_of_filters, recall_of_users
from monitoring.lab.benchmarks.measuring.subprocess_call import run_inside
from monitoring.lab.benchmarks.reports.figures import Figure, Target

PATH = "/api/v1/search"
RECALL_ALL, RECALL_SHARE = 0.98, 0.95
QUICK_QUESTIONS, FULL_QUESTIONS = 10, 60
FRESH = {"use_cache": False}  # what was found before must not be given again: it is searching that is timed


@dataclass(frozen=True)
class Large:
    """The largest corpus, with questions to it. `others`: passages of smaller ones in the same database."""

    slug: str
    size: int
    questions: Sequence[str]
    others: int


@dataclass(frozen=True)
class _Part:
    """Who asks what, and how many passages there are for them."""

    name: str
    passages: int
    questions: Sequence[str]
    fields: Mapping[str, Any]  # of the request, besides the question
    key: str = ""


def search_once(client: KeepAlive, body: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """Return what a search found, and its seconds. Raises RuntimeError for one that is not as good as it should be."""
    status, found, seconds = client.post_json(PATH, body)
    if status != 200 or found["degraded"]:
        raise RuntimeError(f"a search failed with {status}: {str(found)[:500]}")
    return found, seconds


def share_figures(bench: Bench, url: str, large: Large) -> list[Figure]:
    """Return rows, recall and times of filters, then of tenants, then of readers of closed documents.

    The order counts: the corpora are public for the first, and the documents open for the second.
    """
    kept = large.questions[: QUICK_QUESTIONS if bench.quick else FULL_QUESTIONS]
    large = Large(large.slug, large.size, kept, large.others)
    return [*_filters(bench, url, large), *_tenants(bench, url, large), *_readers(bench, url, large)]


def _shares_of(size: int) -> list[float]:
    return [share for share in SHARES if share * size >= 1]


def _filters(bench: Bench, url: str, large: Large) -> list[Figure]:
    bench.say("filters: comparing with a look at every vector")
    plan, shares = plan_of(large.size), _shares_of(large.size)
    parts = [
        _Part(
            f"filter that leaves {100 * share:g} %",
            plan.passages_in(share),
            large.questions,
            {"corpora": [large.slug], "filters": filter_of(share)},
        )
        for share in shares
    ]
    filters = [None, *(filter_of(share) for share in shares)]
    whole, *found = run_inside(
        bench.stage.environment, recall_of_filters, slug=large.slug, questions=large.questions, filters=filters
    )
    recall = Figure(
        "recall@10 of the dense leg against every vector",
        whole["recall"],
        "",
        Target(at_least=RECALL_ALL),
        note=f"worst question {whole['worst']:.1f}",
        lower_is_better=False,
    )
    return [recall, *_figures(url, parts, found)]


def _tenants(bench: Bench, url: str, large: Large) -> list[Figure]:
    sizes = sizes_beside(large.size, large.others)
    bench.say(f"tenants: loading {sum(sizes):,} passages of {len(sizes)} others, of {min(sizes):,} and more")
    keys = run_inside(bench.stage.environment, make_neighbours, large=large.slug, sizes=sizes)
    whole = large.size + large.others + sum(sizes)
    questions: dict[str, Sequence[str]] = {
        tenant_of(number): Language().questions(plan_of(size).lengths, len(large.questions), seed=number + 1)
        for number, size in enumerate(sizes)
    }
    passages = {tenant_of(number): size for number, size in enumerate(sizes)} | {large.slug: large.size}
    questions[large.slug] = large.questions
    parts = [
        _Part(f"tenant with {100 * passages[user] / whole:.3g} %", passages[user], asked, {}, keys[user])
        for user, asked in questions.items()
    ]
    # Each tenant's questions in turn, also those to the smallest.
    questions[OF_ALL] = [asked[number % len(asked)] for number, asked in enumerate([*questions.values()] * 5)]
    parts.append(_Part("all tenants at once", whole, questions[OF_ALL], {}, keys[OF_ALL]))
    found = run_inside(bench.stage.environment, recall_of_users, questions=questions)
    return _figures(url, parts, [*found.values()])


def _readers(bench: Bench, url: str, large: Large) -> list[Figure]:
    bench.say("readers: closing the documents of the largest corpus")
    plan, shares = plan_of(large.size), _shares_of(large.size)
    keys = run_inside(bench.stage.environment, close_documents, slug=large.slug, shares=shares)
    parts = [
        _Part(f"reader of {100 * share:g} %", plan.passages_in(share), large.questions, {}, keys[reader_of(share)])
        for share in shares
    ]
    questions = {reader_of(share): large.questions for share in shares}
    found = run_inside(bench.stage.environment, recall_of_users, questions=questions)
    return _figures(url, parts, [*found.values()])


def _figures(url: str, parts: Sequence[_Part], recalls: Sequence[Mapping[str, float]]) -> list[Figure]:
    """Return recall, fewest rows and p50 of each part."""
    figures = []
    for part, compared in zip(parts, recalls, strict=True):
        with KeepAlive(url, api_key=part.key) as client:
            bodies = [{"query": each, "top_k": TOP, **part.fields, **FRESH} for each in part.questions]
            search_once(client, bodies[0])
            found = [search_once(client, body) for body in bodies]
        rows = min(len(each["passages"]) for each, _ in found)
        p50 = statistics.median(1000 * seconds for _, seconds in found)
        wanted = Target(at_least=min(TOP, part.passages))
        recall, is_right = compared["recall"], Target(at_least=RECALL_SHARE)
        worst = f"worst question {compared['worst']:.1f}"
        figures += [
            Figure(f"recall@10, {part.name}", recall, "", is_right, note=worst, lower_is_better=False),
            Figure(f"fewest passages, {part.name}", rows, "", wanted, lower_is_better=False),
            Figure(f"search p50, {part.name}", p50, "ms"),
        ]
    return figures
