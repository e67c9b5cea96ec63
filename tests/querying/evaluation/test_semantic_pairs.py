"""The labelled pairs of questions, their judgement by the semantic cache, and `manage.py evaluate semantic-cache`."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from documents.models import EmbeddingSpace
from documents.vectors.spaces import fields_for
from querying.evaluation.semantic_pairs import PAIRS, Pair, read_pairs
from querying.evaluation.semantic_run import FALSE_HIT_RATE_MAX, judge

NEAR_MISSES = {
    "negated", "other_number", "other_year", "other_unit", "other_name", "reversed_roles", "other_comparative",
    "other_quantifier", "other_modality", "other_time", "other_question_word", "condition", "other_place",
    "other_department", "antonym", "word_sense",
}  # fmt: skip
PARAPHRASES = {
    "contracted",
    "politeness",
    "reordered",
    "plural",
    "hyphen",
    "unit",
    "spelling",
    "function_words",
    "hard",
}
HEADER = "fold\tlanguage\tsame\tkind\tquestion\tother\n"


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return read_pairs()


def run(*arguments: object) -> Any:
    out = StringIO()
    call_command("evaluate", "semantic-cache", "--provider=embedded", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())["semantic_cache"]


# The set


def test_there_are_enough_pairs_of_every_kind(pairs: list[Pair]) -> None:
    same = Counter(pair.kind for pair in pairs if pair.same)
    others = Counter(pair.kind for pair in pairs if not pair.same)
    assert same.total() >= 150
    assert others.total() >= 190
    assert set(same) >= PARAPHRASES
    assert set(others) >= NEAR_MISSES
    assert min(others[kind] for kind in NEAR_MISSES) >= 9
    assert not set(same) & set(others), "a kind is one or the other"
    assert same["hard"] >= 20, "paraphrases that share no words belong to an honest hit rate"


def test_both_folds_and_all_languages_have_both(pairs: list[Pair]) -> None:
    for of in ("fold", "language"):
        counts = Counter((getattr(pair, of), pair.same) for pair in pairs)
        assert min(counts.values()) >= 15
        assert len(counts) == 2 * len({getattr(pair, of) for pair in pairs})
    assert {pair.fold for pair in pairs} == {"dev", "held-out"}
    assert {pair.language for pair in pairs} == {"en", "de", "vi"}


def test_no_pair_is_there_twice_and_none_contradicts_another(pairs: list[Pair]) -> None:
    both = [frozenset((pair.question, pair.other)) for pair in pairs]
    assert all(len(each) == 2 for each in both)
    assert len(set(both)) == len(both)
    # Whatever asks the same as the same asks the same: no chain of such pairs may join two that don't.
    group: dict[str, str] = {}

    def of(question: str) -> str:
        while group.get(question, question) != question:
            question = group[question]
        return question

    for pair in pairs:
        if pair.same:
            group[of(pair.question)] = of(pair.other)
    assert not [pair for pair in pairs if not pair.same and of(pair.question) == of(pair.other)]


# What the cache makes of it


def test_hardly_any_near_miss_gets_through_and_most_paraphrases_do(pairs: list[Pair]) -> None:
    judged = judge(pairs, EmbeddingSpace(**fields_for("embedded")))
    for fold in ("dev", "held-out"):
        mine = [each for each in judged if each.pair.fold == fold]
        false_hits = [each.pair for each in mine if not each.pair.same and each.is_hit(0.0)]
        others = sum(not each.pair.same for each in mine)
        assert len(false_hits) <= FALSE_HIT_RATE_MAX * others, false_hits
        hits = [each.is_hit(0.7) for each in mine if each.pair.same]
        assert sum(hits) / len(hits) >= 0.72


# The command


def test_the_command_reports_rates_kinds_and_a_sweep(settings: Settings) -> None:
    report = run()
    assert report["pairs"] >= 340
    assert report["threshold"] == settings.SEMANTIC_CACHE_SIMILARITY
    assert report["false_hit_rate"] <= FALSE_HIT_RATE_MAX
    assert report["hit_rate"] >= 0.7
    assert report["by_kind"]["negated"] == {"pairs": 20, "hit_rate": None, "false_hit_rate": 0.0}
    assert set(report["by_language"]) == {"en", "de", "vi"}
    assert set(report["by_fold"]) == {"dev", "held-out"}
    rates = [step["hit_rate"] for step in report["sweep"]]
    assert rates == sorted(rates, reverse=True), "the higher the threshold, the fewer hits"
    assert report["best_threshold"] in [step["threshold"] for step in report["sweep"]]
    # Why words are compared at all.
    step = next(step for step in report["sweep"] if step["threshold"] == report["threshold"])
    assert step["false_hit_rate_without_words"] > 0.5


def test_the_threshold_decides(settings: Settings) -> None:
    assert run("--threshold", 0.95)["hit_rate"] < run("--threshold", 0.5)["hit_rate"]
    settings.SEMANTIC_CACHE_SIMILARITY = 0.9
    assert run()["threshold"] == 0.9


def test_too_many_false_hits_end_with_an_error_after_the_report(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text(
        HEADER
        + "x\ten\tyes\ta\tWhat's open?\tWhat is open?\n"
        + "x\ten\tno\tb\tWho pays for parking?\tCan you tell me who pays for parking?\n"
    )
    out = StringIO()
    with pytest.raises(CommandError, match="Too many") as raised:
        call_command(
            "evaluate", "semantic-cache", "--provider=embedded", f"--pairs={path}", "--threshold=0.5", stdout=out
        )
    assert raised.value.returncode == 1
    assert "false hits: 100.0 %" in out.getvalue()
    assert "false hit: Who pays for parking? | Can you tell me" in out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing\tlike\tit\n",
        HEADER + "x\ten\tmaybe\ta\tWho?\tWhat?\n",
        HEADER + "x\ten\tyes\ta\tWho?\tWho\n",
        HEADER + "x\ten\tyes\ta\tWho?\tWho\nx\ten\tno\ta\tWho?\t\n",
    ],
)
def test_a_file_that_holds_no_such_pairs_is_said_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(text)
    with pytest.raises(CommandError, match="is not such a set"):
        run("--pairs", path)
    with pytest.raises(CommandError, match="is not such a set"):
        run("--pairs", tmp_path / "nowhere.tsv")


@pytest.mark.parametrize(
    "arguments",
    [["semantic-cache", "--threshold=2"], ["semantic-cache", "--threshold=x"], ["semantic-cache", "--beir=x"], []],
)
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("evaluate", *arguments)


def test_people_get_tables() -> None:
    out = StringIO()
    call_command("evaluate", "semantic-cache", "--provider=embedded", stdout=out)
    for words in ("by kind", "by language", "by fold", "threshold", "most hits within what is allowed"):
        assert words in out.getvalue()
    assert PAIRS.stem in out.getvalue()
