"""The stages that only turn text into text know no Django: they can be read, tested and used without it."""

from __future__ import annotations

import subprocess
import sys

from ragsite.paths import PROJECT

PURE = [
    "documents.keywords.dictionary",
    "documents.keywords.word_joining",
    "documents.keywords.spelling",
    "documents.keywords.synonyms",
    "querying.asking",
    "querying.abbreviations",
    "querying.blocks",
    "querying.citations",
    "querying.control_tokens",
    "querying.degenerate",
    "querying.extractive",
    "querying.identifiers",
    "querying.model_text",
    "querying.not_found",
    "querying.function_words",
    "querying.inert",
    "querying.output_filter",
    "querying.passage",
    "querying.prompting",
    "querying.measures",
    "querying.question_type",
    "querying.quotable",
    "querying.relevance",
    "querying.word_likeness",
    "querying.sentences",
    "querying.thinking",
    "querying.wording",
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
