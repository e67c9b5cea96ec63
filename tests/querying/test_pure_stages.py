"""The pure stages import no Django."""

from __future__ import annotations

import subprocess
import sys

from ragsite.paths import PROJECT

PURE = [
    "documents.keywords.dictionary",
    "documents.keywords.word_joining",
    "documents.keywords.spelling",
    "documents.keywords.synonyms",
    "querying.questions.asking_part",
    "querying.text.abbreviations",
    "querying.text.blocks",
    "querying.generation.citations",
    "querying.generation.control_tokens",
    "querying.output.degenerate",
    "querying.extractive.answer",
    "querying.questions.identifiers",
    "querying.output.model_text",
    "querying.generation.not_found",
    "querying.questions.function_words",
    "querying.text.inert",
    "querying.output.link_filter",
    "querying.passages",
    "querying.generation.prompt",
    "querying.questions.measures",
    "querying.questions.answer_type",
    "querying.extractive.quotable",
    "querying.extractive.relevance",
    "querying.questions.word_likeness",
    "querying.text.sentences",
    "querying.output.thinking",
    "querying.generation.phrases",
]


def test_they_import_no_django() -> None:
    """In one process: none of them may, so it doesn't matter which was first."""
    program = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
    program += "    found = {'django', 'rest_framework'} & set(sys.modules)\n"
    program += "    if found: sys.exit(f'{name} imports {found}')"
    done = subprocess.run(
        [sys.executable, "-c", program, *PURE], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
