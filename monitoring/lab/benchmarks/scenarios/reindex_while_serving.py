"""Questions at a steady rate while a corpus is reindexed with another model, and while it switches to it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.artificial_language import Language
from monitoring.lab.benchmarks.data.bulk_corpus import load, plan_of
from monitoring.lab.benchmarks.load.keep_alive_client import KeepAlive
from monitoring.lab.benchmarks.load.steady_searches import Fingerprint, Searched, SteadySearches, search_once
from monitoring.lab.benchmarks.measuring.subprocess_call import run_inside
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Target, distribution, percentile
from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.stage import MODELS

QUICK_PASSAGES, FULL_PASSAGES = 2_000, 12_000  # the full one is above EXACT_SCAN_MAX_CHUNKS: an index is built
MODEL, DIMENSIONS = "another-model", 96  # so few that the same text is a little elsewhere
PER_SECOND = 8.0
QUESTIONS = 24
QUIET_SECONDS = 8.0
REINDEX_SECONDS = 500.0
CORPUS = "reindexed"


@scenario("reindex-while-serving", "questions while a second embedding space is built and made live: none may fail")
def run(bench: Bench) -> Outcome:
    """Ask before, while and after."""
    size = QUICK_PASSAGES if bench.quick else FULL_PASSAGES
    stage = bench.stage
    run_inside(stage.environment, load, slug=CORPUS, size=size)
    bodies = [
        {"query": question, "corpora": [CORPUS], "top_k": 10, "use_cache": number % 2 == 0}
        for number, question in enumerate(Language().questions(plan_of(size).lengths, QUESTIONS))
    ]
    models = (*MODELS, f"{MODEL}={DIMENSIONS}@2048")
    with StandInProcess(models, num_parallel=64) as standin, stage.serving(standin) as (server, _):
        before = _fingerprints(server.url, bodies)
        with SteadySearches(server.url, bodies, per_second=PER_SECOND) as asking:
            bench.say(f"{PER_SECOND:.0f} questions/s, before")
            time.sleep(QUIET_SECONDS)
            began = time.monotonic()
            bench.say(f"reindexing {size:,} passages")
            # Forced: the short vectors of the new model may well find less.
            command = ("reindex", CORPUS, "--provider", "ollama", "--model", MODEL, "--promote", "--force")
            stage.manage(*command, within_seconds=REINDEX_SECONDS, OLLAMA_BASE_URL=standin.url)
            ended = time.monotonic()
            bench.say(f"... {ended - began:.0f} s; after")
            time.sleep(QUIET_SECONDS / 2)
        after = _fingerprints(server.url, bodies)
    return _outcome(asking.searched, before, after, began, ended, size)


def _outcome(
    searched: Sequence[Searched],
    before: Sequence[Fingerprint],
    after: Sequence[Fingerprint],
    began: float,
    ended: float,
    size: int,
) -> Outcome:
    failures = Counter(each.failure for each in searched if each.failure)
    spaces = Counter(space_of(each, before, after) for each in searched if not each.failure)
    late = sum(each.at > ended and space_of(each, before, after) == "old" for each in searched if not each.failure)
    quiet = [each.seconds for each in searched if each.at < began]
    during = [each.seconds for each in searched if began <= each.at <= ended]
    ratio = percentile(during, 0.95) / percentile(quiet, 0.95)
    figures = (
        Figure(
            "answers that failed",
            sum(failures.values()),
            "",
            Target(at_most=0),
            note=", ".join(f"{what} x{times}" for what, times in failures.most_common(3)) or f"of {len(searched)}",
        ),
        Figure("answers of neither the old nor the new vectors", spaces["mixed"], "", Target(at_most=0)),
        Figure("answers of the old vectors after the switch", late, "", Target(at_most=0)),
        Figure(
            "questions that both spaces answer alike",
            sum(one == other for one, other in zip(before, after, strict=True)),
            "",
            Target(at_most=0),
            note="they could not tell a mixture",
        ),
        Figure("p95 before", 1000 * percentile(quiet, 0.95), "ms"),
        Figure("p95 while reindexing", 1000 * percentile(during, 0.95), "ms"),
        Figure("p95 while reindexing / before", ratio, "x"),
        Figure("reindexing", size / (ended - began), "passages/s", lower_is_better=False),
    )
    return Outcome(
        figures,
        settings={"passages": size, "per_second": PER_SECOND, "answers": dict(spaces)},
        distributions={"before (s)": distribution(quiet), "while reindexing (s)": distribution(during)},
    )


def space_of(each: Searched, before: Sequence[Fingerprint], after: Sequence[Fingerprint]) -> str:
    """Return whose answer it is: of the "old" or the "new" vectors, or "mixed" when it is neither's."""
    if each.fingerprint == before[each.question]:
        return "old"
    return "new" if each.fingerprint == after[each.question] else "mixed"


def _fingerprints(url: str, bodies: Sequence[dict[str, Any]]) -> list[Fingerprint]:
    """Return the answer to every question as it is now. Raises RuntimeError when one fails."""
    with KeepAlive(url) as client:
        found = [search_once(client, bodies, number) for number in range(len(bodies))]
    failed = [each.failure for each in found if each.failure]
    if failed:
        raise RuntimeError(f"searches fail without any load: {failed[0]}")
    return [each.fingerprint for each in found]
