"""A function of ours in a process of its own: its result comes back, and so does its failure."""

from __future__ import annotations

import os

import pytest

from documents.keywords.terms import seed_of
from monitoring.lab.benchmarks.measuring.subprocess_call import run_inside


def test_the_result_comes_back() -> None:
    assert run_inside(os.environ, seed_of, corpus_id=3) == seed_of(3)


def test_a_failure_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"seed_of failed:[\s\S]*unexpected keyword argument 'nothing'"):
        run_inside(os.environ, seed_of, nothing=3)
