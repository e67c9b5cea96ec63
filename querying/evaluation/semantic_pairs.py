"""Reads pairs of questions that ask the same, or only look like it, to measure the semantic cache.

`semantic_pairs.tsv` has one pair per line: fold, language, same, kind, question, other. Rules were written looking at
the fold "dev" only; "held-out" was written before them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

PAIRS = Path(__file__).with_name("semantic_pairs.tsv")
_SAME = {"yes": True, "no": False}


@dataclass(frozen=True)
class Pair:
    """Two questions, and whether the answer to one is the answer to the other."""

    fold: str
    language: str  # of the corpus that is asked
    same: bool
    kind: str  # in what they differ
    question: str
    other: str


def read_pairs(path: Path = PAIRS) -> list[Pair]:
    """Return the pairs of a file. Raises OSError, KeyError and ValueError for a file that isn't one."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True))
    pairs = [
        Pair(row["fold"], row["language"], _SAME[row["same"]], row["kind"], row["question"], row["other"])
        for row in rows
    ]
    if not {pair.same for pair in pairs} == {True, False}:
        raise ValueError("it needs pairs that ask the same, and pairs that don't")
    if not all(pair.question and pair.other for pair in pairs):
        raise ValueError("a question is missing")
    return pairs
