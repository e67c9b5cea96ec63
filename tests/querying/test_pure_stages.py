"""The stages that only turn text into text know no Django: they can be read, tested and used without it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ragsite.paths import PROJECT

PURE = [
    "documents.dictionary",
    "documents.joining",
    "documents.spelling",
    "documents.synonyms",
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


@pytest.mark.parametrize("module", PURE)
def test_it_imports_no_django(module: str) -> None:
    program = f"import sys, {module}; sys.exit('django' in sys.modules or 'rest_framework' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=False).returncode == 0
