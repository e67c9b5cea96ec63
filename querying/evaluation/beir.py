"""Reads a BEIR folder: documents, questions, and judgements of which documents answer which question."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from documents.keywords.tokenization import fold


@dataclass(frozen=True)
class Text:
    """A document of the set."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class JudgedQuestion:
    """A question, and the judgement of each document (above 0: it answers the question)."""

    id: str
    text: str
    judgements: dict[str, int]


@dataclass(frozen=True)
class BeirSet:
    """A set of documents and judged questions."""

    name: str
    texts: list[Text]
    questions: list[JudgedQuestion]


def read_beir(folder: Path, *, strip_accents: bool = False) -> BeirSet:
    """Return the set of a folder: corpus.jsonl, queries.jsonl and qrels/test.tsv.

    Questions without judgements are left out. Raises OSError, KeyError and ValueError for a folder that isn't one.
    """
    judgements: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        question, document, score = line.split("\t")
        judgements.setdefault(question, {})[document] = int(score)
    questions = [
        JudgedQuestion(row["_id"], fold(row["text"]) if strip_accents else row["text"], judgements[row["_id"]])
        for row in _rows(folder / "queries.jsonl")
        if row["_id"] in judgements
    ]
    texts = [Text(row["_id"], row.get("title") or "", row["text"]) for row in _rows(folder / "corpus.jsonl")]
    return BeirSet(folder.resolve().name, texts, questions)


def read_answers(folder: Path) -> dict[str, list[str]]:
    """Return the known answers of questions, by their id: answers.jsonl, {"_id": ..., "answers": [...]}."""
    return {row["_id"]: row["answers"] for row in _rows(folder / "answers.jsonl")}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)
